// How fast a new node gets everything, as `new-node.ts` measures it in processes of its own.

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Measured } from '../../mesh-sim/real/goals/measured.ts';

const PASSAGES = 100_000;
const GOAL = 5_000;

export async function fetching(): Promise<Measured[]> {
  const program = join(import.meta.dirname, 'new-node.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [program, String(PASSAGES)]);
  const rate = Number(/^(\d+) passages\/s/m.exec(stdout)?.[1]);
  const time = /^processor time a passage: (.*)$/m.exec(stdout)?.[1] ?? '';
  return [
    {
      promise: `new node, ${PASSAGES} passages, indexed for search: passages a second`,
      bound: `≥ ${GOAL}`,
      measured: String(rate),
      isKept: rate >= GOAL,
    },
    { promise: '… processor time a passage', bound: 'none set', measured: time },
  ];
}
