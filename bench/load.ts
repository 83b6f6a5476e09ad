// The load generator, in its own process: takes jobs by IPC, one at a time, and answers with what it measured.

import { Histogram } from './histogram.ts';
import { HttpConnection } from './http-connection.ts';
import type { Endpoint, Job, LoadReply, LoadResult, Quantiles } from './protocol.ts';
import { DISTINCT_MARK, monotonicMicros, streamBody, wholeBody } from './protocol.ts';
import { StreamMeter } from './stream-meter.ts';

/** Warm connections are kept between jobs, as clients keep them. */
const idle = new Map<number, HttpConnection[]>();

process.on('message', ({ id, job }: { id: number; job: Job }) => {
  const reply = (message: LoadReply) => process.send?.(message);
  run(job).then(
    (result) => reply({ id, result }),
    (error) => reply({ id, error: String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));

async function run(job: Job): Promise<LoadResult> {
  const tally = new Tally(job.endpoint);
  const connections = await Promise.all(Array.from({ length: job.connections }, () => tally.take()));
  const startedAt = performance.now();
  const endsAt = startedAt + job.durationMs;
  if (job.kind === 'open') await openLoop(job, connections, tally, startedAt);
  else {
    const pause = pauseBetweenStarts(job);
    const loops = connections.map(async (connection, index) => {
      await new Promise((resolve) => setTimeout(resolve, index * pause));
      await closedLoop(job, connection, tally, endsAt);
    });
    await Promise.all(loops);
  }
  return tally.result(performance.now() - startedAt);
}

/** Paced streams begin one after the other, spread over the length of one: nobody measures a first token in a crowd. */
function pauseBetweenStarts(job: Job): number {
  return job.kind === 'stream' ? (job.frames * job.intervalMs) / job.connections : 0;
}

async function closedLoop(
  job: Extract<Job, { kind: 'closed' | 'stream' }>,
  first: HttpConnection,
  tally: Tally,
  endsAt: number,
): Promise<void> {
  const pieces = piecesOf(job);
  let connection = first;
  const makeDistinct = distinction(pieces);
  while (performance.now() < endsAt) {
    makeDistinct();
    const isUsable =
      job.kind === 'stream'
        ? await readStream(connection, pieces, tally, job.frames, job.leaveAfter)
        : await ask(connection, pieces, tally, performance.now());
    if (!isUsable) connection = await tally.replace(connection);
  }
  tally.give(connection);
}

let distinctNumber = monotonicMicros();

/** Writes a new number into the one request that a connection sends at a time. */
function distinction(pieces: readonly Buffer[]): () => void {
  const marked = pieces.find((piece) => piece.includes(DISTINCT_MARK));
  const at = marked?.indexOf(DISTINCT_MARK) ?? 0;
  return () => {
    distinctNumber += 1;
    marked?.write(String(distinctNumber).padStart(DISTINCT_MARK.length, '0'), at, 'latin1');
  };
}

async function openLoop(
  job: Extract<Job, { kind: 'open' }>,
  connections: HttpConnection[],
  tally: Tally,
  startedAt: number,
): Promise<void> {
  const pieces = piecesOf(job);
  const count = Math.round((job.rate * job.durationMs) / 1_000);
  const dueAt = (index: number) => startedAt + (index * 1_000) / job.rate;
  let begun = 0;
  let ended = 0;
  await new Promise<void>((resolve) => {
    const begin = async (connection: HttpConnection, index: number): Promise<void> => {
      const isUsable = await ask(connection, pieces, tally, dueAt(index));
      connections.push(isUsable ? connection : await tally.replace(connection));
      ended += 1;
      if (ended === count) resolve();
    };
    // Finer than timers can: a turn of the event loop takes some ten microseconds.
    const turn = (): void => {
      const now = performance.now();
      for (; begun < count && dueAt(begun) <= now; begun += 1) {
        const connection = connections.pop();
        // All are busy: it waits its turn, and its wait is counted.
        if (!connection) break;
        void begin(connection, begun);
      }
      if (begun < count) setImmediate(turn);
    };
    turn();
  });
  for (const connection of connections) tally.give(connection);
}

/** Resolves with whether the connection can be used again. */
function ask(connection: HttpConnection, pieces: Buffer[], tally: Tally, begunAt: number): Promise<boolean> {
  return new Promise((resolve) => {
    connection.send(pieces, {
      onData() {},
      onEnd(status) {
        tally.add(performance.now() - begunAt, status);
        resolve(true);
      },
      onError() {
        tally.addBroken();
        resolve(false);
      },
    });
  });
}

function readStream(
  connection: HttpConnection,
  pieces: Buffer[],
  tally: Tally,
  frames: number,
  leaveAfter = Number.POSITIVE_INFINITY,
): Promise<boolean> {
  return new Promise((resolve) => {
    const begunAt = performance.now();
    const reading = tally.streams.begin();
    let firstContentMs: number | undefined;
    connection.send(pieces, {
      onData(chunk) {
        reading.take(chunk);
        if (reading.received === 0) return;
        firstContentMs ??= performance.now() - begunAt;
        if (reading.received < leaveAfter) return;
        connection.close();
        tally.add(firstContentMs, 200);
        resolve(false);
      },
      onEnd(status) {
        reading.end(frames);
        tally.add(firstContentMs ?? performance.now() - begunAt, status);
        resolve(true);
      },
      onError() {
        reading.end(frames);
        tally.addBroken();
        resolve(false);
      },
    });
  });
}

function bodyOf(job: Job): string {
  if (job.kind === 'stream') return streamBody(job.frames, job.intervalMs);
  return (job.kind === 'closed' ? job.body : undefined) ?? wholeBody();
}

function piecesOf(job: Job): Buffer[] {
  const body = Buffer.from(bodyOf(job));
  const headers = {
    host: `127.0.0.1:${job.endpoint.port}`,
    'content-type': 'application/json',
    'content-length': String(body.length),
    accept: '*/*',
    'user-agent': 'flowmesh-bench',
    ...job.endpoint.headers,
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = Buffer.from(`POST /v1/chat/completions HTTP/1.1\r\n${lines.join('')}\r\n`);
  return job.kind === 'closed' && job.isSplit ? [head, body] : [Buffer.concat([head, body])];
}

class Tally {
  readonly #port: number;
  readonly #latency = new Histogram();
  readonly streams = new StreamMeter();
  #errors = 0;

  constructor({ port }: Endpoint) {
    this.#port = port;
  }

  async take(): Promise<HttpConnection> {
    const kept = idle.get(this.#port) ?? [];
    for (let connection = kept.pop(); connection; connection = kept.pop()) {
      if (connection.isOpen) return connection;
    }
    return HttpConnection.open(this.#port);
  }

  give(connection: HttpConnection): void {
    const list = idle.get(this.#port) ?? [];
    list.push(connection);
    idle.set(this.#port, list);
  }

  replace(broken: HttpConnection): Promise<HttpConnection> {
    broken.close();
    return HttpConnection.open(this.#port);
  }

  add(milliseconds: number, status: number): void {
    this.#latency.addMs(milliseconds);
    if (status !== 200) this.#errors += 1;
  }

  addBroken(): void {
    this.#errors += 1;
  }

  result(elapsedMs: number): LoadResult {
    return {
      requests: this.#latency.total,
      errors: this.#errors,
      elapsedMs,
      latency: quantiles(this.#latency),
      around40Ms: this.#latency.countBetweenMs(38, 50),
      ...(this.streams.frames > 0 && { streams: this.streams.result(quantiles) }),
    };
  }
}

function quantiles(histogram: Histogram): Quantiles {
  return {
    p50: histogram.quantileMs(0.5),
    p90: histogram.quantileMs(0.9),
    p99: histogram.quantileMs(0.99),
    p999: histogram.quantileMs(0.999),
    max: histogram.maxMs,
  };
}
