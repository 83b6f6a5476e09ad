// The last times to first token of one target, and how long its slowest twentieth takes (p95).

const SAMPLES_MAX = 100;
const SLOW_SHARE = 0.95;

export class TtftSamples {
  /** A ring: `#next` is the oldest once it is full. */
  readonly #samples: number[] = [];
  #next = 0;

  add(ttftMs: number): void {
    this.#samples[this.#next] = ttftMs;
    this.#next = (this.#next + 1) % SAMPLES_MAX;
  }

  /**
   * One that was not waited for to its end. It counts where it tells something: were slow ones left out because they are
   * cancelled, the p95 would fall, more would be cancelled, and so on; a short wait says nothing at all.
   */
  addAtLeast(waitedMs: number): void {
    const slowMs = this.slow(1);
    if (slowMs !== undefined && waitedMs >= slowMs) this.add(waitedMs);
  }

  slow(samplesMin: number): number | undefined {
    const { length } = this.#samples;
    if (length < samplesMin) return undefined;
    const sorted = [...this.#samples].sort((a, b) => a - b);
    return sorted[Math.ceil(length * SLOW_SHARE) - 1];
  }
}
