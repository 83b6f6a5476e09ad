// A local server that speaks a provider's real wire format, for tests of what talks to providers.
//
//   const upstream = await startUpstream('anthropic', { models: ['claude-sonnet-4-6'] });
//   upstream.url          'http://127.0.0.1:PORT'; upstream.sdkBaseUrl is what the official SDK takes as base URL
//   upstream.key          the key it accepts (any of options.keys); Ollama asks for none unless keys are given
//   upstream.respondWith('tools')                                        a scenario (scenarios.ts); the default is 'text'
//   upstream.respondWith({ scenario: 'text', fault: { type: 'cut-mid-stream', after: 2 } })       faults.ts has them all
//   upstream.respondWith([{ fault: { type: 'status', status: 429 } }, 'text'])  a queue: one each POST, the last repeats
//   upstream.respondWith((request, index) => script)                     index counts POSTs since respondWith
//   script also has: chunking 'whole' | 'frame' | 'byte' | n bytes, delayMs between writes, lineEnding, hasComments;
//   options.defaults sets them for every script
//   upstream.requests     what came: {method, path, query, headers, body, bytes}
//   upstream.openStreams  answers being written or hanging now; upstream.abortedCount: clients that left before the end
//   await upstream.untilAborted(n); await upstream.untilRequests(n)
//   await upstream.close()     from now on connections are refused; await upstream.reopen() listens on the same port again
//
// Kinds: openai (chat, responses, completions, embeddings, audio, images, moderations, models), azure, mistral,
// compatible (vLLM-like: reasoning_content, whole arguments without index), anthropic, gemini, ollama.
// What the user says is in ../prompts.ts, what the official SDKs make of it in ../cases.ts.
// A request that breaks a rule of the provider gets the provider's own error; one that is valid but lost what the
// scenario's user said gets a 400 whose message begins with "[test upstream]".

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { anthropic } from './anthropic.ts';
import { type Chunking, deliver } from './deliver.ts';
import { type Fault, planFailure, planReply } from './faults.ts';
import { gemini } from './gemini.ts';
import { ollama } from './ollama.ts';
import { azure, compatible, mistral, openai } from './openai.ts';
import type { ScenarioName } from './scenarios.ts';
import type { Model, RecordedRequest, Speaker } from './speaker.ts';

export type { Chunking } from './deliver.ts';
export type { After, Fault } from './faults.ts';
export type { ScenarioName } from './scenarios.ts';
export type { RecordedRequest } from './speaker.ts';

export const SPEAKERS = { openai, azure, mistral, compatible, anthropic, gemini, ollama } as const;

export type UpstreamKind = keyof typeof SPEAKERS;

export interface Script {
  readonly scenario?: ScenarioName | Model;
  readonly fault?: Fault;
  readonly chunking?: Chunking;
  readonly delayMs?: number;
  readonly lineEnding?: '\n' | '\r\n' | '\r';
  /** An SSE comment before every frame. */
  readonly hasComments?: boolean;
}

export type Answerable = ScenarioName | Script;
export type Responder = Answerable | readonly Answerable[] | ((request: RecordedRequest, index: number) => Answerable);

export interface UpstreamOptions {
  /** Others get 404. Default: see the speaker. */
  readonly models?: readonly string[];
  readonly keys?: readonly string[];
  /** For whatever a script does not say. */
  readonly defaults?: Omit<Script, 'scenario' | 'fault'>;
}

export const UPSTREAM_KEY = 'test-upstream-key';

export class Upstream {
  readonly kind: UpstreamKind;
  readonly requests: RecordedRequest[] = [];
  readonly models: readonly string[];
  openStreams = 0;
  abortedCount = 0;
  readonly #speaker: Speaker;
  readonly #keys: readonly string[];
  readonly #defaults: Script;
  readonly #server = createServer((request, response) => void this.#handle(request, response));
  readonly #waiting = new Set<() => void>();
  #responder: Responder = 'text';
  #postCount = 0;
  #port = 0;

