// What a price file has that was not taken: counted by reason, with a few names each, for the operator to read.

const EXAMPLES_MAX = 5;
/** A name of a foreign file may be anything. */
const NAME_LENGTH_MAX = 80;

export class Remarks {
  readonly #namesByReason = new Map<string, string[]>();

  add(reason: string, name: string): void {
    const names = this.#namesByReason.get(reason) ?? [];
    names.push(name);
    this.#namesByReason.set(reason, names);
  }

  /** `price of zero, taken as unknown: 12 (a, b, c, d, e, …)` */
  sentences(): string[] {
    return [...this.#namesByReason].map(([reason, names]) => {
      const shown = names.slice(0, EXAMPLES_MAX).map((name) => name.slice(0, NAME_LENGTH_MAX));
      return `${reason}: ${names.length} (${[...shown, ...(names.length > EXAMPLES_MAX ? ['…'] : [])].join(', ')})`;
    });
  }
}
