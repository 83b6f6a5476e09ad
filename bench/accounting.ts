// Question: what do ledger and limits cost? Requests a second with both over those without, switched in one process from
// slice to slice; for a client without a key, and for a key with limits of every kind.

import type { Accounted, Arena } from './contestants.ts';
import type { LoadGenerator } from './load-generator.ts';
import { interleaved, over, relating } from './statistics.ts';
import { CONNECTIONS } from './throughput.ts';

export interface AccountingOptions {
  readonly warmUpSlices: number;
  readonly rounds: number;
  readonly sliceMs: number;
}

export interface AccountingRow {
  readonly name: string;
  readonly withPerSecond: number;
  readonly withoutPerSecond: number;
  readonly withToWithout: number;
  readonly cpuWithToWithout: number;
}

const WAYS = ['with', 'without'] as const;
const CLIENTS: readonly Accounted[] = ['a client without a key', 'a key with five limits'];

export async function measureAccounting(
  arena: Arena,
  load: LoadGenerator,
  { warmUpSlices, rounds: roundCount, sliceMs }: AccountingOptions,
): Promise<AccountingRow[]> {
  const rows: AccountingRow[] = [];
  for (const name of CLIENTS) {
    const node = await arena.startSwitchable(name);
    const measure = async (way: (typeof WAYS)[number]) => {
      await node.switchTo(way);
      return await load.measure(node, { kind: 'closed', connections: CONNECTIONS, durationMs: sliceMs });
    };
    await interleaved(warmUpSlices, WAYS, measure);
    const rounds = await interleaved(roundCount, WAYS, measure);
    await node.stop();
    rows.push({
      name,
      withPerSecond: over(rounds, 'with', ({ perSecond }) => perSecond),
      withoutPerSecond: over(rounds, 'without', ({ perSecond }) => perSecond),
      withToWithout: relating(rounds, (of) => of('with').perSecond / of('without').perSecond),
      cpuWithToWithout: relating(rounds, (of) => of('with').cpuMsPerRequest / of('without').cpuMsPerRequest),
    });
  }
  return rows;
}
