// A running node as its own client sees it: is it there, what does it serve, and a streamed answer.

import { renderRequest } from '../dialects/openai-chat/render-request.ts';
import { ChatStreamParser } from '../dialects/openai-chat/stream-parser.ts';
import { GatewayError } from '../errors.ts';
import { StreamedFrames } from '../gateway/frame-source.ts';
import { readText } from '../gateway/upstream-http.ts';
import type { Message } from '../model/chat.ts';
import { asArray, asObject, asString, type JsonObject, parseObject } from '../model/json.ts';
import type { ReplayableRequest } from '../model/replay.ts';
import type { StreamEvent } from '../model/stream.ts';
import { HttpFailure, type HttpResponse } from '../ports.ts';
import type { Account } from '../providers/account.ts';
import { buildAccount } from '../providers/accounts.ts';
import { withDeadline } from '../providers/deadline.ts';
import { endpointFor } from '../providers/endpoint.ts';
import { listModels, type ModelEntry } from '../providers/model-list.ts';
import { presetNamed } from '../providers/preset-lookup.ts';
import { CommandError, EXIT } from './command-error.ts';
import type { Surroundings } from './surroundings.ts';

/** A node on this machine or LAN answers its health check at once; one that does not is not there. */
const PROBE_TIMEOUT_MS = 1_000;
const LIST_TIMEOUT_MS = 10_000;
const EXPLAIN_TIMEOUT_MS = 10_000;
const SMALL_BODY_BYTES = 64 * 1024;
/** A chain may have a thousand targets, each with its reasons. */
const EXPLANATION_BYTES_MAX = 4 * 1024 * 1024;

/** Clearing a full cache takes a moment. */
const ADMIN_TIMEOUT_MS = 60_000;
const ADMIN_BYTES_MAX = 16 * 1024 * 1024;

interface NodeCall {
  readonly method: string;
  readonly path: string;
  readonly body?: string;
  readonly bytesMax: number;
  readonly timeoutMs: number;
}

export interface NodeAddress {
  /** With or without `/v1`. */
  readonly url: string;
  readonly key: string | undefined;
}

export interface Question {
  readonly model: string;
  readonly messages: readonly Message[];
  /** Of a request that is asked again. */
  readonly settings?: Partial<Omit<ReplayableRequest, 'messages'>>;
  /** Before what the settings say. */
  readonly maxOutputTokens?: number;
  /** Besides those that every request has. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** The node answered, but not with an answer. */
export class NodeRefusal extends CommandError {
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

export interface OpenAnswer {
  /** `account/model` that answers. */
  readonly target: string | undefined;
  readonly events: AsyncGenerator<StreamEvent>;
}

/** How clients on this machine reach what listens on `host`. */
export function urlOf(host: string, port: number): string {
  if (host === '0.0.0.0') return `http://127.0.0.1:${port}`;
  if (host === '::' || host === '[::]') return `http://[::1]:${port}`;
  return `http://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}`;
}

export class NodeClient {
  readonly #account: Account;
  readonly #around: Pick<Surroundings, 'http' | 'clock'>;

  /** @throws CommandError for what is no URL */
  constructor({ url, key }: NodeAddress, around: Pick<Surroundings, 'http' | 'clock'>) {
    this.#around = around;
    this.#account = nodeAccount(url, key);
  }

  /** Is it a flowmesh node, ready or ending? Never rejects. */
  async isAnswering(): Promise<boolean> {
    const { http, clock } = this.#around;
    const url = `${this.#account.baseUrl.replace(/\/v1$/, '')}/readyz`;
    try {
      return await withDeadline(clock, PROBE_TIMEOUT_MS, undefined, async (signal) => {
        const response = await http.request({ method: 'GET', url, headers: {}, signal });
        const { status, running } = parseObject(await readText(response, SMALL_BODY_BYTES, 'cut')) ?? {};
        return (status === 'ready' || status === 'draining') && typeof running === 'number';
      });
    } catch {
      // Whatever the reason: there is no node that could be asked.
      return false;
    }
  }

  /** @throws CommandError */
  async models(): Promise<readonly ModelEntry[]> {
    const { http, clock } = this.#around;
    try {
      return await withDeadline(clock, LIST_TIMEOUT_MS, undefined, (signal) => listModels(this.#account, http, signal));
    } catch (error) {
      if (error instanceof GatewayError && error.code === 'upstream_authentication')
        throw new CommandError(KEY_REFUSED);
      throw new CommandError(`The node at ${this.#account.baseUrl} did not list its models: ${reasonOf(error)}`);
    }
  }

  /**
   * A call of the admin API, whose token the client must have been given as its key.
   * @throws CommandError with the node's own words
   */
  async admin(method: 'GET' | 'DELETE', path: string): Promise<JsonObject> {
    return this.#callNode({ method, path: `/admin${path}`, bytesMax: ADMIN_BYTES_MAX, timeoutMs: ADMIN_TIMEOUT_MS });
  }

  /**
   * What the node would do with a chat request.
   * @throws CommandError with the node's own words
   */
  async explain(request: JsonObject): Promise<JsonObject> {
    return this.#callNode({
      method: 'POST',
      path: '/flowmesh/explain',
      body: JSON.stringify(request),
      bytesMax: EXPLANATION_BYTES_MAX,
      timeoutMs: EXPLAIN_TIMEOUT_MS,
    });
  }

