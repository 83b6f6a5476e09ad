// Ascending lists of ids, merged side by side: several times faster than a map when there are tens of thousands.

/** Ids that are in both. */
export function intersect(left: readonly number[], right: readonly number[]): number[] {
  const both: number[] = [];
  let at = 0;
  for (const id of left) {
    while (at < right.length && (right[at] ?? 0) < id) at += 1;
    if (at >= right.length) break;
    if (right[at] === id) both.push(id);
  }
  return both;
}

/** Ids, each with a bit for every term it has. Its worth is the sum of those terms' weights. */
export class SortedMarks {
  readonly #weights: readonly number[];
  readonly #worths = new Map<number, number>();
  #ids: number[] = [];
  #masks: number[] = [];

  constructor(weights: readonly number[]) {
    this.#weights = weights;
  }

  get size(): number {
    return this.#ids.length;
  }

  ids(): number[] {
    return this.#ids;
  }

  /** Takes in ids that have the term. */
  add(added: readonly number[], term: number): void {
    const bit = 1 << term;
    const ids: number[] = [];
    const masks: number[] = [];
    let at = 0;
    for (let index = 0; index < this.#ids.length; index += 1) {
      const id = this.#ids[index] ?? 0;
      for (; at < added.length && (added[at] ?? 0) < id; at += 1) {
        ids.push(added[at] ?? 0);
        masks.push(bit);
      }
      const isSame = added[at] === id;
      if (isSame) at += 1;
      ids.push(id);
      masks.push((this.#masks[index] ?? 0) | (isSame ? bit : 0));
    }
    for (; at < added.length; at += 1) {
      ids.push(added[at] ?? 0);
      masks.push(bit);
    }
    this.#ids = ids;
    this.#masks = masks;
  }

  /** Those among the ids that are here already have the term too. */
  mark(marked: readonly number[], term: number): void {
    const bit = 1 << term;
    let at = 0;
    for (let index = 0; index < this.#ids.length; index += 1) {
      const id = this.#ids[index] ?? 0;
      while (at < marked.length && (marked[at] ?? 0) < id) at += 1;
      if (marked[at] === id) this.#masks[index] = (this.#masks[index] ?? 0) | bit;
    }
  }

  /** How many are worth at least so much; stops counting at `enough`. */
  countAbove(worth: number, enough: number): number {
    let count = 0;
    for (const mask of this.#masks) {
      if (this.#worth(mask) >= worth) count += 1;
      if (count >= enough) break;
    }
    return count;
  }

  /** The worth of the `rank`th best. */
  threshold(rank: number): number {
    const counts = new Map<number, number>();
    for (const mask of this.#masks) counts.set(mask, (counts.get(mask) ?? 0) + 1);
    const groups = [...counts].map(([mask, count]) => ({ worth: this.#worth(mask), count }));
    groups.sort((left, right) => right.worth - left.worth);
    let seen = 0;
    for (const { worth, count } of groups) {
      seen += count;
      if (seen >= rank) return worth;
    }
    return 0;
  }

  keepAbove(worth: number): void {
    const kept = this.#ids.map((_, index) => this.#worth(this.#masks[index] ?? 0) >= worth);
    this.#ids = this.#ids.filter((_, index) => kept[index]);
    this.#masks = this.#masks.filter((_, index) => kept[index]);
  }

  above(worth: number): number[] {
    return this.#ids.filter((_, index) => this.#worth(this.#masks[index] ?? 0) > worth);
  }

  /** Those of exactly this worth, and the terms they have: those of the last one, should terms be of equal weight. */
  equalTo(worth: number): { readonly ids: readonly number[]; readonly mask: number } {
    let mask = 0;
    const ids = this.#ids.filter((_, index) => {
      const isEqual = this.#worth(this.#masks[index] ?? 0) === worth;
      if (isEqual) mask = this.#masks[index] ?? 0;
      return isEqual;
    });
    return { ids, mask };
  }

  #worth(mask: number): number {
    const known = this.#worths.get(mask);
    if (known !== undefined) return known;
    const worth = this.#weights.reduce((sum, weight, term) => sum + ((mask & (1 << term)) !== 0 ? weight : 0), 0);
    this.#worths.set(mask, worth);
    return worth;
  }
}