  constructor(kind: UpstreamKind, options: UpstreamOptions) {
    this.kind = kind;
    this.#speaker = SPEAKERS[kind];
    this.models = options.models ?? this.#speaker.defaultModels;
    this.#keys = options.keys ?? (this.#speaker.hasKeys ? [UPSTREAM_KEY] : []);
    this.#defaults = options.defaults ?? {};
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get sdkBaseUrl(): string {
    return `${this.url}${this.#speaker.sdkPath}`;
  }

  get key(): string {
    return this.#keys[0] ?? UPSTREAM_KEY;
  }

  respondWith(responder: Responder): void {
    this.#responder = responder;
    this.#postCount = 0;
  }

  /** The last POST. */
  get lastRequest(): RecordedRequest {
    const last = this.requests.findLast((request) => request.method === 'POST');
    if (!last) throw new Error('The upstream got no request.');
    return last;
  }

  async untilAborted(count = 1): Promise<void> {
    await this.#until(() => this.abortedCount >= count);
  }

  async untilRequests(count: number): Promise<void> {
    await this.#until(() => this.requests.length >= count);
  }

  async reopen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#port, '127.0.0.1', resolve);
    });
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #until(isReached: () => boolean): Promise<void> {
    while (!isReached()) {
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  #changed(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }

  async #handle(message: IncomingMessage, response: ServerResponse): Promise<void> {
    let isAbandonedByUs = false;
    this.openStreams += 1;
    response.once('close', () => {
      this.openStreams -= 1;
      if (!response.writableFinished && !isAbandonedByUs) this.abortedCount += 1;
      this.#changed();
    });
    try {
      const request = await record(message);
      this.requests.push(request);
      this.#changed();
      const script = { ...this.#defaults, ...this.#nextScript(request) };
      const { fault } = script;
      if (fault?.type === 'hang-before-headers') return;
      isAbandonedByUs = fault?.type === 'cut-mid-stream';
      const plan =
        planFailure(this.#speaker, fault, String(request.body?.model ?? this.models[0])) ??
        planReply(
          await this.#speaker.answer(request, {
            scenario: script.scenario ?? 'text',
            keys: this.#keys,
            models: this.models,
            seed: `${this.kind}-${this.requests.length}`,
            isOversized: fault?.type === 'oversized-line',
          }),
          fault,
          {
            lineEnding: script.lineEnding ?? this.#speaker.lineEnding,
            hasComments: script.hasComments ?? false,
          },
          this.#speaker,
        );
      const isDrip = fault?.type === 'slow-drip';
      await deliver(response, plan, {
        chunking: isDrip ? 'byte' : (script.chunking ?? 'frame'),
        delayMs: isDrip ? fault.delayMs : (script.delayMs ?? 0),
      });
    } catch (error) {
      // A client that left while sending is no defect of the server; everything else must be seen by the test.
      if (!message.complete) return;
      response.destroy();
      process.emitWarning(`${this.kind} upstream failed: ${(error as Error).stack}`);
    }
  }

  #nextScript(request: RecordedRequest): Script {
    const index = this.#postCount;
    if (request.method === 'POST') this.#postCount += 1;
    const answerable = pick(this.#responder, request, index);
    return typeof answerable === 'string' ? { scenario: answerable } : answerable;
  }
}

export async function startUpstream(kind: UpstreamKind, options: UpstreamOptions = {}): Promise<Upstream> {
  const upstream = new Upstream(kind, options);
  await upstream.reopen();
  return upstream;
}

function pick(responder: Responder, request: RecordedRequest, index: number): Answerable {
  if (typeof responder === 'function') return responder(request, index);
  if (typeof responder === 'string' || !('length' in responder)) return responder;
  return responder[Math.min(index, responder.length - 1)] ?? 'text';
}

async function record(message: IncomingMessage): Promise<RecordedRequest> {
  const blocks: Buffer[] = [];
  for await (const block of message) blocks.push(block);
  const bytes = Buffer.concat(blocks);
  const url = new URL(message.url ?? '/', 'http://upstream');
  const headers = Object.fromEntries(Object.entries(message.headers).map(([name, value]) => [name, String(value)]));
  return {
    method: message.method ?? 'GET',
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers,
    body: parseJson(bytes),
    bytes,
  };
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}