  async #callNode({ method, path, body, bytesMax, timeoutMs }: NodeCall): Promise<JsonObject> {
    const { http, clock } = this.#around;
    const { baseUrl, keys } = this.#account;
    const { headers } = endpointFor(this.#account, keys[0], { path: '/v1/models' }, '');
    const url = `${baseUrl.replace(/\/v1$/, '')}${path}`;
    try {
      return await withDeadline(clock, timeoutMs, undefined, async (signal) => {
        const response = await http.request({ method, url, headers, ...(body !== undefined && { body }), signal });
        if (response.status !== 200) throw await refusalOf(response);
        return parseObject(await readText(response, bytesMax, 'fail')) ?? {};
      });
    } catch (error) {
      if (error instanceof CommandError) throw error;
      throw new CommandError(`The node at ${baseUrl} did not answer: ${reasonOf(error)}`);
    }
  }

  /**
   * Resolves when the answer begins; its events end with `response-end`.
   * @throws CommandError with the node's own words, also from the events
   */
  async ask(question: Question, signal: AbortSignal): Promise<OpenAnswer> {
    const { model, messages, settings, maxOutputTokens } = question;
    const { http, clock } = this.#around;
    const { traits, keys } = this.#account;
    // One answer is read, however many were wanted once.
    const { candidateCount: _count, ...wanted } = settings?.sampling ?? {};
    const sampling = { ...wanted, ...(maxOutputTokens !== undefined && { maxOutputTokens }) };
    const request = { tools: [], ...settings, model, isStream: true, messages, sampling };
    const call = renderRequest(request, { model, isStream: true, traits });
    const { url, headers: own } = endpointFor(this.#account, keys[0], call, model);
    const headers = { ...own, ...question.headers };
    let response: HttpResponse;
    try {
      response = await http.request({ method: 'POST', url, headers, body: JSON.stringify(call.body), signal });
    } catch (error) {
      if (signal.aborted) throw error;
      throw new CommandError(`The node at ${this.#account.baseUrl} did not answer: ${reasonOf(error)}`);
    }
    if (response.status !== 200) throw await refusalOf(response);
    const source = new StreamedFrames(response, 'sse', new ChatStreamParser(), clock);
    return { target: response.headers['x-flowmesh-target'], events: eventsOf(source, signal) };
  }
}

const KEY_REFUSED =
  'The node wants a key. Set FLOWMESH_API_KEY, or give --key-file with a virtual key (`flowmesh keys create`) or one of its server.apiKeys.';

function nodeAccount(url: string, key: string | undefined): Account {
  const keys = key === undefined ? [] : [key];
  try {
    return buildAccount('node', { provider: 'openai-compatible', url, keys, headers: {}, models: [] }, presetNamed);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    throw new CommandError(`'${url}' is not the address of a node; it looks like http://127.0.0.1:2402.`, EXIT.usage);
  }
}

async function* eventsOf(source: StreamedFrames, signal: AbortSignal): AsyncGenerator<StreamEvent> {
  try {
    for (let batch = await source.next(); batch; batch = await source.next()) {
      for (const { events } of batch) {
        for (const event of events) {
          if (event.type === 'error') throw new CommandError(event.error.message);
          yield event;
        }
      }
    }
  } catch (error) {
    if (signal.aborted || !(error instanceof HttpFailure)) throw error;
    throw new CommandError('The node closed the connection before the answer was complete.');
  } finally {
    source.cancel();
  }
}

/** The node's sentence, and what it tried. */
async function refusalOf(response: HttpResponse): Promise<NodeRefusal> {
  const error = asObject(parseObject(await readText(response, SMALL_BODY_BYTES, 'cut'))?.error);
  if (error?.code === 'invalid_api_key') return new NodeRefusal(KEY_REFUSED, response.status);
  const message = asString(error?.message) ?? `The node answered with status ${response.status}.`;
  const attempts = asArray(error?.attempts);
  // A single one has failed with the message itself.
  if (attempts.length < 2) return new NodeRefusal(message, response.status);
  const lines = attempts.map((entry) => {
    const attempt = asObject(entry);
    return `\n  ${asString(attempt?.target) ?? ''}: ${asString(attempt?.message) ?? ''}`;
  });
  return new NodeRefusal(message + lines.join(''), response.status);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
