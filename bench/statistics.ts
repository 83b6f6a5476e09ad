// Medians over interleaved rounds.

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** @param sorted ascending */
export function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN;
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** One measurement of each contestant, close together in time. */
export type Round<Name extends string, Measurement> = ReadonlyMap<Name, Measurement>;

/**
 * Measures A B C, A B C, …: what drifts on a shared machine meets all alike, so ratios inside a round hold even when
 * absolute numbers do not. Every second round goes the other way.
 */
export async function interleaved<Name extends string, Measurement>(
  roundCount: number,
  names: readonly Name[],
  measure: (name: Name) => Promise<Measurement>,
): Promise<Round<Name, Measurement>[]> {
  const rounds: Round<Name, Measurement>[] = [];
  for (let number = 0; number < roundCount; number += 1) {
    const order = number % 2 === 0 ? names : names.toReversed();
    const round = new Map<Name, Measurement>();
    for (const name of order) round.set(name, await measure(name));
    rounds.push(round);
  }
  return rounds;
}

/** The median over the rounds of something about one contestant. */
export function over<Name extends string, Measurement>(
  rounds: readonly Round<Name, Measurement>[],
  name: Name,
  value: (measurement: Measurement) => number,
): number {
  return median(rounds.flatMap((round) => (round.has(name) ? value(round.get(name) as Measurement) : [])));
}

/** The median over the rounds of a value that relates several contestants of one round. */
export function relating<Name extends string, Measurement>(
  rounds: readonly Round<Name, Measurement>[],
  value: (of: (name: Name) => Measurement) => number,
): number {
  return median(rounds.map((round) => value((name) => round.get(name) as Measurement)));
}
