// Whole nodes (createNode) that share a secret, over one network in memory and one virtual clock. Only their HTTP servers
// are real, on free ports of 127.0.0.1.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { HostClock } from '../../mesh-sim/sim/host-clock.ts';
import { SimNetwork } from '../../mesh-sim/sim/sim-network.ts';
import { SimTransport } from '../../mesh-sim/sim/sim-transport.ts';
import type { MeshConfig } from '../../src/config/mesh.ts';
import { recorderBeside } from '../../src/mesh/gateway-log.ts';
import type { Identity } from '../../src/mesh/identity.ts';
import { identityFromSeed } from '../../src/mesh/identity.ts';
import type { MeshCapability } from '../../src/model/mesh-capability.ts';
import { FLEET_CAPABILITIES } from '../../src/model/mesh-capability.ts';
import { createNode, type FlowmeshNode } from '../../src/node.ts';
import { databasePath, GATEWAY_MIGRATIONS } from '../../src/node-files.ts';
import { type Database, openDatabase } from '../../src/storage/database.ts';
import { UndiciHttpClient } from '../../src/system/undici-http-client.ts';
import { adminToken } from '../../src/tenancy/admin-token.ts';
import { KeyStore } from '../../src/tenancy/key-store.ts';
import { ManualClock } from './manual-clock.ts';
import { configWith, LogRecorder, type PartialConfig } from './node.ts';
import { seededRandom } from './seeded-random.ts';

/** For what does not wait for the virtual clock. */
const PATIENCE_MS = 30_000;

export interface SimNodesOptions {
  readonly config?: PartialConfig;
  readonly seed?: number;
}

export interface SimNodeOptions {
  readonly capabilities?: readonly MeshCapability[];
  readonly config?: PartialConfig;
  /** What an earlier life has left. */
  readonly dataDirectory?: string;
  readonly admin?: Identity;
}

export class SimNodes {
  readonly clock = new ManualClock();
  readonly network: SimNetwork<SimTransport>;
  readonly nodes: NodeInMesh[] = [];
  readonly fleet: Identity;
  readonly #options: SimNodesOptions;

  constructor(context: TestContext, options: SimNodesOptions = {}) {
    const random = seededRandom(options.seed ?? 1);
    this.#options = options;
    this.fleet = identityFromSeed(random.bytes(32));
    this.network = new SimNetwork({ clock: this.clock, random });
    context.after(() => this.close());
  }

