// A flowmesh node in this process with real HTTP on both sides: official SDK → node → test upstream.
//
//   await using gateway = await startGateway();                     every route's upstream, one account each
//   gateway.upstreams.anthropic.respondWith('tools');
//   const seen = await ask('gemini', { ...gateway.asClient('gemini'), model: modelAt(route, scenario), … });
//
// Accounts are those an operator would write: a preset's name, a key, and `url` toward the test upstream.

import { parseConfig } from '../../src/config/load.ts';
import { createNode } from '../../src/node.ts';
import type { LogFields, Logger } from '../../src/ports.ts';
import { presets } from '../../src/providers/presets.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { systemRandom } from '../../src/system/system-random.ts';
import { UndiciHttpClient } from '../../src/system/undici-http-client.ts';
import { type ClientKind, modelFor, type ScenarioName } from '../support/cases.ts';
import { startUpstream, type Upstream, type UpstreamKind, type UpstreamOptions } from '../support/upstreams/server.ts';

export interface RouteSpec {
  /** Also the account's name. */
  readonly name: RouteName;
  readonly kind: UpstreamKind;
  readonly dialect: ClientKind;
  readonly provider: string;
  readonly apiVersion?: string;
}

export const ROUTES = [
  { name: 'openai', kind: 'openai', dialect: 'openai-chat', provider: 'openai' },
  { name: 'openai-responses', kind: 'openai', dialect: 'openai-responses', provider: 'openai-responses' },
  { name: 'azure', kind: 'azure', dialect: 'openai-chat', provider: 'azure', apiVersion: '2024-10-21' },
  { name: 'mistral', kind: 'mistral', dialect: 'openai-chat', provider: 'mistral' },
  { name: 'compatible', kind: 'compatible', dialect: 'openai-chat', provider: 'openai-compatible' },
  { name: 'anthropic', kind: 'anthropic', dialect: 'anthropic', provider: 'anthropic' },
  { name: 'gemini', kind: 'gemini', dialect: 'gemini', provider: 'gemini' },
  { name: 'ollama', kind: 'ollama', dialect: 'ollama', provider: 'ollama' },
] as const satisfies readonly (Omit<RouteSpec, 'name'> & { name: string })[];

export type RouteName = (typeof ROUTES)[number]['name'];

export function routeNamed(name: RouteName): RouteSpec {
  const route = ROUTES.find((one) => one.name === name);
  if (!route) throw new Error(`No route ${name}.`);
  return route;
}

/** `account/model`, a name that any client may ask for. */
export function modelAt(route: RouteSpec, scenario: ScenarioName): string {
  return `${route.name}/${modelFor(route.kind, scenario)}`;
}

const CLIENT_KEY = 'client-key-of-the-tests';

/** What each SDK takes as base URL when the service is one of ours. */
const CLIENT_PATHS: Readonly<Record<ClientKind, string>> = {
  'openai-chat': '/v1',
  'openai-responses': '/v1',
  anthropic: '',
  gemini: '',
  ollama: '',
};

export interface Account {
  readonly provider: string;
  readonly url: string;
  readonly key?: string;
  readonly apiVersion?: string;
}

export interface NodeOptions {
  readonly accounts: Readonly<Record<string, Account>>;
  /** Any other section of the configuration file. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly apiKeys?: readonly string[];
}

export interface RunningNode {
  readonly url: string;
  /** Lines of the log at error level: each is a defect. */
  readonly defects: readonly LogFields[];
  /** Base URL and key for the SDK. */
  asClient(client: ClientKind): { readonly baseUrl: string; readonly apiKey: string };
  stop(): Promise<void>;
}

export async function startNode({ accounts, config = {}, apiKeys = [CLIENT_KEY] }: NodeOptions): Promise<RunningNode> {
  const text = JSON.stringify({
    server: { port: 0, apiKeys },
    accounts,
    dataDirectory: ':memory:',
    ...config,
  });
  const parsed = parseConfig(text, {
    path: 'flowmesh.yaml',
    env: {},
    providers: new Set(presets.map((preset) => preset.name)),
  }).config;
  const defects: LogFields[] = [];
  const logger: Logger = { debug() {}, info() {}, warn() {}, error: (fields) => defects.push(fields) };
  const node = createNode(
    { ...parsed, dataDirectory: ':memory:' },
    { clock: systemClock, random: systemRandom, http: new UndiciHttpClient(), logger },
  );
  const url = await node.listen();
  return {
    url,
    defects,
    asClient: (client) => ({ baseUrl: url + CLIENT_PATHS[client], apiKey: apiKeys[0] ?? 'unused' }),
    stop: () => node.stop(),
  };
}

export function accountFor(route: RouteSpec, upstream: Upstream): Account {
  return {
    provider: route.provider,
    url: upstream.url,
    ...(route.kind !== 'ollama' && { key: upstream.key }),
    ...(route.apiVersion !== undefined && { apiVersion: route.apiVersion }),
  };
}

export interface Gateway extends RunningNode, AsyncDisposable {
  readonly upstreams: Readonly<Record<RouteName, Upstream>>;
}

/** A node with an account for every route. */
export async function startGateway(
  options: { readonly upstream?: UpstreamOptions; readonly config?: NodeOptions['config'] } = {},
): Promise<Gateway> {
  const upstreams = {} as Record<RouteName, Upstream>;
  const accounts: Record<string, Account> = {};
  for (const route of ROUTES) {
    const upstream = await startUpstream(route.kind, options.upstream);
    upstreams[route.name] = upstream;
    accounts[route.name] = accountFor(route, upstream);
  }
  const node = await startNode({ accounts, ...(options.config && { config: options.config }) });
  const stop = async (): Promise<void> => {
    await node.stop();
    for (const upstream of Object.values(upstreams)) await upstream.close();
  };
  return { ...node, upstreams, stop, [Symbol.asyncDispose]: stop };
}
