// A flowmesh node in this process for tests of what goes wrong: real HTTP on both sides, every log line recorded, and
// the headers of every answer that an SDK got (most SDKs hide them).
//
//   await using gateway = await startGateway({ accounts, chains });
//   const { seen, error, headers } = await gateway.tryAsk('gemini', { model, isStream: true });

import { parseConfig } from '../../src/config/load.ts';
import { createNode } from '../../src/node.ts';
import type { LogFields, Logger } from '../../src/ports.ts';
import { presets } from '../../src/providers/presets.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { systemRandom } from '../../src/system/system-random.ts';
import { UndiciHttpClient } from '../../src/system/undici-http-client.ts';
import { type AskOptions, ask, type ClientKind, type Seen } from '../support/cases.ts';
import type { LogLine } from '../support/node.ts';

export const CLIENT_KEY = 'client-key-of-the-tests';

/** What each SDK takes as base URL when the service is one of ours. */
const CLIENT_PATHS: Readonly<Record<ClientKind, string>> = {
  'openai-chat': '/v1',
  'openai-responses': '/v1',
  anthropic: '',
  gemini: '',
  ollama: '',
};

export interface Outcome {
  readonly seen?: Seen;
  /** What the SDK threw. */
  readonly error?: any;
  /** Of the answer; undefined when there was none. */
  readonly headers?: Headers;
  readonly status?: number;
  /** The line that the node wrote about the request. */
  readonly line: LogFields;
}

export interface Asked extends Pick<AskOptions, 'model' | 'isStream'> {
  /** Default `text`. */
  readonly scenario?: AskOptions['scenario'];
  readonly signal?: AbortSignal;
  /** Default: one of its own. */
  readonly requestId?: string;
}

export interface Gateway extends AsyncDisposable {
  readonly url: string;
  readonly lines: readonly LogLine[];
  /** Lines at error level: each is a defect. */
  readonly defects: readonly LogLine[];
  /** One request by an official SDK that asks once; resolves when the node has written its line about it. */
  tryAsk(client: ClientKind, asked: Asked): Promise<Outcome>;
  /** The line of a request, now or as soon as it is written. */
  lineOf(requestId: string): Promise<LogFields>;
  /** Value of a metric without labels. */
  metric(name: string): Promise<number>;
  /** Resolves when no request is running. */
  untilIdle(): Promise<void>;
  stop(): Promise<void>;
}

export interface GatewayOptions {
  /** Any section of the configuration file. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly server?: Readonly<Record<string, unknown>>;
  readonly dataDirectory?: string;
  readonly apiKeys?: readonly string[];
}

let requestCount = 0;

function nextRequestId(): string {
  requestCount += 1;
  return `faults-${requestCount}`;
}

export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const lines: LogLine[] = [];
  const byRequest = new Map<string, LogFields>();
  const waiting = new Map<string, (fields: LogFields) => void>();
  const write =
    (level: LogLine['level']) =>
    (fields: LogFields, message: string): void => {
      lines.push({ level, fields, message });
      const requestId = String(fields.requestId);
      byRequest.set(requestId, fields);
      waiting.get(requestId)?.(fields);
    };
  const logger: Logger = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
  const config = configOf(options);
  const node = createNode(config, { clock: systemClock, random: systemRandom, http: new UndiciHttpClient(), logger });
  const url = await node.listen();
  const apiKey = config.server.apiKeys[0] ?? 'unused';
  const authorization = `Bearer ${apiKey}`;

  const lineOf = (requestId: string): Promise<LogFields> => {
    const written = byRequest.get(requestId);
    return written ? Promise.resolve(written) : new Promise((resolve) => waiting.set(requestId, resolve));
  };
  const metric = async (name: string): Promise<number> => {
    const text = await (await fetch(`${url}/metrics`, { headers: { authorization } })).text();
    const value = new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1];
    if (value === undefined) throw new Error(`No metric ${name}.`);
    return Number(value);
  };
  return {
    url,
    lines,
    get defects() {
      return lines.filter((line) => line.level === 'error');
    },
    async tryAsk(client, { requestId = nextRequestId(), ...asked }) {
      const answered = ask(client, {
        baseUrl: url + CLIENT_PATHS[client],
        apiKey,
        scenario: 'text',
        ...asked,
        headers: { 'x-request-id': requestId },
      });
      const result = await answered.then(
        (seen) => ({ seen }),
        (error: unknown) => ({ error }),
      );
      const response = responses.get(requestId);
      responses.delete(requestId);
      return { ...result, ...response, line: await lineOf(requestId) };
    },
    lineOf,
    metric,
    async untilIdle() {
      while ((await metric('flowmesh_requests_in_flight')) > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    },
    stop: () => node.stop(),
    [Symbol.asyncDispose]: () => node.stop(),
  };
}

function configOf({ config, server, dataDirectory = ':memory:', apiKeys = [CLIENT_KEY] }: GatewayOptions) {
  const text = JSON.stringify({ server: { port: 0, apiKeys, ...server }, dataDirectory: '.', ...config });
  const parsed = parseConfig(text, {
    path: 'flowmesh.yaml',
    env: {},
    providers: new Set(presets.map((preset) => preset.name)),
  });
  return { ...parsed.config, dataDirectory };
}

/** By the request id that was sent. */
const responses = new Map<string, { readonly headers: Headers; readonly status: number }>();

// All four SDKs look `fetch` up when they need it.
const realFetch = globalThis.fetch;
globalThis.fetch = async (input, init) => {
  const response = await realFetch(input, init);
  const requestId = new Headers(init?.headers).get('x-request-id');
  if (requestId) responses.set(requestId, { headers: response.headers, status: response.status });
  return response;
};
