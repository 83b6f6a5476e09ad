import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Logger } from '../../src/ports.ts';
import { type Network, Replicator, type ReplicatorOptions } from '../../src/replication/replicator.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { openNode, type TestNode } from './support/node.ts';

interface Station {
  readonly name: string;
  readonly node: TestNode;
  readonly replicator: Replicator;
  readonly logged: string[];
}

/** Stations on one wire, with real signatures. */
class Wire {
  readonly clock = new ManualClock();
  readonly stations = new Map<string, Station>();
  readonly handlers = new Map<string, (from: string, message: Uint8Array) => void>();
  readonly keys = new Map<string, { publicKey: KeyObject; privateKey: KeyObject }>();
  readonly cut = new Set<string>();
  readonly broadcasts: number[] = [];
  requests = 0;
  tamper: (reply: Uint8Array) => Uint8Array = (reply) => reply;

  add(name: string, options: ReplicatorOptions = {}): Station {
    const node = openNode({ origin: name, now: () => this.clock.now() });
    const keys = generateKeyPairSync('ed25519');
    this.keys.set(name, keys);
    const logged: string[] = [];
    const note = (_fields: object, message: string): void => void logged.push(message);
    const logger: Logger = { debug: () => undefined, info: note, warn: note, error: note };
    const replicator = new Replicator(
      {
        ...node,
        network: this.#networkOf(name),
        clock: this.clock,
        random: seededRandom(this.stations.size + 7),
        logger,
        sign: async (message) => sign(null, message, keys.privateKey),
        verify: async (origin, message, signature) => {
          const key = this.keys.get(origin)?.publicKey;
          return key !== undefined && verify(null, message, key, signature);
        },
      },
      options,
    );
    const station = { name, node, replicator, logged };
    this.stations.set(name, station);
    replicator.start();
    return station;
  }

  /** Lets time pass in small steps, and everything happen that is due. */
  async pass(durationMs: number): Promise<void> {
    for (let passed = 0; passed < durationMs; passed += 50) {
      this.clock.advance(50);
      for (let round = 0; round < 12; round += 1) await turn();
    }
  }

  close(): void {
    for (const { node, replicator } of this.stations.values()) {
      replicator.stop();
      node.database.close();
    }
  }

  #networkOf(name: string): Network {
    const others = (): string[] =>
      [...this.stations.keys()].filter((other) => other !== name && !this.cut.has(other) && !this.cut.has(name));
    return {
      request: async (peer, path, body) => {
        const station = this.stations.get(peer);
        if (!station || !others().includes(peer)) throw new Error('no connection');
        assert.equal(path, '/replication/test');
        this.requests += 1;
        return this.tamper(await station.replicator.serve(body));
      },
      broadcast: async (_topic, message) => {
        this.broadcasts.push(message.length);
        for (const other of others()) this.handlers.get(other)?.(name, message);
      },
      onBroadcast: (_topic, handler) => void this.handlers.set(name, handler),
      connected: others,
      members: () => [...this.stations.keys()].filter((other) => other !== name),
    };
  }
}

test('a write is on all nodes after the push delay, in one broadcast for a burst', async () => {
  const wire = new Wire();
  const [a, b, c] = ['a', 'b', 'c'].map((name) => wire.add(name));
  assert.ok(a && b && c);
  for (let index = 0; index < 20; index += 1) a.node.put(`k${index}`, index);
  await wire.pass(100);
  assert.equal(Object.keys(b.node.rows()).length, 20);
  assert.deepEqual(c.node.rows(), a.node.rows());
  assert.equal(wire.broadcasts.length, 1);
  assert.equal(wire.requests, 0);
  wire.close();
});

test('more than a push may carry is announced and fetched', async () => {
  const wire = new Wire();
  const [a, b] = ['a', 'b'].map((name) => wire.add(name));
  assert.ok(a && b);
  for (let index = 0; index < 100; index += 1) a.node.put(`k${index}`, 'x'.repeat(1_000));
  await wire.pass(1_000);
  assert.deepEqual(b.node.rows(), a.node.rows());
  assert.equal(wire.broadcasts.length, 1);
  assert.ok((wire.broadcasts[0] ?? 0) < 200);
  assert.ok(wire.requests >= 3);
  wire.close();
});

test('a node that was cut off catches up when it connects, and by a round when nobody tells it', async () => {
  const wire = new Wire();
  const [a, b] = ['a', 'b'].map((name) => wire.add(name));
  assert.ok(a && b);
  wire.cut.add('b');
  a.node.put('x', 1);
  b.node.put('y', 2);
  await wire.pass(1_000);
  assert.deepEqual([a.node.rows(), b.node.rows()], [{ x: 1 }, { y: 2 }]);
  wire.cut.clear();
  b.replicator.onConnect('a');
  await wire.pass(50);
  assert.deepEqual(b.node.rows(), { x: 1, y: 2 });
  assert.deepEqual(a.node.rows(), { x: 1 });
  await wire.pass(30_000);
  assert.deepEqual(a.node.rows(), { x: 1, y: 2 });
  wire.close();
});

