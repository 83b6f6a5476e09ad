// Two real nodes in a mesh: processes of their own, libp2p over loopback, one upstream that always answers. Each has its
// data directory below the place; a secret of their own keeps them apart from other meshes of this machine.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { adminToken } from '../../src/tenancy/admin-token.ts';
import { completion, JSON_HEADERS } from './chat-wire.ts';
import type { CommandPlace, RunningCommand } from './command.ts';
import { startRawUpstream } from './raw-upstream.ts';

const PATIENCE_MS = 60_000;
const LOOK_MS = 200;

export class RealNode {
  readonly dataDirectory: string;
  readonly config: string;
  readonly #place: CommandPlace;
  readonly #secret: string;
  #running: { readonly url: string; readonly node: RunningCommand } | undefined;

  constructor(place: CommandPlace, secret: string, config: string, dataDirectory: string) {
    this.#place = place;
    this.#secret = secret;
    this.config = config;
    this.dataDirectory = dataDirectory;
  }

  async start(): Promise<void> {
    const env = { FLOWMESH_MESH_SECRET: this.#secret };
    this.#running = await this.#place.startNode(['-c', this.config], { env });
  }

  get process(): RunningCommand {
    return this.#running?.node ?? assert.fail('the node was never started');
  }

  async stop(): Promise<void> {
    this.process.signal('SIGTERM');
    assert.equal((await this.process.ended).exitCode, 0);
  }

  async admin(method: string, path: string, body?: unknown): Promise<{ status: number; text: string }> {
    const headers = {
      authorization: `Bearer ${adminToken(this.dataDirectory)}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    };
    const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
    const response = await fetch(this.#url + path, init);
    return { status: response.status, text: await response.text() };
  }

  async makeKey(name: string): Promise<string> {
    const { status, text } = await this.admin('POST', '/admin/keys', { tenant: 'acme', name });
    assert.equal(status, 201, text);
    return JSON.parse(text).secret;
  }

  async usage(): Promise<string> {
    return (await this.admin('GET', '/admin/usage?scope=mesh&by=tenant,key,model,day,node')).text;
  }

  /** The status of a chat. */
  async chat(secret: string): Promise<number> {
    const response = await fetch(`${this.#url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'main', messages: [{ role: 'user', content: 'x' }] }),
    });
    await response.arrayBuffer();
    return response.status;
  }

  async upload(secret: string, name: string, text: string): Promise<{ status: number; text: string }> {
    const form = new FormData();
    form.set('purpose', 'assistants');
    form.set('file', new File([text], name, { type: 'text/plain' }));
    const headers = { authorization: `Bearer ${secret}` };
    const response = await fetch(`${this.#url}/v1/files`, { method: 'POST', headers, body: form });
    return { status: response.status, text: await response.text() };
  }

  /** Names, in order. */
  async files(secret: string): Promise<string> {
    const response = await fetch(`${this.#url}/v1/files`, { headers: { authorization: `Bearer ${secret}` } });
    const { data = [] } = (await response.json()) as { data?: readonly { filename: string }[] };
    return data
      .map(({ filename }) => filename)
      .sort()
      .join();
  }

  get #url(): string {
    return this.#running?.url ?? assert.fail('the node was never started');
  }
}

/** @param directories their data directories, within the place */
export async function startPair(
  context: TestContext,
  place: CommandPlace,
  directories: readonly [string, string],
): Promise<readonly [RealNode, RealNode]> {
  const upstream = await startRawUpstream((response) =>
    response.writeHead(200, JSON_HEADERS).end(JSON.stringify(completion('Hi'))),
  );
  context.after(() => upstream.close());
  const secret = randomUUID();
  const ports = [await freePort(), await freePort()] as const;
  const nodeAt = (at: 0 | 1): RealNode => {
    const dataDirectory = join(place.directory, directories[at]);
    const config = place.write(
      `node-${at}.yaml`,
      `dataDirectory: ${dataDirectory}
server: {anonymous: never}
accounts: {a: {provider: openai-compatible, url: '${upstream.url}', key: none}}
chains: {main: [a/one]}
mesh:
  enabled: true
  name: node-${at}
  listen: [/ip4/127.0.0.1/tcp/${ports[at]}]
  announce: [/ip4/127.0.0.1/tcp/${ports[at]}]
  bootstrap: [/ip4/127.0.0.1/tcp/${ports[1 - at]}]
  interfaces: [lo]
`,
    );
    return new RealNode(place, secret, config, dataDirectory);
  };
  const nodes = [nodeAt(0), nodeAt(1)] as const;
  await Promise.all(nodes.map((node) => node.start()));
  return nodes;
}

/** @throws AssertionError when it takes too long */
export async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
  const startedAt = performance.now();
  while (!(await condition())) {
    if (performance.now() - startedAt > PATIENCE_MS) assert.fail(`${what} does not hold after ${PATIENCE_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : assert.fail('no port');
}
