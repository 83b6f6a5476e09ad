// Does an import stall the streams? A whole node, as it is released, passes on fifty streams (a frame every 20 ms each)
// while passages are imported through its admin API and somebody searches. How late its main thread's event loop is, is
// what a stream's token is late. The same without import and searches tells what streams and machine do by themselves.

import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Arena, type Contestant } from '../contestants.ts';
import type { LoopDelay } from '../event-loop-probe.ts';
import { LoadGenerator } from '../load-generator.ts';
import type { StreamResult } from '../protocol.ts';
import { quantile } from '../statistics.ts';
import { Corpus } from './corpus.ts';
import { documentOf, PASSAGES_A_DOCUMENT } from './scale.ts';

export interface ResponsivenessResult {
  readonly passages: number;
  readonly passagesPerSecond: number;
  /** With streams alone. */
  readonly calm: LoopDelay;
  readonly importing: LoopDelay;
  /** What the streams' readers saw meanwhile. */
  readonly streams: StreamResult;
  readonly searches: number;
  readonly searchP50Ms: number;
}

const STREAMS = { connections: 50, frames: 50, intervalMs: 20 } as const;
/** Longer than a stream takes. */
const CALM_MS = 10_000;
const STORES_AT_ONCE = 16;
const SEARCH_PERIOD_MS = 100;
const PROBE = join(import.meta.dirname, '..', 'event-loop-probe.ts');

export async function measureResponsiveness(passages: number): Promise<ResponsivenessResult> {
  const arena = new Arena();
  const load = new LoadGenerator();
  const probeFile = join(arena.directory, 'event-loop.json');
  arena.build();
  const upstream = await arena.startUpstream();
  const env = { NODE_OPTIONS: `--import=${PROBE}`, EVENT_LOOP_FILE: probeFile };
  const node = await arena.start('flowmesh', { env });
  const admin = new AdminClient(
    node,
    readFileSync(join(arena.directory, `flowmesh-${node.endpoint.port}`, 'data', 'admin.token'), 'utf8'),
  );
  // The thread, the file and all code are there before anything counts.
  await admin.store(new Corpus(4), 50 * PASSAGES_A_DOCUMENT);
  await load.measure(node, { kind: 'stream', durationMs: CALM_MS / 2, ...STREAMS });
  await delayOf(node, probeFile);
  await load.measure(node, { kind: 'stream', durationMs: CALM_MS, ...STREAMS });
  const calm = await delayOf(node, probeFile);
  const importing = { isOver: false };
  const imported = admin.store(new Corpus(2), passages).finally(() => {
    importing.isOver = true;
  });
  const searches = admin.searchWhile(() => !importing.isOver);
  const read: StreamResult[] = [];
  while (!importing.isOver) {
    const { streams } = await load.measure(node, { kind: 'stream', durationMs: CALM_MS, ...STREAMS });
    if (streams) read.push(streams);
  }
  const seconds = await imported;
  const searchTimes = await searches;
  const [streams] = read.sort((left, right) => right.transit.p99 - left.transit.p99);
  if (!streams) throw new Error('No stream was read while passages were imported.');
  const result = {
    passages,
    passagesPerSecond: passages / seconds,
    calm,
    importing: await delayOf(node, probeFile),
    streams,
    searches: searchTimes.length,
    searchP50Ms: quantile(searchTimes, 0.5),
  };
  load.stop();
  await node.stop();
  await upstream.stop();
  return result;
}

async function delayOf({ pid }: Contestant, file: string): Promise<LoopDelay> {
  rmSync(file, { force: true });
  process.kill(pid, 'SIGUSR2');
  while (!existsSync(file)) await sleep(5);
  return JSON.parse(readFileSync(file, 'utf8'));
}

class AdminClient {
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;

  constructor({ endpoint }: Contestant, token: string) {
    this.#url = `http://127.0.0.1:${endpoint.port}/admin/knowledge/default`;
    this.#headers = { authorization: `Bearer ${token.trim()}`, 'content-type': 'application/json' };
  }

  /** @returns seconds */
  async store(corpus: Corpus, passages: number): Promise<number> {
    const start = performance.now();
    let begun = 0;
    const storeOneByOne = async (): Promise<void> => {
      while (begun < passages) {
        begun += PASSAGES_A_DOCUMENT;
        const { tenant: _tenant, collection, ...document } = documentOf(corpus);
        await this.#send('PUT', `/collections/${collection}/documents`, document);
      }
    };
    await Promise.all(Array.from({ length: STORES_AT_ONCE }, storeOneByOne));
    return (performance.now() - start) / 1_000;
  }

  /** @returns milliseconds of each, ascending */
  async searchWhile(isGoing: () => boolean): Promise<number[]> {
    const corpus = new Corpus(5);
    const times: number[] = [];
    while (isGoing()) {
      const start = performance.now();
      const query = corpus.question(corpus.passage(corpus.topic()));
      await this.#send('POST', '/search', { query, collections: ['notes'], topK: 6 });
      times.push(performance.now() - start);
      await sleep(SEARCH_PERIOD_MS);
    }
    return times.sort((left, right) => left - right);
  }

  async #send(method: string, path: string, body: object): Promise<void> {
    const response = await fetch(this.#url + path, { method, headers: this.#headers, body: JSON.stringify(body) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 300)}`);
  }
}
