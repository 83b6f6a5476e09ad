// Limits a minute of a mesh that is cut and healed: how much all nodes together admit.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { GatewayError } from '../../src/errors.ts';
import type { MeshSight } from '../../src/tenancy/escrow.ts';
import { Limiter, LimitReached, type LimitReservation } from '../../src/tenancy/limiter.ts';
import type { LimitSpec } from '../../src/tenancy/principal.ts';
import { RateShares } from '../../src/tenancy/rate-shares.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { seededRandom } from '../support/seeded-random.ts';

const START = 1_800_000_000_000;
const MINUTE_MS = 60_000;
const ASK_MS = 400;
const NOTHING = { day: { tokens: 0, cost: 0 }, month: { tokens: 0, cost: 0 } };

interface MeshOptions {
  readonly seed?: number;
  /** Of messages between nodes; longer than 400 ms is no answer, but may still be heard. */
  readonly delayMs?: () => number;
  readonly lossRate?: number;
}

/** Nodes of one mesh, without their machinery. */
class RateMesh {
  readonly clock = new ManualClock(START);
  readonly random;
  readonly nodes: RateNode[];
  readonly options: MeshOptions;
  /** By node: nodes with the same number reach each other. */
  islands: number[];
  readonly admitted: { readonly at: number; readonly amount: number }[] = [];

  constructor(count: number, options: MeshOptions = {}) {
    this.options = options;
    this.random = seededRandom(options.seed ?? 1);
    this.islands = Array.from({ length: count }, () => 0);
    this.nodes = this.islands.map((_, index) => new RateNode(this, index));
  }

  sees(one: number, other: number): boolean {
    return this.islands[one] === this.islands[other];
  }

  /** The most that was admitted in any sixty seconds. */
  get busiestMinute(): number {
    let [most, sum, first] = [0, 0, 0];
    for (const { at, amount } of this.admitted) {
      sum += amount;
      for (; at - (this.admitted[first]?.at ?? at) >= MINUTE_MS; first += 1) sum -= this.admitted[first]?.amount ?? 0;
      most = Math.max(most, sum);
    }
    return most;
  }
}

class RateNode {
  readonly #mesh: RateMesh;
  readonly #index: number;
  #rates!: RateShares;
  #limiter!: Limiter;
  asked = 0;

  constructor(mesh: RateMesh, index: number) {
    this.#mesh = mesh;
    this.#index = index;
    this.start();
  }

