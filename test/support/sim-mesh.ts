// A mesh of simulated nodes: the real Mesh of each over one network in memory and one virtual clock.

import assert from 'node:assert/strict';
import { HostClock } from '../../mesh-sim/sim/host-clock.ts';
import { SimNetwork } from '../../mesh-sim/sim/sim-network.ts';
import { SimTransport } from '../../mesh-sim/sim/sim-transport.ts';
import type { MeshKeys } from '../../src/mesh/certifier.ts';
import { type Identity, identityFromSeed } from '../../src/mesh/identity.ts';
import type { LocalStatus } from '../../src/mesh/local-status.ts';
import { Mesh } from '../../src/mesh/mesh.ts';
import { meshIdOf } from '../../src/mesh/mesh-keys.ts';
import { MeshStore } from '../../src/mesh/mesh-store.ts';
import { MESH_MIGRATIONS } from '../../src/mesh/migrations.ts';
import { FLEET_CAPABILITIES, type MeshCapability } from '../../src/model/mesh-capability.ts';
import type { LogFields, Logger, Random } from '../../src/ports.ts';
import { type Database, openDatabase } from '../../src/storage/database.ts';
import { ManualClock } from './manual-clock.ts';
import { seededRandom } from './seeded-random.ts';

export interface SimMeshOptions {
  readonly seed?: number;
  readonly delayMs?: { readonly min: number; readonly max: number };
  readonly lossRate?: number;
  readonly duplicationRate?: number;
}

export interface SimNodeOptions {
  readonly name?: string;
  readonly fleet?: Identity | undefined;
  readonly admin?: Identity | undefined;
  readonly adminKey?: string;
  readonly bootstrap?: readonly string[];
  readonly capabilities?: readonly MeshCapability[];
  readonly skewMs?: number;
  readonly isDiscovered?: boolean;
  /** What an earlier life of the node has left. */
  readonly identity?: Identity;
  readonly database?: Database;
}

export interface LogLine extends LogFields {
  readonly level: string;
  readonly message: string;
}

/** A simulated node; `status` may be changed by tests. */
export interface SimNode {
  readonly name: string;
  readonly options: SimNodeOptions;
  readonly identity: Identity;
  readonly clock: HostClock;
  readonly transport: SimTransport;
  readonly mesh: Mesh;
  readonly database: Database;
  readonly log: LogLine[];
  status: LocalStatus;
}

export class SimMesh {
  readonly clock = new ManualClock();
  readonly random: Random;
  readonly network: SimNetwork<SimTransport>;
  readonly nodes: SimNode[] = [];

  constructor({ seed = 1, ...network }: SimMeshOptions = {}) {
    this.random = seededRandom(seed);
    this.network = new SimNetwork({ clock: this.clock, random: this.random, ...network });
  }

  newKey(): Identity {
    return identityFromSeed(this.random.bytes(32));
  }

  addNode(options: SimNodeOptions = {}): SimNode {
    const name = options.name ?? `node-${this.nodes.length + 1}`;
    const identity = options.identity ?? this.newKey();
    const clock = new HostClock(this.clock, options.skewMs);
    const database = options.database ?? openDatabase(':memory:', MESH_MIGRATIONS);
    const log: LogLine[] = [];
    const keys: MeshKeys = { identity, fleet: options.fleet, admin: options.admin };
    const { isDiscovered = true, bootstrap = [], capabilities = FLEET_CAPABILITIES, adminKey } = options;
    const transport = new SimTransport({
      network: this.network,
      identity,
      clock,
      isDiscovered,
      meshTag: () => mesh.meshTag(),
    });
    const mesh: Mesh = new Mesh({
      transport,
      clock,
      random: seededRandom(Math.floor(this.random.next() * 2 ** 32)),
      logger: recorder(log),
      database,
      keys,
      settings: { name, capabilities, bootstrap, adminKey },
      local: () => node.status,
    });
    const node: SimNode = { name, options, identity, clock, transport, mesh, database, log, status: idle([]) };
    this.nodes.push(node);
    return node;
  }

  /** Nodes that share a secret, started at once. */
  async startFleet(count: number, options: SimNodeOptions = {}): Promise<readonly SimNode[]> {
    const fleet = this.newKey();
    const nodes = Array.from({ length: count }, () => this.addNode({ ...options, fleet }));
    await Promise.all(nodes.map(({ mesh }) => mesh.start()));
    return nodes;
  }

  /** A node that was told to found a mesh with an admin key, as `flowmesh mesh init` does. */
  addFounder(options: SimNodeOptions = {}): SimNode {
    const admin = this.newKey();
    const node = this.addNode({ ...options, admin });
    new MeshStore(node.database).setRoots({ meshId: meshIdOf(admin.peer), admin: admin.peer });
    return node;
  }

  /** The same node again, with what it had remembered, after its process has ended. */
  restart(node: SimNode): SimNode {
    this.nodes.splice(this.nodes.indexOf(node), 1);
    return this.addNode({ ...node.options, name: node.name, identity: node.identity, database: node.database });
  }

  run(durationMs: number): Promise<void> {
    return this.clock.run(durationMs);
  }

  /** Runs until the condition holds; fails when it does not within `limitMs`. Returns the milliseconds it took. */
  async runUntil(condition: () => boolean, limitMs: number, what = 'the condition'): Promise<number> {
    const startedAt = this.clock.elapsed();
    while (!condition()) {
      const waitedMs = this.clock.elapsed() - startedAt;
      if (waitedMs >= limitMs) assert.fail(`${what} does not hold after ${waitedMs} ms:\n${this.describe()}`);
      await this.clock.run(50);
    }
    return this.clock.elapsed() - startedAt;
  }

  /** Waits for something that itself waits for the virtual clock. */
  async settle<Result>(work: Promise<Result>, limitMs = 30_000): Promise<Result> {
    let isDone = false;
    const mark = (): void => {
      isDone = true;
    };
    work.then(mark, mark);
    await this.runUntil(() => isDone, limitMs, 'the end of the work');
    return work;
  }

  /** Each of these nodes sees each other one alive and connected. */
  isWhole(nodes: readonly SimNode[] = this.nodes): boolean {
    return nodes.every((node) => nodes.every((other) => other === node || sees(node, other) === 'alive'));
  }

  /** What everybody believes of everybody, for failures. */
  describe(): string {
    return this.nodes
      .map((node) => {
        const beliefs = this.nodes.map((other) => (other === node ? '-' : sees(node, other)));
        const connections = node.transport.connections().length;
        return `${node.name} (${connections} connections): ${beliefs.join(' ')}`;
      })
      .join('\n');
  }
}

/** What one node believes of another; a peer without connection is told apart. */
export function sees(node: SimNode, other: SimNode): string {
  const peer = node.mesh.peer(other.transport.peer);
  if (!peer) return 'nobody';
  return peer.state === 'alive' && !peer.isConnected ? 'heard' : peer.state;
}

/** Log lines of changes to a state. */
export function changesTo(node: SimNode, state: string): readonly LogLine[] {
  return node.log.filter((line) => line.to === state && line.from !== undefined);
}

export function idle(models: readonly string[]): LocalStatus {
  return { state: 'up', inFlight: 0, queued: 0, capacity: 8, models: models.map((model) => ({ model })) };
}

function recorder(log: LogLine[]): Logger {
  const at = (level: string) => (fields: LogFields, message: string) => void log.push({ ...fields, level, message });
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
