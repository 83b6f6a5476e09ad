// Three islands for a week. Each edits and deletes documents, in part the same ones as the others; commands beside the nodes
// do it, as `flowmesh kb` would. Then the cables are mended: how long, how many bytes, and is everything equal?

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Measured, none } from '../../mesh-sim/real/goals/measured.ts';
import type { MeshNode } from '../../mesh-sim/real/mesh-node.ts';
import { pause } from '../../mesh-sim/real/moment.ts';
import type { RigOptions } from '../../mesh-sim/real/rig.ts';
import { Corpus } from '../knowledge/corpus.ts';
import { type BesideOrder, change, sourceOf } from './beside-process.ts';
import { count, digestOfDocuments, digestOfRows } from './files.ts';
import { Lab, until } from './lab.ts';

const NODES = 3;
const WEEK_MS = 7 * 86_400_000;
const WITHIN_MS = 900_000;
const QUESTIONS = 30;
/** Until everyone has noticed that everyone is gone. */
const NOTICED_MS = 10_000;

export interface IslandsOptions extends Pick<RigOptions, 'program'> {
  /** That each island edits, and as many that it deletes. */
  readonly edits: number;
  /** By how much each node's clock is wrong, from its start on. */
  readonly clocksMs?: readonly number[];
}

interface Sea extends IslandsOptions {
  readonly lab: Lab;
}

/** A large difference, then one of a tenth of it, in one mesh. */
export async function islands(options: IslandsOptions): Promise<Measured[]> {
  const { clocksMs = [], edits, ...rigOptions } = options;
  const lab = new Lab({ nodes: NODES, hasOwnClocks: true, ...rigOptions });
  const sea: Sea = { ...options, lab };
  try {
    await lab.prepare();
    const [first] = lab.nodes as readonly [MeshNode, ...MeshNode[]];
    const file = lab.path(first, 'knowledge.db');
    await change({ file, seed: 9, store: [0, 4 * edits], passages: 1, remove: [0, 0], aheadMs: 0 });
    for (const [index, node] of lab.nodes.entries()) {
      node.setClock(clocksMs[index] ?? 0);
      await node.boot();
    }
    await until(() => isEqual(sea, 4 * edits), WITHIN_MS, 250);
    const store = storeBytes(lab, first);
    const large = await apart(sea, edits, 0, 1);
    const small = await apart(sea, edits / 10, edits, 2);
    const clocks = clocksMs.length > 0 ? ', clocks ten years ahead and behind' : '';
    const about = `${NODES} islands for a week${clocks}, ${edits} documents edited and as many deleted on each, of ${4 * edits} (${mb(store)})`;
    return [
      { promise: `${about}: equal after`, bound: '–', measured: seconds(large.elapsedMs) },
      {
        promise: '… bytes between nodes',
        bound: '–',
        measured: `${mb(large.bytes)} for changes of ${mb(large.changed)}`,
      },
      none('… deleted documents that came back', large.resurrected, large.deleted),
      none(`… of ${QUESTIONS} questions, those with other answers on another node`, large.otherAnswers, QUESTIONS),
      { promise: '… a tenth of it: equal after', bound: '–', measured: seconds(small.elapsedMs) },
      {
        promise: '… a tenth of it: bytes',
        bound: '≤ a fifth',
        measured: `${mb(small.bytes)} for changes of ${mb(small.changed)}`,
        isKept: small.bytes <= large.bytes / 5,
      },
      none('… a tenth of it: deleted documents that came back', small.resurrected, small.deleted),
    ];
  } finally {
    lab.close();
  }
}

