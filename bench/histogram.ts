// Counts durations in buckets that are at most 1.6 % wide, in constant memory, so that measuring does not disturb what
// is measured.

/** Buckets of one power of two. */
const STEPS = 64;
const STEP_BITS = 6;
/** Largest duration that is told apart: 2^26 µs, 67 s. */
const POWERS = 26 - STEP_BITS;

export class Histogram {
  readonly #counts = new Uint32Array((POWERS + 2) * STEPS);
  #total = 0;
  #max = 0;

  get total(): number {
    return this.#total;
  }

  get maxMs(): number {
    return this.#max / 1_000;
  }

  addMs(milliseconds: number): void {
    const micros = Math.max(0, Math.round(milliseconds * 1_000));
    const index = Math.min(this.#counts.length - 1, bucketOf(micros));
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#total += 1;
    if (micros > this.#max) this.#max = micros;
  }

  /** @param quantile 0.5 is the median; NaN when nothing was counted */
  quantileMs(quantile: number): number {
    if (this.#total === 0) return Number.NaN;
    let left = Math.max(1, Math.ceil(this.#total * quantile));
    for (let index = 0; index < this.#counts.length; index += 1) {
      left -= this.#counts[index] ?? 0;
      if (left <= 0) return Math.min(this.#max, middleOf(index)) / 1_000;
    }
    return this.maxMs;
  }

  /** How many lie in [from, to). */
  countBetweenMs(fromMs: number, toMs: number): number {
    let count = 0;
    for (let index = bucketOf(fromMs * 1_000); index < bucketOf(toMs * 1_000); index += 1) {
      count += this.#counts[index] ?? 0;
    }
    return count;
  }
}

function bucketOf(micros: number): number {
  if (micros < STEPS) return micros | 0;
  const power = 31 - Math.clz32(micros);
  const shift = power - STEP_BITS;
  return (shift + 1) * STEPS + ((micros >>> shift) - STEPS);
}

function middleOf(index: number): number {
  if (index < STEPS) return index;
  const shift = Math.floor(index / STEPS) - 1;
  return ((index % STEPS) + STEPS + 0.5) * 2 ** shift;
}
