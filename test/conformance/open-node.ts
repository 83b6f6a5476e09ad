// A node without keys, as `flowmesh start` makes it on a laptop, in front of every kind of upstream; the chain `coder` leads
// to a Claude.

import assert from 'node:assert/strict';
import { type ScenarioName, startUpstream, type Upstream, type UpstreamKind } from '../support/upstreams/server.ts';
import { accountFor, ROUTES, type RouteName, startNode } from './gateway.ts';

const MODELS: Partial<Record<UpstreamKind, readonly string[]>> = {
  anthropic: ['claude-sonnet-4-6', 'claude-opus-4-8'],
};

export interface OpenNode extends AsyncDisposable {
  readonly url: string;
  /** The route's upstream, which answers with this scenario from now on. */
  upstream(name: RouteName, scenario: ScenarioName): Upstream;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<{ status: number; body: any }>;
  /** The body of an answer that must be a good one. */
  answered(path: string, body: unknown, headers?: Record<string, string>): Promise<any>;
}

export async function startOpenNode(): Promise<OpenNode> {
  const upstreams = new Map<RouteName, Upstream>();
  const accounts: Record<string, ReturnType<typeof accountFor>> = {};
  for (const route of ROUTES) {
    const models = MODELS[route.kind];
    const upstream = await startUpstream(route.kind, models ? { models } : {});
    upstreams.set(route.name, upstream);
    accounts[route.name] = accountFor(route, upstream);
  }
  const node = await startNode({
    accounts,
    apiKeys: [],
    config: { chains: { coder: ['anthropic/claude-sonnet-4-6'] } },
  });

  const post: OpenNode['post'] = async (path, body, headers = {}) => {
    const response = await fetch(node.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: body instanceof Uint8Array ? (body as Uint8Array<ArrayBuffer>) : JSON.stringify(body),
    });
    return { status: response.status, body: await response.json() };
  };
  return {
    url: node.url,
    upstream: (name, scenario) => {
      const upstream = upstreams.get(name) as Upstream;
      upstream.respondWith(scenario);
      return upstream;
    },
    post,
    answered: async (...request) => {
      const { status, body } = await post(...request);
      assert.equal(status, 200, JSON.stringify(body));
      return body;
    },
    async [Symbol.asyncDispose]() {
      await node.stop();
      for (const upstream of upstreams.values()) await upstream.close();
      assert.deepEqual(node.defects, []);
    },
  };
}