/** Each island edits from `from` on, half of it together with the next one, and deletes likewise, some of what others edit. */
async function apart({ lab, clocksMs = [] }: Sea, edits: number, from: number, time: number) {
  for (const node of lab.nodes) lab.rig.unplug(node);
  await pause(NOTICED_MS);
  const half = edits / 2;
  const orders = lab.nodes.map((node, island): BesideOrder => {
    const [edited, deleted] = [from + island * half, from + edits + half + island * half];
    return {
      file: lab.path(node, 'knowledge.db'),
      seed: time * 10 + island,
      store: [edited, edited + edits],
      passages: 1,
      remove: [deleted, deleted + edits],
      aheadMs: WEEK_MS * time,
    };
  });
  await Promise.all(orders.map(beside));
  for (const [island, node] of lab.nodes.entries()) node.setClock((clocksMs[island] ?? 0) + WEEK_MS * time);
  await until(
    () => lab.nodes.every((node) => count(lab.file(node, 'knowledge.db'), 'document_outbox') === 0),
    WITHIN_MS,
    250,
  );
  const changed = lab.nodes.reduce((sum, node) => sum + changedBytes(lab, node), 0);
  const before = trafficOf(lab);
  for (const node of lab.nodes) lab.rig.plugIn(node);
  const elapsedMs = await until(() => isEqual({ lab }, 1), WITHIN_MS, 250);
  const bytes = trafficOf(lab) - before;
  // Nobody has edited these: island 2 edits up to here.
  const [gone, goneBelow] = [from + 2 * edits, from + edits + half + 2 * half + edits];
  const resurrected = count(
    lab.file(lab.nodes[1] as MeshNode, 'knowledge.db'),
    'document',
    `source >= '${sourceOf(gone)}' AND source < '${sourceOf(goneBelow)}'`,
  );
  return { elapsedMs, bytes, changed, resurrected, deleted: goneBelow - gone, otherAnswers: await otherAnswers(lab) };
}

async function beside(order: BesideOrder): Promise<void> {
  const script = join(import.meta.dirname, 'beside-process.ts');
  await promisify(execFile)(process.execPath, [script, JSON.stringify(order)]);
}

function isEqual({ lab }: Pick<Sea, 'lab'>, atLeast: number): boolean {
  if (!lab.nodes.every((node) => lab.has(node, 'knowledge.db'))) return false;
  const digests = lab.nodes.map((node) => {
    const log = lab.file(node, 'knowledge-log.db');
    if (count(log, 'pending_document') > 0 || count(log, 'replication_change', 'body IS NOT NULL') < atLeast)
      return node.name;
    return `${digestOfRows(log)} ${digestOfDocuments(lab.file(node, 'knowledge.db'))}`;
  });
  return new Set(digests).size === 1;
}

/** What this node has to tell: its own changes since the others last heard of it, and the texts they name. */
function changedBytes(lab: Lab, node: MeshNode): number {
  const others = lab.nodes.filter((other) => other !== node).map((other) => lab.file(other, 'knowledge-log.db'));
  const own = lab
    .file(node, 'knowledge-log.db')
    .prepare<[], { key: string; hlc: string; bytes: number }>(
      'SELECT key, hlc, coalesce(octet_length(body), 0) + octet_length(base) + 200 AS bytes FROM replication_change',
    )
    .all();
  const has = others[0]
    ?.prepare<[string, string], number>(
      "SELECT 1 FROM replication_change WHERE kind = 'knowledge-document' AND key = ? AND hlc = ?",
    )
    .pluck();
  const text = lab
    .file(node, 'knowledge.db')
    .prepare<[string], number>('SELECT length FROM document WHERE key = ?')
    .pluck();
  return own
    .filter(({ key, hlc }) => has?.get(key, hlc) === undefined)
    .reduce((sum, { key, bytes }) => sum + bytes + (text.get(key) ?? 0), 0);
}

/** Every byte leaves one machine and comes to another. */
function trafficOf(lab: Lab): number {
  return lab.rig.traffic().reduce((sum, bytes) => sum + bytes, 0) / 2;
}

function storeBytes(lab: Lab, node: MeshNode): number {
  return lab.file(node, 'knowledge.db').prepare<[], number>('SELECT sum(length(text)) FROM passage').pluck().get() ?? 0;
}

async function otherAnswers(lab: Lab): Promise<number> {
  const corpus = new Corpus(5);
  let other = 0;
  for (let question = 0; question < QUESTIONS; question += 1) {
    const query = corpus.question(corpus.passage(corpus.topic()));
    const asked = lab.nodes.map((node) => lab.ask(node, 'POST', '/admin/knowledge/bench/search', { query, topK: 10 }));
    const answers = (await Promise.all(asked)).map(({ status, body }) => `${status} ${body}`);
    if (new Set(answers).size > 1 || !answers[0]?.startsWith('200 ')) other += 1;
  }
  return other;
}

function mb(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MB`;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
