// The shares of all limits a minute of this node, and what it asks other nodes of theirs: more while its clients need
// more, less when they need less. Nobody waits for that but a request that would be refused otherwise.

import { asNumber, asString, type JsonObject, parseObject } from '../model/json.ts';
import type { Cancellable, Clock, PeerId, Random } from '../ports.ts';
import type { MeshSight } from './escrow.ts';
import { RateShare, type ShareView } from './rate-share.ts';

/** What sharing needs of the mesh. */
export interface ShareNetwork {
  /** Members that can be asked now. */
  lenders(): readonly PeerId[];
  /** Rejects when there is no answer in time. */
  ask(peer: PeerId, body: Uint8Array): Promise<Uint8Array>;
}

export type RateUnit = 'requests' | 'tokens';

export interface RateSharesDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly sight: () => MeshSight;
  readonly network: ShareNetwork;
}

/** A limit that is being borrowed for. */
interface Borrowing {
  readonly id: string;
  /** As it was when it was asked for last. */
  limit: number;
  /** What the requests that wait will need. */
  waiting: number;
  running: Promise<void> | undefined;
}

/** What a node that ended clean had used, or had lent, counts until then. */
const FALL_MS = 120_000;
const LOOK_MS = 250;
const TICK_MS = 5_000;
/** One after the other, as long as the ones before gave all that they were asked for. */
const ROUNDS_MAX = 3;
const LENDERS_AT_ONCE = 8;
/** Whoever asks again and again beyond its limit shall not make us ask the whole mesh each time. */
const DRY_MS = 1_000;
/** More would be somebody who makes up names. */
const SHARES_MAX = 20_000;
const ID_LENGTH_MAX = 600;
/** A node cut off serves one request a minute, however many nodes share the limit. */
const LEAST: Readonly<Record<RateUnit, number>> = { requests: 1, tokens: 0 };

export class RateShares {
  readonly #deps: RateSharesDeps;
  readonly #process: string;
  readonly #shares = new Map<string, RateShare>();
  readonly #borrowings = new Map<RateShare, Borrowing>();
  #view: ShareView = { members: 1, isWhole: true };
  #lookedAt = Number.NEGATIVE_INFINITY;
  /** When so many members were seen last. */
  #countedAt = Number.NEGATIVE_INFINITY;
  #number = 0;
  #timer: Cancellable | undefined;

  constructor(deps: RateSharesDeps) {
    this.#deps = deps;
    this.#process = deps.random.uuid().slice(0, 8);
  }

  start(): void {
    this.#timer = this.#deps.clock.every(TICK_MS, () => this.#tick());
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** @param scope of a limit, as `tenant:acme` */
  share(scope: string, unit: RateUnit): RateShare {
    const id = `${unit} ${scope}`;
    let share = this.#shares.get(id);
    if (!share) {
      share = new RateShare(() => this.#look(), LEAST[unit]);
      this.#shares.set(id, share);
      this.#borrowings.set(share, { id, limit: 0, waiting: 0, running: undefined });
    }
    return share;
  }

  /** Asks other nodes for room for `amount` more. Resolves when it is known what they give; never rejects. */
  async borrow(share: RateShare, limit: number, amount: number): Promise<void> {
    const borrowing = this.#borrowings.get(share);
    if (!borrowing) return;
    borrowing.limit = limit;
    borrowing.waiting += amount;
    try {
      // Whoever came while others were waiting was not counted by them.
      if (borrowing.running) await borrowing.running;
      borrowing.running ??= this.#ask(share, borrowing).finally(() => {
        borrowing.running = undefined;
      });
      await borrowing.running;
    } finally {
      borrowing.waiting -= amount;
    }
  }