  /** Also again: what it knew is forgotten. */
  start(): void {
    this.#rates?.stop();
    const mesh = this.#mesh;
    const others = (): number[] => mesh.islands.map((_, other) => other).filter((other) => other !== this.#index);
    const sight = (): MeshSight => ({
      members: mesh.islands.length,
      isWhole: others().every((other) => mesh.sees(this.#index, other)),
    });
    this.#rates = new RateShares({
      clock: mesh.clock,
      random: mesh.random,
      sight,
      network: {
        lenders: () =>
          others()
            .filter((other) => mesh.sees(this.#index, other))
            .map(String),
        ask: (peer, body) => this.#ask(Number(peer), body),
      },
    });
    this.#rates.start();
    this.#limiter = new Limiter(mesh.clock, () => NOTHING, undefined, this.#rates);
  }

  /** Each way takes its time, may be lost, and messages overtake each other. */
  #ask(peer: number, body: Uint8Array): Promise<Uint8Array> {
    const mesh = this.#mesh;
    const { clock, options } = mesh;
    this.asked += 1;
    return new Promise((resolve, reject) => {
      const way = (then: () => void): void => {
        if (mesh.random.next() < (options.lossRate ?? 0)) return;
        clock.after(options.delayMs?.() ?? 1, () => mesh.sees(this.#index, peer) && then());
      };
      clock.after(ASK_MS, () => reject(new Error('no answer')));
      way(() => {
        const answer = mesh.nodes[peer]?.answer(String(this.#index), body);
        way(() => (answer ? resolve(answer) : reject(new Error('refused'))));
      });
    });
  }

  answer(from: string, body: Uint8Array): Uint8Array | undefined {
    return this.#rates.answer(from, body);
  }

  /** As the request path does: other nodes are asked when there is no room here. Undefined: it is refused. */
  async reserve(spec: LimitSpec, tokens = 0): Promise<LimitReservation | undefined> {
    const { clock, admitted } = this.#mesh;
    for (let tries = 1; ; tries += 1) {
      try {
        const reservation = this.#limiter.reserve([{ scope: 'key:k', spec }], 'm', { tokens, cost: 0 });
        admitted.push({ at: clock.elapsed(), amount: spec.requestsPerMinute === undefined ? tokens : 1 });
        return reservation;
      } catch (error) {
        assert.ok(error instanceof LimitReached);
        if (!error.borrow || tries === 3) return undefined;
        await error.borrow();
      }
    }
  }

  /** How many of so many that come at once are admitted. */
  async burst(count: number, spec: LimitSpec, tokens = 0): Promise<number> {
    const work = Promise.all(Array.from({ length: count }, () => this.reserve(spec, tokens)));
    await this.#mesh.clock.run(2_000);
    return (await work).filter((one) => one !== undefined).length;
  }

  refusal(spec: LimitSpec): GatewayError {
    try {
      this.#limiter.reserve([{ scope: 'key:k', spec }], 'm', { tokens: 0, cost: 0 });
    } catch (error) {
      assert.ok(error instanceof GatewayError);
      return error;
    }
    return assert.fail('it was admitted');
  }
}

type Three = [RateNode, RateNode, RateNode];
const SIXTY: LimitSpec = { requestsPerMinute: 60 };

describe('a limit a minute of a mesh', () => {
  test('holds for all nodes together, however its clients spread over them', async () => {
    const mesh = new RateMesh(3);
    const [a, b, c] = mesh.nodes as Three;
    const counts = [await a.burst(50, SIXTY), await b.burst(50, SIXTY), await c.burst(50, SIXTY)];
    assert.deepEqual(counts, [50, 4, 0], 'the first one keeps a tenth for its next requests');
    assert.ok(mesh.busiestMinute <= 60);
  });

  test('a client that talks to one node has all of it, at once', async () => {
    const mesh = new RateMesh(5);
    assert.equal(await mesh.nodes[0]?.burst(100, SIXTY), 60);
  });

  test('a client that talks to one node has all of it, minute after minute, without asking others each time', async () => {
    const mesh = new RateMesh(4);
    const [node] = mesh.nodes as Three;
    let admitted = 0;
    for (let second = 0; second < 600; second += 1) {
      admitted += Number((await Promise.all([node.reserve(SIXTY), mesh.clock.run(1_000)]))[0] !== undefined);
    }
    assert.equal(admitted, 600);
    assert.ok(node.asked < 240, `${node.asked} messages for 600 requests`);
  });

  test('what is no longer needed goes back, so that another node can have it', async () => {
    const mesh = new RateMesh(3);
    const [a, b] = mesh.nodes as Three;
    assert.equal(await a.burst(60, SIXTY), 60);
    await mesh.clock.run(70_000);
    assert.equal(await b.burst(60, SIXTY), 60);
  });

  test('two busy nodes end up with their shares', async () => {
    const mesh = new RateMesh(2);
    const [a, b] = mesh.nodes as Three;
    const counts = [0, 0];
    for (let second = 0; second < 600; second += 1) {
      const both = Promise.all([a, b].map((node) => Promise.all([node.reserve(SIXTY), node.reserve(SIXTY)])));
      await mesh.clock.run(1_000);
      for (const [index, admitted] of (await both).entries()) {
        if (second >= 300) counts[index] = (counts[index] ?? 0) + admitted.filter((one) => one !== undefined).length;
      }
    }
    assert.deepEqual(counts, [150, 150]);
    assert.equal(mesh.busiestMinute, 60);
  });

  test('an island keeps to the shares of its nodes, and says so', async () => {
    const mesh = new RateMesh(3);
    const [a, b, c] = mesh.nodes as Three;
    mesh.islands = [0, 0, 1];
    assert.deepEqual([await a.burst(60, SIXTY), await b.burst(60, SIXTY), await c.burst(60, SIXTY)], [40, 0, 20]);
    assert.equal(
      c.refusal(SIXTY).message,
      "This node's share of the limit of 60 requests a minute of key:k is reached.",
    );
  });

  test('of a limit smaller than the mesh a node cut off serves one request a minute', async () => {
    const mesh = new RateMesh(3);
    const spec = { requestsPerMinute: 2 };
    assert.equal(await (mesh.nodes as Three)[0].burst(5, spec), 2, 'together it is no more than the limit');
    await mesh.clock.run(120_000);
    mesh.islands = [0, 1, 2];
    for (const node of mesh.nodes) assert.equal(await node.burst(5, spec), 1);
  });

  test('tokens are shared as requests are; what was not used is there for others', async () => {
    const mesh = new RateMesh(4);
    const [a, b] = mesh.nodes as Three;
    const spec = { tokensPerMinute: 1_000 };
    const [large] = await Promise.all([a.reserve(spec, 800), mesh.clock.run(1_000)]);
    assert.ok(large, 'more than its share, less than the limit');
    assert.equal(await b.burst(1, spec, 300), 0);
    large.settle({ tokens: 100, cost: 0 });
    await mesh.clock.run(1_000);
    assert.equal(await a.burst(4, spec, 200), 4);
  });

  test('what needs more than the whole limit is served alone, as without a mesh', async () => {
    const mesh = new RateMesh(3);
    const [a] = mesh.nodes as Three;
    const [reservation] = await Promise.all([a.reserve({ tokensPerMinute: 90 }, 100), mesh.clock.run(1_000)]);
    assert.ok(reservation);
    assert.equal(await a.burst(1, { tokensPerMinute: 90 }, 10), 0);
  });

  test('a node whose limit is used up asks the mesh once a second, not with each request', async () => {
    const mesh = new RateMesh(5);
    const [a] = mesh.nodes as Three;
    await a.burst(60, SIXTY);
    const before = a.asked;
    for (let request = 0; request < 100; request += 1) {
      await Promise.all([a.reserve(SIXTY), mesh.clock.run(10)]);
    }
    assert.ok(a.asked - before <= 8, `${a.asked - before} messages`);
  });

  test('garbage from another member is no message', () => {
    const [node] = new RateMesh(2).nodes as Three;
    const answer = (message: unknown) => node.answer('1', Buffer.from(JSON.stringify(message)));
    assert.equal(answer([]), undefined);
    assert.equal(answer({ share: 'requests k', process: 'p', number: 1, wanted: -5, limit: 60 }), undefined);
    assert.equal(answer({ share: 'coins k', process: 'p', number: 1, wanted: 5, limit: 60 }), undefined);
  });

  test('whatever is asked, lost, late, cut and healed, no minute has more than the limit', async () => {
    for (let seed = 1; seed <= 60; seed += 1) {
      const { most, limit, restarts, nodes } = await liveThrough(seed);
      const bound = limit * (1 + restarts / nodes) + 1e-6;
      assert.ok(most <= bound, `seed ${seed}: ${most} of ${limit}, ${restarts} restarts of ${nodes} nodes`);
    }
  });
});

/** Ten minutes; a third of the seeds with restarts, each of which forgets one share. */
async function liveThrough(seed: number) {
  const random = seededRandom(seed);
  const upTo = (max: number): number => Math.floor(random.next() * max);
  const nodes = 2 + upTo(4);
  const limit = 20 + upTo(60);
  const isOfTokens = seed % 2 === 0;
  const spec: LimitSpec = isOfTokens ? { tokensPerMinute: limit * 10 } : { requestsPerMinute: limit };
  const mesh = new RateMesh(nodes, { seed, delayMs: () => random.next() ** 4 * 2_000, lossRate: 0.05 });
  let restarts = 0;
  const work: Promise<unknown>[] = [];
  for (let step = 0; step < 300; step += 1) {
    const roll = random.next();
    if (roll < 0.03) mesh.islands = mesh.islands.map(() => upTo(2));
    else if (roll < 0.08) mesh.islands = mesh.islands.map(() => 0);
    else if (roll < 0.085 && seed % 3 === 0) {
      mesh.nodes[upTo(nodes)]?.start();
      restarts += 1;
    }
    const favourite = Math.floor(step / 60) % nodes;
    for (let count = upTo(limit / 8); count > 0; count -= 1) {
      const node = mesh.nodes[random.next() < 0.7 ? favourite : upTo(nodes)];
      // At most a tenth of a node's share, so that nothing is served for being alone.
      if (node) work.push(node.reserve(spec, isOfTokens ? 1 + upTo(10) : 0));
    }
    await mesh.clock.run(random.next() * 4_000);
  }
  await mesh.clock.run(5_000);
  await Promise.all(work);
  return { most: mesh.busiestMinute, limit: isOfTokens ? limit * 10 : limit, restarts, nodes };
}
