// Question: how long from the start of the process to its first answered chat request? Beside `node -e 0`, which is how
// long this machine takes for any Node process. The first start has no compile cache, the others have one.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type Arena, type ContestantName, firstAnswer } from './contestants.ts';
import { interleaved, over, relating } from './statistics.ts';

export interface StartRow {
  readonly name: ContestantName | 'node -e 0';
  readonly firstMs: number;
  readonly medianMs: number;
  /** Over `node -e 0` of the same round. */
  readonly toNode: number;
}

type Starter = ContestantName | 'node -e 0';

export async function measureStart(
  arena: Arena,
  gateways: readonly ContestantName[],
  roundCount: number,
): Promise<StartRow[]> {
  const names: Starter[] = ['node -e 0', ...gateways];
  const env = { NODE_COMPILE_CACHE: join(arena.directory, 'compile-cache') };
  const time = async (name: Starter): Promise<number> => {
    const startedAt = performance.now();
    if (name === 'node -e 0') {
      await once(spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' }), 'exit');
      return performance.now() - startedAt;
    }
    const contestant = await arena.launch(name, { env });
    await firstAnswer(contestant.endpoint);
    const elapsedMs = performance.now() - startedAt;
    await contestant.stop();
    return elapsedMs;
  };
  const first = await interleaved(1, names, time);
  const rounds = await interleaved(roundCount, names, time);
  return names.map((name) => ({
    name,
    firstMs: over(first, name, (milliseconds) => milliseconds),
    medianMs: over(rounds, name, (milliseconds) => milliseconds),
    toNode: relating(rounds, (of) => of(name) / of('node -e 0')),
  }));
}
