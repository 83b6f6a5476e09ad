// A new node fetches everything that the mesh knows: while clients read streams of the node that it fetches from, while it
// is killed in the middle of merges (kill -9), and while its network is cut.

import { type Measured, most, none, quantile } from '../../mesh-sim/real/goals/measured.ts';
import type { MeshNode } from '../../mesh-sim/real/mesh-node.ts';
import { CLIENT_KEY, SHARED_MODEL } from '../../mesh-sim/real/mesh-node.ts';
import { moment, pause } from '../../mesh-sim/real/moment.ts';
import type { RigOptions } from '../../mesh-sim/real/rig.ts';
import { seededRandom } from '../knowledge/corpus.ts';
import { change } from './beside-process.ts';
import { count, damageOf, digestOfDocuments, digestOfRows } from './files.ts';
import { Lab, until } from './lab.ts';

const DOCUMENTS = 2_000;
const PASSAGES_IN_DOCUMENT = 20;
const KILLS = 10;
const CUTS = 10;
const STREAMS = 20;
const FRAMES = 250;
const FRAME_MS = 20;
const GAP_BOUND_MS = 20;
const WITHIN_MS = 180_000;
const FILES = ['knowledge.db', 'knowledge-log.db', 'gateway.db'] as const;

/** Streams through the node that another one fetches everything from. */
export async function besideStreams(options: Pick<RigOptions, 'program'>): Promise<Measured[]> {
  const { lab, full, fresh } = await prepared(options);
  try {
    const alone = await addedGaps(lab, full);
    await fresh.boot();
    const disturbed = await addedGaps(lab, full);
    const beside = passagesOf(lab, fresh);
    return [
      most(`${STREAMS} streams, added token gap p99: nobody fetches`, alone, GAP_BOUND_MS, ' ms', 1),
      most('… a new node fetches', disturbed, GAP_BOUND_MS, ' ms', 1),
      { promise: '… passages that came meanwhile', bound: '> 0', measured: String(beside), isKept: beside > 0 },
    ];
  } finally {
    lab.close();
  }
}

export async function interrupted(options: Pick<RigOptions, 'program'>): Promise<Measured[]> {
  const { lab, full, fresh } = await prepared(options);
  const random = seededRandom(1);
  try {
    await fresh.boot();
    const wereHere: number[] = [];
    for (let kill = 0; kill < KILLS; kill += 1) {
      await pause(150 + random() * 700);
      await fresh.end('SIGKILL');
      wereHere.push(passagesOf(lab, fresh));
      await fresh.boot();
    }
    for (let cut = 0; cut < CUTS; cut += 1) {
      lab.rig.unplug(fresh);
      await pause(300 + random() * 1_500);
      lab.rig.plugIn(fresh);
      await pause(300 + random() * 700);
    }
    const healedAt = moment();
    await until(() => isEqual(lab, full, fresh), WITHIN_MS, 100);
    const caughtUpMs = moment() - healedAt;
    await Promise.all([full.end('SIGTERM'), fresh.end('SIGTERM')]);
    const damages = FILES.map((name) => damageOf(lab.path(fresh, name)));
    const all = DOCUMENTS * PASSAGES_IN_DOCUMENT;
    return [
      {
        promise: `new node, ${all} passages, kill -9 ${KILLS} times (at ${wereHere.join(', ')} passages), network cut ${CUTS} times: equal after the last cut`,
        bound: 'at all',
        measured: `${(caughtUpMs / 1_000).toFixed(1)} s`,
        isKept: true,
      },
      none(
        '… files that are damaged, or whose index is',
        damages.filter((damage) => damage !== '').length,
        FILES.length,
      ),
    ];
  } finally {
    lab.close();
  }
}

/** One node that has everything, and one that was never started. */
async function prepared(options: Pick<RigOptions, 'program'>) {
  const lab = new Lab({ nodes: 2, ...options, hasUpstream: (node) => node === 0 });
  const [full, fresh] = lab.nodes as readonly [MeshNode, MeshNode];
  await lab.prepare();
  await change({
    file: lab.path(full, 'knowledge.db'),
    seed: 1,
    store: [0, DOCUMENTS],
    passages: PASSAGES_IN_DOCUMENT,
    remove: [0, 0],
    aheadMs: 0,
  });
  await full.boot();
  await until(() => count(lab.file(full, 'knowledge-log.db'), 'replication_change') === DOCUMENTS, WITHIN_MS, 100);
  return { lab, full, fresh };
}

/** By how much later than the upstream sent it a piece came after the one before, p99 over all. */
async function addedGaps(lab: Lab, node: MeshNode): Promise<number> {
  const body = {
    model: SHARED_MODEL,
    stream: true,
    max_tokens: FRAMES,
    seed: FRAME_MS,
    messages: [{ role: 'user', content: 'Count.' }],
  };
  const ask = (number: number) =>
    lab.ask(node, 'POST', '/v1/chat/completions', { ...body, user: `reader-${number}` }, CLIENT_KEY);
  const answers = await Promise.all(Array.from({ length: STREAMS }, (_, number) => ask(number)));
  return quantile(
    answers.flatMap(({ moments }) =>
      moments.slice(2).map((at, index) => Math.max(0, at - (moments[index + 1] ?? at) - FRAME_MS)),
    ),
    0.99,
  );
}

function passagesOf(lab: Lab, node: MeshNode): number {
  if (!lab.has(node, 'knowledge.db')) return 0;
  return lab.file(node, 'knowledge.db').prepare<[], number>('SELECT count(*) FROM passage').pluck().get() ?? 0;
}

function isEqual(lab: Lab, one: MeshNode, other: MeshNode): boolean {
  if (count(lab.file(other, 'knowledge.db'), 'document') < DOCUMENTS) return false;
  const [ours, theirs] = [one, other].map((node) => [
    digestOfDocuments(lab.file(node, 'knowledge.db')),
    digestOfRows(lab.file(node, 'knowledge-log.db')),
  ]);
  return JSON.stringify(ours) === JSON.stringify(theirs);
}
