// How many of a chain's requests may be asked twice: a share of its last requests, so that a slow upstream does not get
// twice the load at the worst time. Counted in requests, not in minutes: a quiet chain has the same share as a busy one.

/** Of these the share is taken. */
const WINDOW = 100;

export class HedgeBudget {
  /** Second attempts by the request after which they began; the newest is `#newest`. */
  readonly #taken = new Uint16Array(WINDOW);
  #newest = 0;
  #requests = 0;
  #hedges = 0;

  /** Requests of the window, and second attempts among them. */
  get state(): { readonly requests: number; readonly hedges: number } {
    return { requests: this.#requests, hedges: this.#hedges };
  }

  noteRequest(): void {
    this.#newest = (this.#newest + 1) % WINDOW;
    this.#hedges -= this.#taken[this.#newest] ?? 0;
    this.#taken[this.#newest] = 0;
    this.#requests = Math.min(WINDOW, this.#requests + 1);
  }

  /** Takes one if there is one left. Returns what gives it back when it is not used. */
  take(percent: number): (() => void) | undefined {
    if (this.#hedges + 1 > (this.#requests * percent) / 100) return undefined;
    const place = this.#newest;
    this.#add(place, 1);
    return () => {
      // When its request has left the window, it has gone with it.
      if ((this.#taken[place] ?? 0) > 0) this.#add(place, -1);
    };
  }

  #add(place: number, amount: number): void {
    this.#taken[place] = (this.#taken[place] ?? 0) + amount;
    this.#hedges += amount;
  }
}