test('who is no member any more is not remembered, neither in memory nor in the file', async () => {
  const wire = new Wire();
  const [a] = ['a', 'b', 'c'].map((name) => wire.add(name));
  assert.ok(a);
  const inFile = () => a.node.database.prepare<[], string>('SELECT peer FROM replication_peer').pluck().all();
  a.node.put('x', 1);
  await wire.pass(100);
  // The second time is remembered, and not written.
  for (const peer of ['b', 'c', 'b', 'c']) await a.replicator.pull(peer);
  a.replicator.collect();
  assert.deepEqual(inFile(), ['b', 'c']);
  const { peers } = a.node.log;
  assert.deepEqual(peers.of('b')?.known, a.node.log.vector());
  wire.stations.get('b')?.replicator.stop();
  wire.stations.delete('b');
  a.replicator.collect();
  assert.deepEqual(inFile(), ['c']);
  assert.equal(peers.of('b'), undefined);
  assert.deepEqual(peers.of('c')?.known, a.node.log.vector());
  // It is one again: its silence begins now.
  wire.add('b').replicator.stop();
  a.replicator.collect();
  assert.equal(peers.of('b')?.known.isEmpty, true);
  wire.close();
});

test('a change whose signature is wrong is not taken, and its sender is flagged', async () => {
  const wire = new Wire();
  const [a, b] = ['a', 'b'].map((name) => wire.add(name));
  assert.ok(a && b);
  wire.cut.add('b');
  a.node.put('x', 'honest');
  await wire.pass(100);
  wire.cut.clear();
  wire.tamper = (reply) => Buffer.from(Buffer.from(reply).toString().replaceAll('honest', 'forged'));
  await b.replicator.pull('a');
  assert.deepEqual(b.node.rows(), {});
  assert.deepEqual(
    b.node.log.flags.list().map(({ name, subject }) => [name, subject]),
    [['forged', 'a']],
  );
  wire.tamper = (reply) => reply;
  await b.replicator.pull('a');
  assert.deepEqual(b.node.rows(), { x: 'honest' });
  wire.close();
});

test('bulk waits while it may not page, and tells how far behind it is', async () => {
  const wire = new Wire();
  let mayPage = true;
  const a = wire.add('a');
  const b = wire.add('b', { mayPage: () => mayPage });
  wire.cut.add('b');
  for (let index = 0; index < 300; index += 1) a.node.put(`k${index}`, 'x'.repeat(1_000));
  await wire.pass(100);
  wire.cut.clear();
  mayPage = false;
  b.replicator.onConnect('a');
  await wire.pass(500);
  assert.deepEqual(b.node.rows(), {});
  assert.equal(b.replicator.progress().behind, 300);
  mayPage = true;
  await wire.pass(500);
  assert.deepEqual(b.node.rows(), a.node.rows());
  assert.deepEqual(b.replicator.progress(), { behind: 0, leftBytes: 0, etaMs: undefined });
  wire.close();
});

test('bulk keeps to its bytes a second', async () => {
  const wire = new Wire();
  const a = wire.add('a');
  const b = wire.add('b', { bulkBytesPerSecond: 100_000 });
  wire.cut.add('b');
  for (let index = 0; index < 300; index += 1) a.node.put(`k${index}`, 'x'.repeat(1_000));
  await wire.pass(100);
  wire.cut.clear();
  b.replicator.onConnect('a');
  await wire.pass(1_000);
  const early = Object.keys(b.node.rows()).length;
  assert.ok(early > 50 && early < 250, `${early} rows after a second`);
  await wire.pass(5_000);
  assert.deepEqual(b.node.rows(), a.node.rows());
  wire.close();
});

test('a request that is none is refused with a typed error', async () => {
  const wire = new Wire();
  const a = wire.add('a');
  await assert.rejects(a.replicator.serve(Buffer.from('{"type":"nonsense"}')), { code: 'bad_request' });
  await assert.rejects(a.replicator.serve(Buffer.from([255, 0])), { code: 'bad_request' });
  wire.close();
});

test('every ten minutes rows are compared, and a difference is logged as an error', async () => {
  const wire = new Wire();
  const [a, b] = ['a', 'b'].map((name) => wire.add(name));
  assert.ok(a && b);
  a.node.put('x', 1);
  await wire.pass(100);
  b.node.database.exec('DELETE FROM replication_change; DELETE FROM register');
  await b.replicator.audit('a');
  assert.deepEqual(b.node.rows(), { x: 1 });
  assert.deepEqual(b.logged, ['replication: rows differed and were healed']);
  wire.close();
});

test('after an eviction rows come back although a write ends every comparison after its first part', async () => {
  const wire = new Wire();
  const [a, b] = ['a', 'b'].map((name) => wire.add(name));
  assert.ok(a && b);
  for (let index = 0; index < 9_000; index += 1) a.node.put(`k${String(index).padStart(4, '0')}`, index);
  await wire.pass(3_000);
  assert.equal(Object.keys(b.node.rows()).length, 9_000);
  b.node.database.exec("DELETE FROM replication_change WHERE key = 'k8999'; DELETE FROM register WHERE key = 'k8999'");
  let audits = 0;
  wire.tamper = (reply) => {
    // Of two comparisons one gets a part further, and none gets two.
    if (JSON.parse(Buffer.from(reply).toString()).type === 'audit' && ++audits % 2 === 0) b.node.put('own', audits);
    return reply;
  };
  b.replicator.auditAround();
  await wire.pass(20_000);
  assert.equal(b.node.rows().k8999, 8_999);
  wire.close();
});
