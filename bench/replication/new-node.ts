// How fast does a new node get the knowledge of the mesh? Two processes, libp2p over loopback, files on disk. Counted from
// the moment when the new node starts until it finds everything; indexing for search is part of it.
//
//   node bench/replication/new-node.ts [passages]

import { type ChildProcess, fork } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULTS } from '../../src/config/defaults.ts';
import { knowledgePath } from '../../src/knowledge/knowledge-path.ts';
import { openLocalKnowledge } from '../../src/knowledge/local-knowledge.ts';
import { KNOWLEDGE_LOG_MIGRATIONS } from '../../src/knowledge/replication/pending-documents.ts';
import { KNOWLEDGE_MIGRATIONS } from '../../src/knowledge/store/migrations.ts';
import { identityFromSeed } from '../../src/mesh/identity.ts';
import { createLibp2pTransport } from '../../src/mesh/libp2p/libp2p-transport.ts';
import { MESH_TOPICS } from '../../src/mesh/mesh-broadcasts.ts';
import { createNode } from '../../src/node.ts';
import type { Logger } from '../../src/ports.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { streamHttpClient } from '../../src/system/stream-http-client.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { systemRandom } from '../../src/system/system-random.ts';
import { UndiciHttpClient } from '../../src/system/undici-http-client.ts';
import { configWith } from '../../test/support/node.ts';
import { Corpus } from '../knowledge/corpus.ts';

const PASSAGES_IN_DOCUMENT = 20;
const nothing = (): void => undefined;
const problem = (fields: object, message: string): void => console.error(message, fields);
const logger: Logger = { debug: nothing, info: nothing, warn: problem, error: problem };

async function startNode(seed: number, dataDirectory: string, bootstrap: readonly string[]) {
  const identity = identityFromSeed(new Uint8Array(32).fill(seed));
  const transport = await createLibp2pTransport(
    { clock: systemClock, logger, openHttpClient: streamHttpClient },
    {
      privateKey: identity.seed,
      listen: ['/ip4/127.0.0.1/tcp/0'],
      topics: MESH_TOPICS,
      requestBodyBytesMax: DEFAULTS.server.bodyBytesMax,
      isAnnounced: () => true,
    },
  );
  const mesh = { name: `node-${seed}`, listen: [], announce: [], bootstrap, interfaces: [], capabilities: ALL };
  const keys = { identity, fleet: identityFromSeed(new Uint8Array(32).fill(99)), admin: undefined };
  const node = createNode(configWith({ dataDirectory, mesh }), {
    clock: systemClock,
    random: systemRandom,
    http: new UndiciHttpClient(),
    logger,
    mesh: { transport, keys },
  });
  await node.listen();
  return { node, transport };
}

const ALL = ['serve', 'knowledge:write', 'cache:write', 'config:write'] as const;

/** Tells its addresses, and its processor time when it is asked. */
async function serve(dataDirectory: string): Promise<void> {
  const { node, transport } = await startNode(1, dataDirectory, []);
  process.on('message', (asked) => {
    if (asked === 'time') process.send?.(cpuMs());
    else void node.stop().then(() => process.exit(0));
  });
  process.send?.(transport.addresses());
}

async function fill(dataDirectory: string, count: number): Promise<void> {
  const corpus = new Corpus(1);
  const knowledge = openLocalKnowledge({ file: knowledgePath(dataDirectory), clock: systemClock });
  for (let stored = 0; stored < count; stored += PASSAGES_IN_DOCUMENT) {
    const topic = corpus.topic();
    const passages = Array.from({ length: PASSAGES_IN_DOCUMENT }, () => {
      const text = corpus.passage(topic);
      return { text, headings: [], start: 0, end: text.length };
    });
    const facts = { source: `document-${stored}`, title: `Document ${stored}`, mimeType: 'text/plain', attributes: {} };
    const contentHash = String(stored).padStart(64, '0');
    await knowledge.store({ tenant: 'bench', collection: 'all', ...facts, contentHash, passages });
  }
  await knowledge.close();
}

/** Of all threads, since the process began. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

function answerOf<Answer>(child: ChildProcess): Promise<Answer> {
  return new Promise((resolve) => child.once('message', (answer) => resolve(answer as Answer)));
}

async function timeOf(child: ChildProcess): Promise<number> {
  child.send('time');
  return await answerOf<number>(child);
}

async function until(isReached: () => boolean): Promise<void> {
  while (!isReached()) await systemClock.sleep(20);
}

async function measure(count: number): Promise<void> {
  const [source, target] = ['source', 'target'].map((name) => mkdtempSync(join(tmpdir(), `flowmesh-bench-${name}-`)));
  if (source === undefined || target === undefined) return;
  const filler = fork(import.meta.filename, ['fill', source, String(count)]);
  await new Promise((resolve) => filler.once('exit', resolve));
  const child = fork(import.meta.filename, ['serve', source]);
  const addresses = await answerOf<string[]>(child);
  // It hands its documents over to the change log first, as a node does once after its mesh was switched on.
  const log = openDatabase(join(source, 'knowledge-log.db'), KNOWLEDGE_LOG_MIGRATIONS);
  const recorded = log.prepare<[], number>('SELECT count(*) FROM replication_change').pluck();
  await until(() => (recorded.get() ?? 0) * PASSAGES_IN_DOCUMENT >= count);
  log.close();
  const [startedAt, ownBefore, childBefore] = [systemClock.elapsed(), cpuMs(), await timeOf(child)];
  const { node } = await startNode(2, target, addresses);
  await until(() => existsSync(knowledgePath(target)));
  const reader = openDatabase(knowledgePath(target), KNOWLEDGE_MIGRATIONS);
  const passages = reader.prepare<[], number>('SELECT coalesce(sum(passages), 0) FROM collection').pluck();
  let firstAt: number | undefined;
  await until(() => {
    const here = passages.get() ?? 0;
    if (here > 0) firstAt ??= systemClock.elapsed();
    return here >= count;
  });
  const elapsedMs = systemClock.elapsed() - startedAt;
  const [ownMs, childMs] = [cpuMs() - ownBefore, (await timeOf(child)) - childBefore];
  const perPassage = (ms: number): string => `${Math.round((ms / count) * 1_000)} µs`;
  console.log(`${count} passages in ${(elapsedMs / 1_000).toFixed(1)} s from the start of the new node:`);
  console.log(
    `${Math.round((count / elapsedMs) * 1_000)} passages/s, the first after ${Math.round((firstAt ?? 0) - startedAt)} ms`,
  );
  console.log(`processor time a passage: new node ${perPassage(ownMs)}, entry node ${perPassage(childMs)}`);
  console.log(`load average ${loadavg()[0]?.toFixed(1)} on ${availableParallelism()} cores`);
  reader.close();
  child.send('stop');
  await node.stop();
  await new Promise((resolve) => child.once('exit', resolve));
  for (const directory of [source, target]) rmSync(directory, { recursive: true });
}

const [first = '50000', directory = '', count = ''] = process.argv.slice(2);
if (first === 'serve') await serve(directory);
else if (first === 'fill') await fill(directory, Number(count));
else await measure(Number(first));
process.exitCode = 0;
