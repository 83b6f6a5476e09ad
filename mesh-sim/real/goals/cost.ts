// What a mesh of ten costs each of its nodes while nobody asks anything, and how big one node is.

import { pause } from '../moment.ts';
import { Rig, type RigOptions } from '../rig.ts';
import { type Measured, most } from './measured.ts';

const NODES = 10;
/** The garbage of the start is collected by then. */
const FORMING_MS = 35_000;
const IDLE_MS = 30_000;

export async function idleCost(options: Pick<RigOptions, 'program'>): Promise<Measured[]> {
  const rig = new Rig({ nodes: NODES, hasUpstream: (node) => node < 3, ...options });
  try {
    await rig.prepare();
    await Promise.all(rig.nodes.map((node) => node.boot()));
    await pause(FORMING_MS);
    const cpu = rig.nodes.map((node) => node.cpuMs());
    const bytes = rig.traffic();
    await pause(IDLE_MS);
    const after = rig.traffic();
    const percents = rig.nodes.map((node, index) => (node.cpuMs() - (cpu[index] ?? 0)) / (IDLE_MS / 100));
    const rates = after.map((count, index) => (count - (bytes[index] ?? 0)) / IDLE_MS);
    const sizes = rig.nodes.map((node) => node.memory()?.rssMb ?? 0);
    return [
      most('ten idle nodes: CPU of a node, mean', mean(percents), 1, ' %', 2),
      most('… of the busiest', Math.max(...percents), 1, ' %', 2),
      most('… network of a node, both directions, mean', mean(rates), 10, ' KB/s', 1),
      most('… memory of a node (RSS), mean', mean(sizes), 130, ' MB'),
      most('… of the biggest', Math.max(...sizes), 130, ' MB'),
    ];
  } finally {
    rig.close();
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
