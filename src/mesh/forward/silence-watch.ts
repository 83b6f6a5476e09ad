// While a request waits for its first token, silence of the peer is not waited out. A cable that is cut says nothing, and
// heartbeats tell it only after seconds; so a peer from which nothing has come for a moment is asked whether it is there.
// If it is not, the requests that wait go elsewhere: before the first token that is safe. While answers come, and while
// nothing waits, nobody is asked.

import type { Clock, PeerId } from '../../ports.ts';

export interface SilenceWatchDeps {
  readonly clock: Clock;
  /** Resolves with false when it does not answer in time, and this node is sure that the fault is not its own. */
  readonly isThere: (peer: PeerId) => Promise<boolean>;
}

interface Waiting {
  readonly since: number;
  giveUp(): void;
}

interface Watch {
  readonly waiting: Set<Waiting>;
  /** When the peer was last known to be there. */
  signAt: number;
}

/** With the time that the peer is given to answer below 1.5 s. A model that thinks for long costs three questions a second. */
const QUIET_MS = 300;

export class SilenceWatch {
  readonly #deps: SilenceWatchDeps;
  readonly #watches = new Map<PeerId, Watch>();

  constructor(deps: SilenceWatchDeps) {
    this.#deps = deps;
  }

  /**
   * A request begins to wait.
   * @returns to be called when it waits no more: its answer has begun, or it has failed
   */
  begin(peer: PeerId, giveUp: () => void): (hasAnswered: boolean) => void {
    const waiting = { since: this.#deps.clock.elapsed(), giveUp };
    const watch = this.#watches.get(peer) ?? this.#watched(peer);
    watch.waiting.add(waiting);
    return (hasAnswered) => {
      watch.waiting.delete(waiting);
      if (hasAnswered) watch.signAt = this.#deps.clock.elapsed();
    };
  }

  #watched(peer: PeerId): Watch {
    const watch = { waiting: new Set<Waiting>(), signAt: Number.NEGATIVE_INFINITY };
    this.#watches.set(peer, watch);
    this.#deps.clock.after(QUIET_MS, () => void this.#look(peer, watch));
    return watch;
  }

  async #look(peer: PeerId, watch: Watch): Promise<void> {
    const { clock, isThere } = this.#deps;
    const [oldest] = watch.waiting;
    if (!oldest) {
      this.#watches.delete(peer);
      return;
    }
    const quietMs = clock.elapsed() - Math.max(oldest.since, watch.signAt);
    if (quietMs >= QUIET_MS) {
      if (await isThere(peer)) watch.signAt = clock.elapsed();
      else for (const { giveUp } of watch.waiting) giveUp();
    }
    const restMs = quietMs < QUIET_MS ? QUIET_MS - quietMs : QUIET_MS;
    clock.after(restMs, () => void this.#look(peer, watch));
  }
}
