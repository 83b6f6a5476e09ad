// Clients in a process of their own: the official OpenAI SDK, asking on a schedule whether or not the answers come. It
// never asks a second time by itself, so that every failure is seen.

import OpenAI, { APIConnectionError, APIError } from 'openai';
import { moment } from './moment.ts';

export interface LoadOptions {
  /** Asked in turn. */
  readonly nodes: readonly { readonly name: string; readonly url: string }[];
  readonly key: string;
  readonly model: string;
  readonly perSecond: number;
  /** Every so many-th request is a stream. 1: all. */
  readonly streamEvery: number;
  readonly frames: number;
  readonly frameMs: number;
  readonly timeoutMs: number;
  /** Of requests; then no more begin. Absent: until it is stopped. */
  readonly count?: number;
  /** Clients leave this long after they have asked. */
  readonly leaveAfterMs?: number;
}

export type LoadOrder = { readonly kind: 'start'; readonly options: LoadOptions } | { readonly kind: 'stop' };

/** One request, as its client saw it. */
export interface Seen {
  readonly at: number;
  readonly node: string;
  readonly isStream: boolean;
  /** To the first content; of a whole answer, to the answer. */
  readonly ttftMs: number | undefined;
  readonly totalMs: number;
  /** Who answered: `account/model`, with the node before it when it was another one. */
  readonly target: string | undefined;
  readonly attempts: number;
  readonly error: SeenError | undefined;
  /** Frames that never came, came twice or too early. */
  readonly lostFrames: number;
}

export interface SeenError {
  /** `connect`: the node itself was not there. */
  readonly kind: 'connect' | 'status' | 'stream' | 'defect';
  readonly status?: number;
  readonly code?: string;
  readonly message: string;
}

export type LoadNews =
  | { readonly kind: 'ready' }
  | { readonly kind: 'seen'; readonly seen: readonly Seen[] }
  | { readonly kind: 'stopped' };

const TELL_MS = 100;
let seen: Seen[] = [];
let timer: NodeJS.Timeout | undefined;
let running = 0;
let begun = 0;
let countMax = Number.POSITIVE_INFINITY;

setInterval(report, TELL_MS);
process.on('disconnect', () => process.exit());
process.on('message', (order: LoadOrder) => {
  if (order.kind === 'start') begin(order.options);
  else void stop();
});
tell({ kind: 'ready' });

function begin(options: LoadOptions): void {
  const { nodes, key, perSecond, timeoutMs, streamEvery } = options;
  const clients = nodes.map(({ name, url }) => ({
    name,
    client: new OpenAI({ baseURL: url, apiKey: key, maxRetries: 0, timeout: timeoutMs }),
  }));
  const startedAt = moment();
  let count = 0;
  countMax = options.count ?? Number.POSITIVE_INFINITY;
  begun = 0;
  timer = setInterval(() => {
    // What is due, late or not: a stall of this process must not thin out the load.
    for (; count < Math.min(countMax, ((moment() - startedAt) * perSecond) / 1_000); count += 1) {
      begun += 1;
      const target = clients[count % clients.length];
      if (target) void ask(target.client, target.name, (count + 1) % streamEvery === 0, options);
    }
  }, 2);
}

async function stop(): Promise<void> {
  while (countMax !== Number.POSITIVE_INFINITY && begun < countMax)
    await new Promise((resolve) => setTimeout(resolve, 5));
  clearInterval(timer);
  while (running > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  report();
  tell({ kind: 'stopped' });
}

async function ask(client: OpenAI, node: string, isStream: boolean, options: LoadOptions): Promise<void> {
  const at = moment();
  running += 1;
  const note: { ttftMs: number | undefined; target: string | undefined; attempts: number; lostFrames: number } = {
    ttftMs: undefined,
    target: undefined,
    attempts: 0,
    lostFrames: 0,
  };
  let error: SeenError | undefined;
  const { model, frames, frameMs, leaveAfterMs } = options;
  const leaving = new AbortController();
  const leave = leaveAfterMs === undefined ? undefined : setTimeout(() => leaving.abort(), leaveAfterMs);
  const body = {
    model,
    messages: [{ role: 'user' as const, content: `How are you? ${at}` }],
    max_tokens: frames,
    seed: frameMs,
  };
  try {
    const { signal } = leaving;
    const { data, response } = isStream
      ? await client.chat.completions.create({ ...body, stream: true }, { signal }).withResponse()
      : await client.chat.completions.create(body, { signal }).withResponse();
    note.target = response.headers.get('x-flowmesh-target') ?? undefined;
    note.attempts = Number(response.headers.get('x-flowmesh-attempts') ?? 1);
    if (Symbol.asyncIterator in data) {
      let expected = 0;
      for await (const chunk of data) {
        const text = chunk.choices[0]?.delta.content;
        if (!text) continue;
        note.ttftMs ??= moment() - at;
        for (const word of text.trim().split(' ')) {
          if (Number(word.split('@')[0]) !== expected) note.lostFrames += 1;
          expected += 1;
        }
      }
      note.lostFrames += Math.max(0, frames - expected);
    } else note.ttftMs = moment() - at;
  } catch (thrown) {
    error = errorOf(thrown, note.ttftMs !== undefined || note.target !== undefined);
  }
  clearTimeout(leave);
  running -= 1;
  seen.push({ at, node, isStream, ...note, totalMs: moment() - at, error });
}

function errorOf(thrown: unknown, hasBegun: boolean): SeenError {
  if (thrown instanceof APIConnectionError) return { kind: hasBegun ? 'stream' : 'connect', message: thrown.message };
  if (thrown instanceof APIError) {
    const { status, code, message } = thrown;
    const kind = hasBegun ? 'stream' : 'status';
    return { kind, message, ...(status !== undefined && { status }), ...(typeof code === 'string' && { code }) };
  }
  return { kind: hasBegun ? 'stream' : 'defect', message: String(thrown) };
}

function report(): void {
  if (seen.length === 0) return;
  tell({ kind: 'seen', seen });
  seen = [];
}

function tell(news: LoadNews): void {
  if (process.connected) process.send?.(news);
}
