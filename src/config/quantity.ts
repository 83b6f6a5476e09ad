// Amounts with a unit, as people write them: `30s`, `32MiB`. A bare number counts the smallest unit of the config.

export interface Quantity {
  /** Unit → how many of `base` it is, smallest first. */
  readonly units: Readonly<Record<string, number>>;
  /** What a bare number counts. */
  readonly base: string;
  readonly example: string;
}

export const DURATION: Quantity = {
  units: { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 },
  base: 'milliseconds',
  example: '30s',
};

export const BYTES: Quantity = {
  units: { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 },
  base: 'bytes',
  example: '32MiB',
};

/** A regular expression's source; the second group is the unit. */
export function quantityPattern({ units }: Quantity): string {
  return `^\\d+(\\.\\d+)? ?(${Object.keys(units).join('|')})$`;
}

/** The number of base units, or undefined when the text is not such an amount. */
export function parseQuantity(text: string, quantity: Quantity): number | undefined {
  if (/^\d+$/.test(text)) return Number(text);
  const unit = new RegExp(quantityPattern(quantity)).exec(text)?.[2];
  const factor = unit === undefined ? undefined : quantity.units[unit];
  return factor === undefined ? undefined : Math.round(Number.parseFloat(text) * factor);
}

/** With the largest unit that divides it: 120000 ms is `2m`. */
export function formatQuantity(value: number, { units }: Quantity): string {
  const [name, factor] = Object.entries(units).findLast(([, size]) => value >= size && value % size === 0) ?? ['', 1];
  return `${value / factor}${name}`;
}