  /** Another node's message. Undefined when it is none. */
  answer(from: PeerId, body: Uint8Array): Uint8Array | undefined {
    const wire = parseObject(Buffer.from(body).toString());
    const [id, process] = [asString(wire?.share), asString(wire?.process)];
    const [number, wanted, limit] = [asNumber(wire?.number), asNumber(wire?.wanted), asNumber(wire?.limit)];
    if (id === undefined || process === undefined || number === undefined || !isAmount(wanted) || !isAmount(limit))
      return undefined;
    const [unit, scope] = [id.slice(0, id.indexOf(' ')), id.slice(id.indexOf(' ') + 1)];
    if ((unit !== 'requests' && unit !== 'tokens') || id.length > ID_LENGTH_MAX) return undefined;
    if (!this.#shares.has(id) && this.#shares.size >= SHARES_MAX) return rendered({ lent: 0 });
    const now = this.#deps.clock.elapsed();
    const lent = this.share(scope, unit).lend(`${from}/${process}`, number, wanted, limit, now);
    return rendered({ lent });
  }

  /** Fewer members are taken for true only when the last minute of those that went is over. */
  #look(): ShareView {
    const now = this.#deps.clock.elapsed();
    if (now - this.#lookedAt < LOOK_MS) return this.#view;
    this.#lookedAt = now;
    const { members, isWhole } = this.#deps.sight();
    const isFewer = members < this.#view.members && now - this.#countedAt < FALL_MS;
    if (!isFewer) this.#countedAt = now;
    const counted = isFewer ? this.#view.members : members;
    if (counted !== this.#view.members || isWhole !== this.#view.isWhole) this.#view = { members: counted, isWhole };
    return this.#view;
  }

  async #ask(share: RateShare, borrowing: Borrowing): Promise<void> {
    const { clock, network, random } = this.#deps;
    const lacks = (): number => share.lacks(borrowing.limit, borrowing.waiting, clock.elapsed());
    let lenders = inAnyOrder(network.lenders(), random).slice(0, LENDERS_AT_ONCE);
    for (let round = 0; round < ROUNDS_MAX && lenders.length > 0; round += 1) {
      const lacking = lacks();
      if (lacking === 0) return;
      const part = lacking / lenders.length;
      const gave = await Promise.all(
        lenders.map(async (lender) => {
          const wanted = share.borrowedOf(lender, clock.elapsed()) + part;
          return (await this.#hold(share, borrowing, lender, wanted)) >= wanted;
        }),
      );
      lenders = lenders.filter((_, index) => gave[index]);
    }
    const isEnough = share.hasRoom(borrowing.limit, borrowing.waiting, clock.elapsed());
    if (!isEnough) share.noteDry(clock.elapsed() + DRY_MS);
  }

  /** Asks one node to let us hold so much of its share. @returns what we hold then */
  async #hold(share: RateShare, { id, limit }: Borrowing, lender: PeerId, wanted: number): Promise<number> {
    const { clock, network } = this.#deps;
    this.#number += 1;
    const askedAt = clock.elapsed();
    const body = rendered({ share: id, process: this.#process, number: this.#number, wanted, limit });
    try {
      const lent = asNumber(parseObject(Buffer.from(await network.ask(lender, body)).toString())?.lent);
      if (!isAmount(lent)) return 0;
      const held = Math.min(lent, wanted);
      share.setBorrowed(lender, held, askedAt);
      return held;
    } catch {
      // An older node, or one that does not answer: what we held of it ends by itself.
      return 0;
    }
  }

  #tick(): void {
    const now = this.#deps.clock.elapsed();
    // Whoever goes must be noticed also while nobody asks.
    this.#look();
    for (const [share, borrowing] of this.#borrowings) {
      // Messages to one node must not overtake each other.
      if (borrowing.running) continue;
      const duties = share.duties(borrowing.limit, now);
      if (duties.length > 0) {
        const done = Promise.all(duties.map(({ lender, wanted }) => this.#hold(share, borrowing, lender, wanted)));
        borrowing.running = done.then(() => {
          borrowing.running = undefined;
        });
      }
    }
  }
}

function isAmount(value: number | undefined): value is number {
  return value !== undefined && Number.isFinite(value) && value >= 0;
}

function rendered(message: JsonObject): Uint8Array {
  return Buffer.from(JSON.stringify(message));
}

function inAnyOrder(peers: readonly PeerId[], random: Random): PeerId[] {
  return peers
    .map((peer) => ({ peer, at: random.next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ peer }) => peer);
}
