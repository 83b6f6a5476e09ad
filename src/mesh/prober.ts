// Asks after a suspect: first directly, then through two others. Only when they do not reach it either is it dead, and
// only when this node is in its senses.

import type { PeerId } from '../ports.ts';
import type { Exchange } from './exchange.ts';
import { isConnected, type MeshCore } from './mesh-core.ts';
import { patience } from './patience.ts';
import type { ProbeVerdict } from './peer-view.ts';

const DIRECT_TIMEOUT_MS = 700;
/** Each probe that gets no answer is followed by one that waits twice as long: nobody may know yet how far away it is. */
const DOUBLINGS_MAX = 2;
/** What a helper gives itself; less than what it is given. */
const HELPER_TIMEOUT_MS = 600;
const INDIRECT_TIMEOUT_MS = 1_000;
const HELPERS_MAX = 2;
/** Probes of one mesh under way at once. */
const PARALLEL_MAX = 16;

export class Prober {
  readonly #core: MeshCore;
  readonly #exchange: Exchange;
  readonly #connect: (peer: PeerId) => Promise<void>;
  readonly #onUnreached: (peer: PeerId) => void;
  readonly #underWay = new Set<PeerId>();

  /**
   * @param connect dials and says hello; rejects when that fails
   * @param onUnreached it is dead, given up, or beyond this node's own reach: what is awaited from it will not come
   */
  constructor(
    core: MeshCore,
    exchange: Exchange,
    connect: (peer: PeerId) => Promise<void>,
    onUnreached: (peer: PeerId) => void,
  ) {
    this.#core = core;
    this.#exchange = exchange;
    this.#connect = connect;
    this.#onUnreached = onUnreached;
  }

  async probe(peer: PeerId): Promise<void> {
    if (this.#underWay.has(peer) || this.#underWay.size >= PARALLEL_MAX) return;
    this.#underWay.add(peer);
    this.#core.counters.probes += 1;
    try {
      const { clock, doubt, view, book } = this.#core;
      const entry = book.entry(peer);
      const leastMs = DIRECT_TIMEOUT_MS * 2 ** Math.min(entry.missedProbes, DOUBLINGS_MAX);
      if (await this.#reach(peer, patience(leastMs, entry.leastRttMs) * doubt.factor)) return;
      entry.missedProbes += 1;
      if (view.get(peer)?.state !== 'suspect') return;
      const verdict = await this.#askOthers(peer);
      const now = clock.elapsed();
      // A verdict of one who has just woken, or does not get to run, is worth nothing.
      if (doubt.isDoubtful(now)) return;
      view.probed(peer, verdict, now);
      // With nobody to ask it may yet be a pause: then the view says when it has lasted too long.
      if (verdict !== 'no-witness' || view.get(peer)?.state === 'unknown') this.#onUnreached(peer);
    } finally {
      this.#underWay.delete(peer);
    }
  }

  /** For another node. Undefined: this one cannot say. */
  async probeFor(target: PeerId): Promise<boolean | undefined> {
    const { clock, doubt, transport, book } = this.#core;
    if (target === transport.peer) return true;
    const isReached = await this.#reach(target, patience(HELPER_TIMEOUT_MS, book.entry(target).leastRttMs));
    return !isReached && doubt.isDoubtful(clock.elapsed()) ? undefined : isReached;
  }

  async #reach(peer: PeerId, timeoutMs: number): Promise<boolean> {
    try {
      if (isConnected(this.#core, peer)) await this.#exchange.ping(peer, timeoutMs, true);
      else await this.#connect(peer);
      return true;
    } catch (error) {
      this.#core.logger.debug({ peer, err: error }, 'a probe got no answer');
      return false;
    }
  }

  async #askOthers(peer: PeerId): Promise<ProbeVerdict> {
    const { book, doubt } = this.#core;
    // Its way to the peer is most likely as long as ours.
    const beyondMs = patience(HELPER_TIMEOUT_MS, book.entry(peer).leastRttMs) - HELPER_TIMEOUT_MS;
    const answers = await Promise.all(
      this.#helpers(peer).map((helper) => {
        const timeoutMs = (patience(INDIRECT_TIMEOUT_MS, book.entry(helper).leastRttMs) + beyondMs) * doubt.factor;
        return this.#exchange.probeBy(helper, peer, timeoutMs).catch((error: unknown) => {
          this.#core.logger.debug({ peer, helper, err: error }, 'a helper did not answer');
          return undefined;
        });
      }),
    );
    if (answers.includes(true)) return 'reached-by-others';
    return answers.includes(false) ? 'unreachable' : 'no-witness';
  }

  #helpers(peer: PeerId): readonly PeerId[] {
    const { view, random } = this.#core;
    const ready = view
      .all()
      .filter(({ peer: other, state, isConnected }) => other !== peer && state === 'alive' && isConnected)
      .map(({ peer: other }) => other);
    const helpers: PeerId[] = [];
    while (helpers.length < HELPERS_MAX && ready.length > 0) {
      helpers.push(...ready.splice(Math.floor(random.next() * ready.length), 1));
    }
    return helpers;
  }
}
