// How long until what was written on one node is in force on all eight: from the answer to whoever wrote it, until the last
// node's file has it. One edit at a time, each on another node.

import { type Measured, most, quantile } from '../../mesh-sim/real/goals/measured.ts';
import { CLIENT_KEY, type MeshNode } from '../../mesh-sim/real/mesh-node.ts';
import { moment, pause } from '../../mesh-sim/real/moment.ts';
import type { RigOptions } from '../../mesh-sim/real/rig.ts';
import { type FileName, Lab, until } from './lab.ts';

const NODES = 8;
const EDITS = 120;
const GAP_MS = 40;
const BOUND_MS = 500;
const LOST_MS = 20_000;
const IDLE_MS = 40_000;
const TEXT = 'A change that everybody is to see. It says something about herons, rivers and the long way to the sea.';

interface Edit {
  /** Resolves when the writer has its answer. */
  write(lab: Lab, node: MeshNode, number: number): Promise<unknown>;
  readonly file: FileName;
  /** Of one row when it is there. */
  readonly query: string;
  name(number: number): string;
}

const TENANT: Edit = {
  write: (lab, node, number) => lab.tell(node, 'PUT', `/admin/tenants/tenant-${number}`, {}),
  file: 'gateway.db',
  query: 'SELECT 1 FROM tenant WHERE id = ?',
  name: (number) => `tenant-${number}`,
};

const DOCUMENT: Edit = {
  write: (lab, node, number) =>
    lab.tell(node, 'PUT', '/admin/knowledge/bench/collections/all/documents', {
      source: `edit-${number}`,
      title: 'An edit',
      mimeType: 'text/plain',
      contentHash: String(number + 1).padStart(64, '0'),
      attributes: {},
      passages: [{ text: `${TEXT} ${number}`, headings: [], start: 0, end: TEXT.length }],
    }),
  file: 'knowledge.db',
  query: 'SELECT 1 FROM document WHERE source = ?',
  name: (number) => `edit-${number}`,
};

export async function visibility(options: Pick<RigOptions, 'program'>): Promise<Measured[]> {
  const lab = new Lab({ nodes: NODES, ...options });
  try {
    await lab.prepare();
    for (const node of lab.nodes) await node.boot();
    await lab.meet();
    // The first document makes the files.
    await DOCUMENT.write(lab, lab.nodes[0] as MeshNode, -1);
    await until(() => lab.nodes.every((node) => lab.has(node, 'knowledge.db')), LOST_MS);
    await pause(5_000);
    const keys = await times(lab, TENANT);
    const documents = await times(lab, DOCUMENT);
    const idle = await idleTraffic(lab);
    return [
      most(`a tenant is changed: in force on ${NODES} nodes, p50`, quantile(keys, 0.5), BOUND_MS, ' ms'),
      most('… p99', quantile(keys, 0.99), BOUND_MS, ' ms'),
      most(`a document is added: found on ${NODES} nodes, p50`, quantile(documents, 0.5), BOUND_MS, ' ms'),
      most('… p99', quantile(documents, 0.99), BOUND_MS, ' ms'),
      ...idle,
    ];
  } finally {
    lab.close();
  }
}

async function times(lab: Lab, edit: Edit): Promise<number[]> {
  const found: number[] = [];
  for (let number = 0; number < EDITS; number += 1) {
    const writer = lab.nodes[number % NODES] as MeshNode;
    await edit.write(lab, writer, number);
    const writtenAt = moment();
    await until(() => lab.nodes.every((node) => isThere(lab, node, edit, number)), LOST_MS);
    found.push(moment() - writtenAt);
    await pause(GAP_MS);
  }
  return found;
}

function isThere(lab: Lab, node: MeshNode, { file, query, name }: Edit, number: number): boolean {
  return lab.file(node, file).prepare<[string], number>(query).pluck().get(name(number)) !== undefined;
}

/** By the nodes' own count: what rounds of anti-entropy bring while all are equal. */
async function idleTraffic(lab: Lab): Promise<Measured[]> {
  const node = lab.nodes[0] as MeshNode;
  const received = async (): Promise<number> => {
    const { body } = await lab.ask(node, 'GET', '/metrics', undefined, CLIENT_KEY);
    return Number(/^flowmesh_replication_received_bytes_total(?:\{[^}]*\})? (\d+)/m.exec(body)?.[1] ?? Number.NaN);
  };
  await pause(IDLE_MS);
  const before = await received();
  await pause(IDLE_MS);
  const bytes = (await received()) - before;
  // Three logs; a round of each every 5 to 45 s.
  return [most(`received by a node in ${IDLE_MS / 1_000} s of equal rounds (three logs)`, bytes, 8 * 1_024, ' B')];
}
