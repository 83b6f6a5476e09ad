// Lets somebody at the desk attack a node, and hears what it brought.

import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Rig } from '../rig.ts';
import type { HostileOptions, HostileReport } from './hostile-process.ts';

const SCRIPT = join(import.meta.dirname, 'hostile-process.ts');
/** How the rig's people reach the first node. */
export const FIRST_HOST = '10.250.0.1';

export async function attacked(rig: Rig, options: HostileOptions): Promise<HostileReport> {
  const child = rig.spawnAtDesk([SCRIPT, JSON.stringify(options)]);
  if (!child.stdout) throw new Error('The attacker has no voice.');
  const [line] = (await Promise.race([
    once(createInterface(child.stdout), 'line'),
    once(child, 'exit').then(([code]) => Promise.reject(new Error(`The attack ${options.attack} ended with ${code}.`))),
  ])) as [string];
  return JSON.parse(line) as HostileReport;
}
