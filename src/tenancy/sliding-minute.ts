// How much was used in the last minute, exact to the second: sixty slots and their running sum. Unlike a refilling
// bucket it never lets more than the limit through in any sixty seconds.

const SLOTS = 60;
const SLOT_MS = 1_000;

export class SlidingMinute {
  readonly #slots = new Float64Array(SLOTS);
  /** The newest slot's number since the clock's start. */
  #newest = 0;
  #sum = 0;

  /** What counts at this moment. */
  sum(nowMs: number): number {
    this.#advance(nowMs);
    return this.#sum;
  }

  /** Adds to the slot of `atMs`; what lies outside the minute no longer counts. */
  add(amount: number, atMs: number, nowMs: number): void {
    this.#advance(nowMs);
    const slot = Math.floor(atMs / SLOT_MS);
    if (slot <= this.#newest - SLOTS) return;
    this.#slots[slot % SLOTS] = (this.#slots[slot % SLOTS] ?? 0) + amount;
    this.#sum += amount;
  }

  /** Milliseconds until at most `allowed` counts, if nothing is added. */
  waitUntil(allowed: number, nowMs: number): number {
    this.#advance(nowMs);
    let remaining = this.#sum;
    for (let slot = this.#newest - SLOTS + 1; slot <= this.#newest; slot += 1) {
      if (remaining <= allowed) return Math.max(0, (slot - 1 + SLOTS) * SLOT_MS - nowMs);
      remaining -= this.#slots[((slot % SLOTS) + SLOTS) % SLOTS] ?? 0;
    }
    return (this.#newest + SLOTS) * SLOT_MS - nowMs;
  }

  #advance(nowMs: number): void {
    const current = Math.floor(nowMs / SLOT_MS);
    if (current - this.#newest >= SLOTS) {
      this.#slots.fill(0);
      this.#sum = 0;
    } else {
      for (let slot = this.#newest + 1; slot <= current; slot += 1) {
        this.#sum -= this.#slots[slot % SLOTS] ?? 0;
        this.#slots[slot % SLOTS] = 0;
      }
    }
    this.#newest = Math.max(this.#newest, current);
  }
}