  /** Starts one; it joins the others by itself. */
  async start(name: string, options: SimNodeOptions = {}): Promise<NodeInMesh> {
    const identity = identityFromSeed(seededRandom(name.length * 1_000 + name.charCodeAt(name.length - 1)).bytes(32));
    const clock = new HostClock(this.clock);
    const transport = new SimTransport({
      network: this.network,
      identity,
      clock,
      meshTag: () => node.mesh?.meshTag(),
    });
    const dataDirectory = options.dataDirectory ?? mkdtempSync(join(tmpdir(), 'flowmesh-sim-'));
    const mesh: MeshConfig = {
      name,
      listen: [],
      announce: [],
      bootstrap: [],
      interfaces: [],
      capabilities: options.capabilities ?? FLEET_CAPABILITIES,
    };
    const log = new LogRecorder();
    // Without keys yet, a node would let everybody in.
    const server = { anonymous: 'never' } as const;
    const config = configWith({ dataDirectory, mesh, server, ...this.#options.config, ...options.config });
    const random = seededRandom(Math.floor(this.network.random.next() * 2 ** 32));
    const keys = { identity, fleet: this.fleet, admin: options.admin };
    const http = new UndiciHttpClient();
    const node = createNode(config, { clock, random, http, logger: log, mesh: { transport, keys } });
    const url = await this.settle(node.listen());
    const started = new NodeInMesh(name, url, dataDirectory, node, transport, log, clock);
    this.nodes.push(started);
    return started;
  }

  /** A key that makes its keeper an admin. */
  newAdmin(): Identity {
    return identityFromSeed(this.network.random.bytes(32));
  }

  /** Until each sees all others. */
  async meet(nodes = this.nodes): Promise<void> {
    await this.until(() => nodes.every((node) => node.sees(nodes)), 30_000, 'a whole mesh');
  }

  run(durationMs: number): Promise<void> {
    return this.clock.run(durationMs);
  }

  /** Returns the simulated milliseconds that it took. */
  async until(condition: () => boolean | Promise<boolean>, limitMs: number, what = 'the condition'): Promise<number> {
    const startedAt = this.clock.elapsed();
    const realAt = performance.now();
    for (;;) {
      if (await condition()) return this.clock.elapsed() - startedAt;
      const hasTime = this.clock.elapsed() - startedAt < limitMs;
      if (!hasTime && performance.now() - realAt > PATIENCE_MS) break;
      if (hasTime) await this.clock.run(20);
      // Threads and sockets work in real time, and a busy machine is slow.
      await new Promise((resolve) => setTimeout(resolve, hasTime ? 1 : 20));
    }
    const lines = this.nodes.flatMap(({ name, log }) =>
      log.lines.slice(-12).map(({ message, fields }) => `${name}: ${message} ${JSON.stringify(fields)}`),
    );
    assert.fail(`${what} does not hold after ${limitMs} ms:\n${lines.join('\n')}`);
  }

  /** Waits for something that itself waits for the virtual clock. */
  async settle<Result>(work: Promise<Result>): Promise<Result> {
    let isDone = false;
    const mark = (): void => {
      isDone = true;
    };
    work.then(mark, mark);
    await this.until(() => isDone, 60_000, 'the end of the work');
    return work;
  }

  async stop(node: NodeInMesh): Promise<void> {
    this.nodes.splice(this.nodes.indexOf(node), 1);
    await this.settle(node.node.stop());
  }

  async close(): Promise<void> {
    const directories = this.nodes.map(({ dataDirectory }) => dataDirectory);
    for (const node of [...this.nodes]) await this.stop(node);
    for (const directory of directories) rmSync(directory, { recursive: true, force: true });
  }
}

export class NodeInMesh {
  readonly name: string;
  readonly url: string;
  readonly dataDirectory: string;
  readonly node: FlowmeshNode;
  readonly transport: SimTransport;
  readonly log: LogRecorder;
  readonly clock: HostClock;

  constructor(
    name: string,
    url: string,
    dataDirectory: string,
    node: FlowmeshNode,
    transport: SimTransport,
    log: LogRecorder,
    clock: HostClock,
  ) {
    this.name = name;
    this.url = url;
    this.dataDirectory = dataDirectory;
    this.node = node;
    this.transport = transport;
    this.log = log;
    this.clock = clock;
  }

  get peer(): string {
    return this.transport.peer;
  }

  sees(nodes: readonly NodeInMesh[]): boolean {
    return nodes.every(({ peer }) => {
      const seen = this.node.mesh?.peer(peer);
      return peer === this.peer || (seen?.state === 'alive' && seen.isConnected);
    });
  }

  /** The status of a request with this key. */
  async statusFor(secret: string): Promise<number> {
    const response = await fetch(`${this.url}/v1/models`, { headers: { authorization: `Bearer ${secret}` } });
    await response.arrayBuffer();
    return response.status;
  }

  async admin(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ status: number; body: Record<string, unknown> }> {
    const response = await fetch(this.url + path, {
      method,
      headers: { authorization: `Bearer ${adminToken(this.dataDirectory)}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? {} : JSON.parse(text) };
  }

  /** As the command line does: on the same file, in another process. */
  beside<Result>(work: (keys: KeyStore, database: Database) => Result): Result {
    const database = openDatabase(databasePath(this), GATEWAY_MIGRATIONS);
    try {
      const random = seededRandom(Number(process.hrtime.bigint() % 1_000_000n));
      const recorder = recorderBeside({ database, clock: this.clock, random });
      return work(new KeyStore(database, this.clock, random, recorder), database);
    } finally {
      database.close();
    }
  }
}
