// A set of sequence numbers as disjoint, ascending, never adjacent ranges in one flat array: first, last, first, last …

export type RangeSet = readonly number[];

/** Index (even) of the first range that ends at or after `seq`; the array's length when there is none. */
function firstEndingFrom(set: RangeSet, seq: number): number {
  let low = 0;
  let high = set.length / 2;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((set[2 * middle + 1] ?? 0) < seq) low = middle + 1;
    else high = middle;
  }
  return 2 * low;
}

export function hasSeq(set: RangeSet, seq: number): boolean {
  const index = firstEndingFrom(set, seq);
  return index < set.length && (set[index] ?? 0) <= seq;
}

/** Adds in place. */
export function addRange(set: number[], first: number, last: number): void {
  const start = firstEndingFrom(set, first - 1);
  let end = start;
  let from = first;
  let to = last;
  while (end < set.length && (set[end] ?? 0) <= last + 1) {
    from = Math.min(from, set[end] ?? from);
    to = Math.max(to, set[end + 1] ?? to);
    end += 2;
  }
  set.splice(start, end - start, from, to);
}

export function subtract(left: RangeSet, right: RangeSet): number[] {
  const rest: number[] = [];
  for (let index = 0; index < left.length; index += 2) {
    let from = left[index] ?? 0;
    const to = left[index + 1] ?? 0;
    for (let other = firstEndingFrom(right, from); other < right.length && from <= to; other += 2) {
      const cut = right[other] ?? 0;
      if (cut > to) break;
      if (cut > from) rest.push(from, cut - 1);
      from = (right[other + 1] ?? 0) + 1;
    }
    if (from <= to) rest.push(from, to);
  }
  return rest;
}

export function intersect(left: RangeSet, right: RangeSet): number[] {
  const shared: number[] = [];
  for (let index = 0; index < left.length; index += 2) {
    const from = left[index] ?? 0;
    const to = left[index + 1] ?? 0;
    for (let other = firstEndingFrom(right, from); other < right.length; other += 2) {
      const first = Math.max(from, right[other] ?? 0);
      if (first > to) break;
      shared.push(first, Math.min(to, right[other + 1] ?? 0));
    }
  }
  return shared;
}

export function sizeOf(set: RangeSet): number {
  let size = 0;
  for (let index = 0; index < set.length; index += 2) size += (set[index + 1] ?? 0) - (set[index] ?? 0) + 1;
  return size;
}

/** Is it a well-formed range set? For what comes from outside. */
export function isRangeSet(value: unknown): value is number[] {
  if (!Array.isArray(value) || value.length % 2 !== 0) return false;
  let previous = -1;
  for (let index = 0; index < value.length; index += 2) {
    const [first, last]: unknown[] = [value[index], value[index + 1]];
    if (!Number.isSafeInteger(first) || !Number.isSafeInteger(last)) return false;
    if (Number(first) <= previous + 1 && previous >= 0) return false;
    if (Number(first) < 1 || Number(last) < Number(first)) return false;
    previous = Number(last);
  }
  return true;
}
