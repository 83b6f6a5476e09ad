// The few statistics a comparison needs. Empty lists have none: undefined, never zero.

export interface Spread {
  readonly median: number;
  readonly p95: number;
}

/** A share from 0 to 1 with what it could truly be, given how few samples there are. */
export interface ShareInterval {
  readonly share: number;
  readonly low: number;
  readonly high: number;
}

/** Of the normal distribution: 95 % lie within. */
const Z_95 = 1.959964;

export function spreadOf(values: readonly number[]): Spread | undefined {
  const median = medianOf(values);
  const p95 = percentileOf(values, 95);
  return median === undefined || p95 === undefined ? undefined : { median, p95 };
}

/** The mean of the middle two where the count is even. */
export function medianOf(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((left, right) => left - right);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  return upper === undefined || lower === undefined ? undefined : (lower + upper) / 2;
}

/** By nearest rank: always one of the values. */
export function percentileOf(values: readonly number[], percent: number): number | undefined {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)];
}

export function meanOf(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((total, value) => total + value, 0) / values.length;
}

/**
 * Wilson's 95 % interval: honest for few samples and for shares near 0 and 1. A tie is half a success, which widens
 * the interval a little more than it must.
 * @param successes at most `count`, may be fractional
 */
export function wilsonInterval(successes: number, count: number): ShareInterval | undefined {
  if (count === 0) return undefined;
  const share = successes / count;
  const square = Z_95 * Z_95;
  const centre = (share + square / (2 * count)) / (1 + square / count);
  const reach = (Z_95 * Math.sqrt((share * (1 - share)) / count + square / (4 * count * count))) / (1 + square / count);
  return { share, low: Math.max(0, centre - reach), high: Math.min(1, centre + reach) };
}
