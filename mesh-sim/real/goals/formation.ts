// How soon nodes that start together are one mesh, on a bare switch and with more interfaces than one.

import type { MeshNode } from '../mesh-node.ts';
import { moment, momentOf, pause } from '../moment.ts';
import { Rig, type RigOptions } from '../rig.ts';
import { type Measured, most } from './measured.ts';

const NODES = 5;
const FULL_MESH_MS = 3_000;
const ALL_MODELS_MS = 4_000;
const LOOK_MS = 100;
const LATEST_MS = 20_000;

export async function formation(options: Pick<RigOptions, 'program' | 'hasManyInterfaces'>): Promise<Measured[]> {
  const rig = new Rig({ nodes: NODES, ...options });
  try {
    await rig.prepare();
    const startedAt = moment();
    await Promise.all(rig.nodes.map((node) => node.boot()));
    const readyAt = moment();
    rig.watch(rig.nodes, LOOK_MS);
    const meshed = await untilAll(rig, ({ name }) => fullMeshAt(rig, name));
    const known = await untilAll(rig, ({ name }) => allModelsAt(rig, name));
    const where = options.hasManyInterfaces ? 'two LANs and a container bridge each' : 'a bare switch';
    return [
      most(
        `five nodes, ${where}: full mesh after the last was ready`,
        Math.max(0, meshed - readyAt),
        FULL_MESH_MS,
        ' ms',
      ),
      most(`the same, from the start of the processes`, meshed - startedAt, FULL_MESH_MS, ' ms'),
      most(`five nodes, ${where}: all models known after the last was ready`, known - readyAt, ALL_MODELS_MS, ' ms'),
      most(`the same, from the start of the processes`, known - startedAt, ALL_MODELS_MS, ' ms'),
    ];
  } finally {
    rig.close();
  }
}

/** The moment when the last node was there. */
async function untilAll(rig: Rig, at: (node: MeshNode) => number | undefined): Promise<number> {
  const giveUpAt = moment() + LATEST_MS;
  while (moment() < giveUpAt) {
    const moments = rig.nodes.map(at);
    if (moments.every((each) => each !== undefined)) return Math.max(...moments);
    await pause(LOOK_MS);
  }
  throw new Error(`They did not become one mesh.\n${rig.nodes.map((node) => node.tail(5)).join('\n')}`);
}

/** By what the node logs itself, and when: lines are written in batches, and read when this process has time for it. */
function fullMeshAt(rig: Rig, name: string): number | undefined {
  const alive = new Set<string>();
  for (const { text } of rig.nodes.find((node) => node.name === name)?.log ?? []) {
    const line = text.startsWith('{') ? (JSON.parse(text) as LoggedChange) : {};
    if (line.to === 'alive' && line.name !== undefined) alive.add(line.name);
    if (alive.size === NODES - 1 && line.time !== undefined) return momentOf(line.time);
  }
  return undefined;
}

interface LoggedChange {
  readonly time?: number;
  readonly to?: string;
  readonly name?: string;
}

function allModelsAt(rig: Rig, name: string): number | undefined {
  const wanted = rig.nodes.flatMap((node) => (node.name === name ? [] : (node.ownModel ?? [])));
  return rig.sights.find(({ node, models }) => node === name && wanted.every((model) => models?.includes(model)))?.at;
}
