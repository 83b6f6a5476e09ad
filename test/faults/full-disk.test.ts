// A real node whose disk fills up: two processes, libp2p over loopback, the data directory of one on a small file system.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { appendFileSync, mkdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { adminToken } from '../../src/tenancy/admin-token.ts';
import { completion, JSON_HEADERS } from '../support/chat-wire.ts';
import { type CommandPlace, commandPlace } from '../support/command.ts';
import { startRawUpstream } from '../support/raw-upstream.ts';

const PATIENCE_MS = 60_000;
/** Of its own: meshes of other runs on this machine hear its beacons. */
const ENV = { FLOWMESH_MESH_SECRET: randomUUID() };

const problem = mountProblem();
const skip = problem === undefined ? false : `no small file system can be mounted here: ${problem}`;

function mountProblem(): string | undefined {
  if (process.getuid?.() !== 0) return 'it needs root';
  using place = commandPlace();
  try {
    mount(place.path('probe'));
  } catch (error) {
    return String(error);
  }
  execFileSync('umount', [place.path('probe')]);
  return undefined;
}

function mount(directory: string): void {
  mkdirSync(directory);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', directory], { stdio: 'pipe' });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : assert.fail('no port');
}

class RealNode {
  readonly url: string;
  readonly #dataDirectory: string;

  constructor(url: string, dataDirectory: string) {
    this.url = url;
    this.#dataDirectory = dataDirectory;
  }

  async admin(method: string, path: string, body?: unknown): Promise<{ status: number; text: string }> {
    const headers = {
      authorization: `Bearer ${adminToken(this.#dataDirectory)}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    };
    const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
    const response = await fetch(this.url + path, init);
    return { status: response.status, text: await response.text() };
  }

  async makeKey(name: string): Promise<string> {
    const { status, text } = await this.admin('POST', '/admin/keys', { tenant: 'acme', name });
    assert.equal(status, 201, text);
    return JSON.parse(text).secret;
  }

  /** The status of a chat. */
  async chat(secret: string): Promise<number> {
    const response = await fetch(`${this.url}/v1/chat/completions`, {
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
    const response = await fetch(`${this.url}/v1/files`, { method: 'POST', headers, body: form });
    return { status: response.status, text: await response.text() };
  }

  async files(secret: string): Promise<readonly string[]> {
    const response = await fetch(`${this.url}/v1/files`, { headers: { authorization: `Bearer ${secret}` } });
    const { data = [] } = (await response.json()) as { data?: readonly { filename: string }[] };
    return data.map(({ filename }) => filename).sort();
  }
}

async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
  const startedAt = performance.now();
  while (!(await condition())) {
    if (performance.now() - startedAt > PATIENCE_MS) assert.fail(`${what} does not hold after ${PATIENCE_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function startPair(context: TestContext, place: CommandPlace) {
  const upstream = await startRawUpstream((response) =>
    response.writeHead(200, JSON_HEADERS).end(JSON.stringify(completion('Hi'))),
  );
  context.after(() => upstream.close());
  const ports = [await freePort(), await freePort()];
  const start = async (name: string, dataDirectory: string, at: number) => {
    const [own, other] = [ports[at], ports[1 - at]];
    const config = place.write(
      `${name}.yaml`,
      `dataDirectory: ${dataDirectory}
server: {anonymous: never}
accounts: {a: {provider: openai-compatible, url: '${upstream.url}', key: none}}
chains: {main: [a/one]}
mesh:
  enabled: true
  name: ${name}
  listen: [/ip4/127.0.0.1/tcp/${own}]
  announce: [/ip4/127.0.0.1/tcp/${own}]
  bootstrap: [/ip4/127.0.0.1/tcp/${other}]
  interfaces: [lo]
`,
    );
    const { url, node } = await place.startNode(['-c', config], { env: ENV });
    return Object.assign(new RealNode(url, dataDirectory), { process: node });
  };
  return {
    wide: await start('wide', place.path('wide'), 0),
    narrow: await start('narrow', place.path('small/data'), 1),
  };
}

test('a node whose disk is full says so, goes on serving, and catches up when there is space', {
  skip,
}, async (context) => {
  using place = commandPlace();
  const small = place.path('small');
  mount(small);
  // Lazily: the processes that use it are ended after this.
  using _mounted = { [Symbol.dispose]: () => void execFileSync('umount', ['-l', small]) };
  const { wide, narrow } = await startPair(context, place);
  const first = await wide.makeKey('first');
  await until(async () => (await narrow.chat(first)) === 200, 'the first key on the other node');
  assert.equal((await narrow.upload(first, 'early.txt', 'Owls hunt at night.')).status, 200);

  const ballast = place.path('small/ballast');
  for (const size of [1 << 20, 1 << 14, 1 << 10, 1]) {
    try {
      for (;;) appendFileSync(ballast, Buffer.alloc(size, 1));
    } catch (error) {
      assert.equal((error as { code?: unknown }).code, 'ENOSPC');
    }
  }

  const large = 'Rabbits dig burrows in dry meadows. '.repeat(20_000);
  const refused = await narrow.upload(first, 'refused.txt', large);
  assert.equal(refused.status, 507, refused.text);
  assert.match(refused.text, /The disk of this node is full/);
  const noKeys = await Promise.all(
    Array.from({ length: 5 }, () => narrow.admin('POST', '/admin/keys', { tenant: 'acme', name: 'k'.repeat(200) })),
  );
  assert.ok(
    noKeys.some(({ status, text }) => status === 507 && text.includes('disk_full')),
    noKeys
      .map(({ status, text }) => `${status} ${text}`)
      .join('\n')
      .slice(0, 500),
  );
  for (let asked = 0; asked < 20; asked += 1) assert.equal(await narrow.chat(first), 200);

  const second = await wide.makeKey('second');
  assert.equal((await wide.upload(first, 'late.txt', large)).status, 200);
  await narrow.process.untilStdout(
    /replication: no space for changes of other nodes|documents of other nodes cannot be stored/,
  );
  assert.equal(await narrow.chat(first), 200);

  rmSync(ballast);
  await until(async () => (await narrow.chat(second)) === 200, 'a key that was made meanwhile');
  await until(
    async () => (await narrow.files(first)).join() === 'early.txt,late.txt',
    'a document that was added meanwhile',
  );
  const usage = async (node: RealNode) => (await node.admin('GET', '/admin/usage?scope=mesh&by=tenant')).text;
  await until(async () => (await usage(wide)) === (await usage(narrow)), 'the same usage on both');
  assert.equal((await narrow.upload(first, 'again.txt', 'Foxes hunt at dawn.')).status, 200);
});
