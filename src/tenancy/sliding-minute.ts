// How much was used in the last minute: slots of a second and their running sum. Unlike a refilling bucket it never lets
// more than the limit through in any sixty seconds: a slot counts until the last thing in it is a minute old. Times are
// monotonic: a wall clock that is set would forget what was used, or count it for hours.

export const MINUTE_MS = 60_000;
const SLOT_MS = 1_000;
/** A minute touches one second more than it has. */
const SLOTS = MINUTE_MS / SLOT_MS + 1;

export class SlidingMinute {
  readonly #amounts = new Float64Array(SLOTS);
  /** When something was added to a slot last. */
  readonly #lastAt = new Float64Array(SLOTS);
  /** Of the slots that count, as numbers since the clock's start. */
  #oldest = 0;
  #sum = 0;

  /** What counts at this moment. */
  sum(nowMs: number): number {
    this.#forget(nowMs);
    return this.#sum;
  }

  /** Adds to what was used at `atMs`; what is older than a minute no longer counts. */
  add(amount: number, atMs: number, nowMs: number): void {
    this.#forget(nowMs);
    const slot = Math.floor(atMs / SLOT_MS);
    if (slot < this.#oldest) return;
    const place = placeOf(slot);
    this.#amounts[place] = (this.#amounts[place] ?? 0) + amount;
    this.#lastAt[place] = Math.max(this.#lastAt[place] ?? 0, atMs);
    this.#sum += amount;
  }

  /** Milliseconds until at most `allowed` counts, if nothing is added. */
  waitUntil(allowed: number, nowMs: number): number {
    this.#forget(nowMs);
    let remaining = this.#sum;
    let freeAt = nowMs;
    for (let slot = this.#oldest; slot < this.#oldest + SLOTS && remaining > allowed; slot += 1) {
      const amount = this.#amounts[placeOf(slot)] ?? 0;
      if (amount === 0) continue;
      remaining -= amount;
      freeAt = (this.#lastAt[placeOf(slot)] ?? 0) + MINUTE_MS;
    }
    // A limit of nothing never has room: a minute is as good as any time.
    return allowed < 0 ? MINUTE_MS : freeAt - nowMs;
  }

  #forget(nowMs: number): void {
    // Its last moments may still count, all before it cannot.
    const first = Math.floor(nowMs / SLOT_MS) - SLOTS + 1;
    if (first - this.#oldest >= SLOTS) {
      this.#amounts.fill(0);
      this.#lastAt.fill(0);
      this.#sum = 0;
      this.#oldest = first;
    }
    while (this.#oldest < first) this.#forgetOldest();
    if (this.#oldest === first && (this.#lastAt[placeOf(first)] ?? 0) <= nowMs - MINUTE_MS) this.#forgetOldest();
  }

  #forgetOldest(): void {
    const place = placeOf(this.#oldest);
    this.#sum -= this.#amounts[place] ?? 0;
    this.#amounts[place] = 0;
    this.#lastAt[place] = 0;
    this.#oldest += 1;
  }
}

function placeOf(slot: number): number {
  return slot % SLOTS;
}
