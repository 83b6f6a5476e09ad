// Tells all members what was written here: a burst of writes as one message, what is too large for it only by name.

import type { Change, Sign } from './change.ts';
import type { ChangeLog } from './change-log.ts';
import { type Push, renderPush } from './messages.ts';
import type { DotRange } from './version-vector.ts';

/** At the start; more are found by whoever asks. */
const UNSIGNED_LOOKED_AT = 1_000;
/** Broadcasts are copied by every member: larger news is only announced, and fetched. */
const PUSH_BYTES_MAX = 16_384;
/** More changes, with their names and signatures, are larger than that. */
const PUSHED_AT_ONCE = 64;

export interface PusherDeps {
  readonly log: ChangeLog;
  readonly sign: Sign;
  readonly broadcast: (message: Uint8Array) => Promise<void>;
}

export class Pusher {
  readonly #deps: PusherDeps;
  /** Of each of our epochs, up to which number it was told. */
  readonly #pushed = new Map<number, number>();

  constructor(deps: PusherDeps) {
    this.#deps = deps;
  }

  /** What was told before counts as told; what an earlier process or the command line has written unsigned does not. */
  load(): void {
    const { log } = this.#deps;
    for (const epoch of log.vector().epochs(log.origin)) this.#pushed.set(epoch, log.known.head(log.origin, epoch));
    for (const { epoch, seq } of log.changes.unsigned(UNSIGNED_LOOKED_AT)) {
      this.#pushed.set(epoch, Math.min(this.#pushed.get(epoch) ?? 0, seq - 1));
    }
  }

  async push(): Promise<void> {
    const { log, sign } = this.#deps;
    await log.signPending(sign);
    // Each process that writes has an epoch: this one, and commands beside it.
    for (const epoch of log.vector().epochs(log.origin)) {
      const first = (this.#pushed.get(epoch) ?? 0) + 1;
      const last = log.known.head(log.origin, epoch);
      if (last < first) continue;
      this.#pushed.set(epoch, last);
      await this.#tell({ origin: log.origin, epoch, first, last });
    }
  }

  async #tell(range: DotRange): Promise<void> {
    const { log, broadcast } = this.#deps;
    const held = log.changes.inRange(range, PUSHED_AT_ONCE + 1);
    const isFew = held.length <= PUSHED_AT_ONCE;
    const changes = held.filter((change): change is typeof change & Change => isFew && change.signature !== null);
    const news: Push = { changes, digest: log.digest() };
    const message = renderPush(news);
    await broadcast(message.length <= PUSH_BYTES_MAX ? message : renderPush({ ...news, changes: [] }));
  }
}
