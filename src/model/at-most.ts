// The bound of a cache by its entries. lru-cache's own `max` sets aside a place for each entry that may ever come: 10,000
// places are half a megabyte and more than a millisecond at each start, for tables that mostly hold a handful. A bound by
// size grows with what is in it, so each entry counts as one.

const one = (): number => 1;

/** Options for an LRUCache that holds so many entries. */
export function atMost(entries: number): { readonly maxSize: number; readonly sizeCalculation: () => number } {
  return { maxSize: entries, sizeCalculation: one };
}
