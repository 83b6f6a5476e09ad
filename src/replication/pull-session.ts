// One node catching up with one peer: the anti-entropy state machine, without I/O. The driver sends what `next` says
// and hands back what came; signatures are verified in between. Nothing but the merged rows outlives a session, and
// they are all it takes: a session that was cut begins anew and asks only for what is missing.
//
//   digest → same                                     nothing to do
//          → vector → (far behind: cleared, cleared …) → want → page, want → page …, last page: claim

import type { ChangeLog } from './change-log.ts';
import { witnessOwnChanges } from './epoch.ts';
import { FIRST_HLC } from './hlc.ts';
import type { Page, Reply, Request } from './messages.ts';
import type { Claim, MergeTime, Replica } from './replica.ts';
import type { Comeback } from './snapshot.ts';
import { VersionVector } from './version-vector.ts';

export type PullOutcome =
  /** Both know the same. */
  | 'equal'
  /** Everything that the peer knew is here. */
  | 'caught-up'
  /** The peer must first catch up itself: it lacks what we have forgotten. */
  | 'peer-is-behind'
  /** Some changes could not be judged yet; the rest is here, and we will ask again. */
  | 'deferred'
  | 'busy'
  /** The reply makes no sense here. */
  | 'confused';

export interface PullProgress {
  /** Changes that the peer knew and we did not, when the session began. */
  readonly missing: number;
  readonly received: number;
}

export interface PullDeps {
  readonly log: ChangeLog;
  readonly replica: Replica;
  /** May we believe the peer that changes were superseded? A stolen read-only node must not hide others' changes. */
  readonly mayVouch: (peer: string) => boolean;
}

type Phase = 'digest' | 'cleared' | 'want' | 'over';

export class PullSession {
  readonly #deps: PullDeps;
  readonly #peer: string;
  #phase: Phase = 'digest';
  #request: Request;
  #outcome: PullOutcome | undefined;
  /** Cleared at the peer, to be claimed with the last page. */
  readonly #pending = new VersionVector();
  /** Offered, but not to be judged yet. */
  readonly #deferred = new VersionVector();
  /** Cleared at the peer, out of what we knew before: only asked for when we are far behind. */
  readonly #gone = new VersionVector();
  #collected = new VersionVector();
  #collectedHlc = FIRST_HLC;
  /** What we knew and the peer did not; set when we are far behind. */
  #unsent: VersionVector | undefined;
  #missing = 0;
  #received = 0;

  constructor(deps: PullDeps, peer: string) {
    this.#deps = deps;
    this.#peer = peer;
    this.#request = { type: 'digest', digest: deps.log.digest() };
  }

  /** What to ask; undefined when the session is over. */
  get next(): Request | undefined {
    return this.#phase === 'over' ? undefined : this.#request;
  }

  get outcome(): PullOutcome | undefined {
    return this.#outcome;
  }

  get progress(): PullProgress {
    return { missing: this.#missing, received: this.#received };
  }

  /** Of the changes in the reply, signatures must have been verified. @throws ReplicaFullError */
  receive(reply: Reply, time: MergeTime): void {
    const phase = this.#phase;
    if (reply.type === 'busy') this.#end('busy');
    else if (phase === 'digest' && reply.type === 'same') this.#agree(time);
    else if (phase === 'digest' && reply.type === 'vector') this.#compare(reply, time);
    else if (phase === 'cleared' && reply.type === 'cleared') this.#collect(reply);
    else if (phase === 'want' && reply.type === 'page') this.#take(reply, time);
    else this.#end('confused');
  }

  #collect({ cleared, next }: Extract<Reply, { type: 'cleared' }>): void {
    this.#gone.merge(cleared);
    if (next) this.#ask('cleared', { type: 'cleared', after: next });
    else this.#want();
  }

  #agree(time: MergeTime): void {
    const { log } = this.#deps;
    if (this.#request.type === 'digest' && this.#request.digest === log.digest()) {
      log.peers.heard(this.#peer, log.vector(), time.now);
    }
    this.#end('equal');
  }

  #compare(reply: Extract<Reply, { type: 'vector' }>, time: MergeTime): void {
    const { known: theirs, collected } = reply;
    const { log } = this.#deps;
    log.peers.heard(this.#peer, theirs, time.now);
    witnessOwnChanges(log, theirs, time.now);
    const ours = log.vector();
    const weAreBehind = !ours.dominates(collected);
    // Two islands that forgot while they were apart lack each other's: then both come back to one another.
    const peerIsBehind = !weAreBehind && !theirs.dominates(log.collectedVector());
    this.#missing = theirs.minus(ours).size;
    this.#collected = collected;
    this.#collectedHlc = reply.collectedHlc;
    if (peerIsBehind) {
      this.#end('peer-is-behind');
    } else if (weAreBehind) {
      this.#unsent = ours.minus(theirs);
      this.#ask('cleared', { type: 'cleared', after: undefined });
    } else if (this.#missing === 0) {
      this.#end('caught-up');
    } else {
      this.#want();
    }
  }

  #take(page: Page, time: MergeTime): void {
    const { log, replica } = this.#deps;
    const before = this.#have();
    this.#pending.merge(page.cleared);
    this.#received += page.changes.length + page.cleared.size;
    const isWhole = page.isLast && this.#deferred.isEmpty && !hasDeferred(log, page);
    const mayClaim = (isWhole && this.#deps.mayVouch(this.#peer)) || log.faults.advancesOnEveryPage === true;
    const result = replica.merge(page.changes, time, mayClaim ? this.#claim(isWhole) : undefined);
    if (result.deferred > 0) this.#defer(page);
    if (page.isLast) this.#end(isWhole ? 'caught-up' : 'deferred');
    else if (before.dominates(this.#have())) this.#end('confused');
    else this.#want();
  }

  #claim(isWhole: boolean): Claim {
    const cleared = this.#pending;
    if (!isWhole) return { cleared, collected: new VersionVector(), collectedHlc: FIRST_HLC };
    return { cleared, collected: this.#collected, collectedHlc: this.#collectedHlc, comeback: this.#comeback() };
  }

  #comeback(): Comeback | undefined {
    return this.#unsent && { gone: this.#gone.and(this.#collected), unsent: this.#unsent };
  }

  #defer(page: Page): void {
    for (const change of page.changes) if (!this.#deps.log.known.has(change)) this.#deferred.addDot(change);
  }

  #have(): VersionVector {
    const have = this.#deps.log.vector().copy();
    have.merge(this.#pending);
    have.merge(this.#deferred);
    return have;
  }

  #want(): void {
    this.#ask('want', { type: 'want', have: this.#have() });
  }

  #ask(phase: Phase, request: Request): void {
    this.#phase = phase;
    this.#request = request;
  }

  #end(outcome: PullOutcome): void {
    this.#phase = 'over';
    this.#outcome = outcome;
  }
}

function hasDeferred(log: ChangeLog, page: Page): boolean {
  return page.changes.some(
    ({ origin, kind }) => log.mayWrite(origin, kind, log.kinds.get(kind)?.capability) === undefined,
  );
}
