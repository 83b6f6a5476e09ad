// How fast bulk may go: a bucket of bytes that refills with time. Time is a parameter.

export class ByteBudget {
  readonly #bytesPerSecond: number;
  readonly #burstBytes: number;
  #bytes: number;
  #at: number | undefined;

  constructor(bytesPerSecond: number, burstBytes = bytesPerSecond) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#burstBytes = burstBytes;
    this.#bytes = burstBytes;
  }

  /** Milliseconds until so many may pass; 0 takes them. A larger piece than the bucket may pass when it is full. */
  take(bytes: number, elapsedMs: number): number {
    const passed = elapsedMs - (this.#at ?? elapsedMs);
    this.#at = elapsedMs;
    this.#bytes = Math.min(this.#burstBytes, this.#bytes + (passed * this.#bytesPerSecond) / 1000);
    const needed = Math.min(bytes, this.#burstBytes);
    if (this.#bytes < needed) return Math.ceil(((needed - this.#bytes) * 1000) / this.#bytesPerSecond);
    this.#bytes -= bytes;
    return 0;
  }
}

/** One bucket for each name; the longest unused ones are forgotten, full as they are by then. */
export class ByteBudgets {
  readonly #bytesPerSecond: number;
  readonly #namesMax: number;
  readonly #budgets = new Map<string, ByteBudget>();

  constructor(bytesPerSecond: number, namesMax = 1_000) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#namesMax = namesMax;
  }

  take(name: string, bytes: number, elapsedMs: number): number {
    const budget = this.#budgets.get(name) ?? new ByteBudget(this.#bytesPerSecond);
    this.#budgets.delete(name);
    this.#budgets.set(name, budget);
    const [oldest] = this.#budgets.keys();
    if (this.#budgets.size > this.#namesMax && oldest !== undefined) this.#budgets.delete(oldest);
    return budget.take(bytes, elapsedMs);
  }
}
