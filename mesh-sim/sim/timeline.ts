// A value over time, for checkers that ask how things were.

export class Timeline<Value> {
  readonly #times: number[];
  readonly #values: Value[];

  constructor(at: number, value: Value) {
    this.#times = [at];
    this.#values = [value];
  }

  get current(): Value {
    return this.#values[this.#values.length - 1] as Value;
  }

  set(at: number, value: Value): void {
    if (value === this.current) return;
    this.#times.push(at);
    this.#values.push(value);
  }

  /** When it became this value. */
  beginnings(value: Value): readonly number[] {
    return this.#times.filter((_, index) => this.#values[index] === value);
  }

  /** Was it this value all the time from `from` to `to`, both included? */
  held(value: Value, from: number, to: number): boolean {
    for (let index = this.#times.length - 1; index >= 0; index -= 1) {
      const since = this.#times[index] as number;
      if (since > to) continue;
      if (this.#values[index] !== value) return false;
      if (since <= from) return true;
    }
    return false;
  }

  /** Did it have this value at any moment from `from` to `to`? */
  wasEver(value: Value, from: number, to: number): boolean {
    for (let index = this.#times.length - 1; index >= 0; index -= 1) {
      const since = this.#times[index] as number;
      if (since > to) continue;
      if (this.#values[index] === value) return true;
      if (since <= from) return false;
    }
    return false;
  }
}
