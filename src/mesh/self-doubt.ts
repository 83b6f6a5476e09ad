// Before a node doubts others it doubts itself: when its own timers came late, silence may be its own deafness
// (Lifeguard, https://arxiv.org/abs/1707.00788). A late timer widens its timeouts; after standing still it declares
// nobody dead for a while.

/** Timers later than this are a sign of overload, milliseconds. */
const LATE_MS = 250;
/** Later than this the process stood still: stopped, or the machine was asleep. */
const PAUSED_MS = 1_000;
const SCORE_MAX = 8;
/** Punctual for this long makes one step of trust. */
const RECOVERY_MS = 3_000;
/** After standing still: time to read what has piled up, and to ask anew. */
const DOUBT_AFTER_PAUSE_MS = 5_000;
const LAG_SMOOTHING = 0.2;

export class SelfDoubt {
  readonly #periodMs: number;
  #lastTickAt: number | undefined;
  #score = 0;
  #lastStepAt = 0;
  #doubtUntil = 0;
  #lagMs = 0;

  /** @param periodMs of the ticks it is told of */
  constructor(periodMs: number) {
    this.#periodMs = periodMs;
  }

  /**
   * Call at every tick.
   * @returns how long the process stood still before it; 0 when it did not
   */
  tick(now: number): number {
    const lateMs = this.#lastTickAt === undefined ? 0 : Math.max(0, now - this.#lastTickAt - this.#periodMs);
    this.#lastTickAt = now;
    this.#lagMs += (Math.min(lateMs, PAUSED_MS) - this.#lagMs) * LAG_SMOOTHING;
    if (lateMs > LATE_MS) {
      this.#score = Math.min(SCORE_MAX, this.#score + 1);
      this.#lastStepAt = now;
    } else if (this.#score > 0 && now - this.#lastStepAt > RECOVERY_MS) {
      this.#score -= 1;
      this.#lastStepAt = now;
    }
    if (lateMs <= PAUSED_MS) return 0;
    this.#doubtUntil = now + DOUBT_AFTER_PAUSE_MS;
    return lateMs;
  }

  /** What timeouts about others are multiplied with. */
  get factor(): number {
    return 1 + this.#score / 2;
  }

  /** No verdict about others now: the node has just woken, or does not notice yet that it stands still. */
  isDoubtful(now: number): boolean {
    const sinceTick = this.#lastTickAt === undefined ? 0 : now - this.#lastTickAt;
    return now < this.#doubtUntil || sinceTick > this.#periodMs + LATE_MS;
  }

  /** By how much timers come late, smoothed. */
  get lagMs(): number {
    return this.#lagMs;
  }
}
