// Budgets of a mesh that is cut and healed: how much all nodes together can spend.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { GatewayError } from '../../src/errors.ts';
import { Escrow, type MeshSight, SETTLED_AFTER_MS } from '../../src/tenancy/escrow.ts';
import { type Amounts, Limiter, type LimitReservation, type Spent } from '../../src/tenancy/limiter.ts';
import type { LimitSpec } from '../../src/tenancy/principal.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { seededRandom } from '../support/seeded-random.ts';

/** 2027-01-15, 08:00 UTC. */
const START = 1_800_000_000_000;
const DAY_MS = 86_400_000;
/** What is spent comes to others within this, while they are connected. */
const LAG_MS = 8_000;
/** A cut is noticed within this. */
const NOTICE_MS = 6_000;

interface Entry extends Amounts {
  readonly at: number;
}

/** Nodes of one mesh, without their machinery: who has spent what, who knows of it, who sees whom. */
class BudgetMesh {
  readonly clock = new ManualClock(START);
  readonly nodes: BudgetNode[];
  /** By node: nodes with the same number reach each other. */
  islands: readonly number[];

  constructor(count: number, spec: LimitSpec) {
    this.islands = Array.from({ length: count }, () => 0);
    this.nodes = this.islands.map((_, index) => new BudgetNode(this, index, spec));
    // Long since together.
    this.pass(2 * SETTLED_AFTER_MS);
  }

  areConnected(one: number, other: number): boolean {
    return this.islands[one] === this.islands[other];
  }

  cut(islands: readonly number[]): void {
    this.islands = islands;
  }

  heal(): void {
    this.islands = this.islands.map(() => 0);
  }

  /** @param lagMs how old is what connected nodes tell each other by now */
  pass(durationMs: number, lagMs = LAG_MS): void {
    for (let passed = 0; passed < durationMs; passed += 500) {
      this.clock.advance(500);
      for (const to of this.nodes) to.hear(lagMs);
    }
  }

  get spent(): number {
    return this.nodes.reduce((sum, { entries }) => sum + entries.reduce((total, { tokens }) => total + tokens, 0), 0);
  }
}

class BudgetNode {
  readonly #mesh: BudgetMesh;
  readonly #index: number;
  readonly #spec: LimitSpec;
  entries: Entry[] = [];
  /** By node: how many of its entries are known here. */
  readonly #known: number[] = [];
  #seen: MeshSight;
  #unseenSince: number | undefined;
  #knownUntil = 0;
  #escrow!: Escrow;
  #limiter!: Limiter;

  constructor(mesh: BudgetMesh, index: number, spec: LimitSpec) {
    this.#mesh = mesh;
    this.#index = index;
    this.#spec = spec;
    this.#seen = { members: mesh.islands.length, isWhole: true };
    this.restart();
  }

  restart(): void {
    const { clock } = this.#mesh;
    this.#escrow?.stop();
    this.#escrow = new Escrow({
      clock,
      sight: () => this.#seen,
      spending: {
        ownSpent: () => this.#sum(this.entries),
        ownSpentSince: (_scope, sinceMs) => this.#sum(this.entries.filter(({ at }) => at >= sinceMs)),
        othersSpent: () =>
          this.#sum(this.#mesh.nodes.flatMap((node, at) => node.entries.slice(0, this.#known[at] ?? 0))),
        knownUntil: this.#knownUntil,
        keepKnownUntil: (atMs) => {
          this.#knownUntil = atMs;
        },
      },
    });
    this.#limiter = new Limiter(clock, () => assert.fail('budgets of a mesh are its own business'), this.#escrow);
    this.#escrow.start();
  }

  hear(lagMs: number): void {
    const { clock, nodes, islands } = this.#mesh;
    for (const [from, { entries }] of nodes.entries()) {
      if (from === this.#index || !this.#mesh.areConnected(from, this.#index)) continue;
      const heard = entries.filter(({ at }) => at <= clock.now() - lagMs).length;
      if (heard <= (this.#known[from] ?? 0)) continue;
      this.#known[from] = heard;
      this.#escrow.noteUsage();
    }
    const isWhole = islands.every((_, other) => this.#mesh.areConnected(other, this.#index));
    this.#unseenSince = isWhole ? undefined : (this.#unseenSince ?? clock.now());
    const isNoticed = this.#unseenSince !== undefined && clock.now() - this.#unseenSince >= NOTICE_MS;
    this.#seen = { members: islands.length, isWhole: isWhole || !isNoticed };
  }

  /** Reserves; undefined when it is refused. */
  reserve(tokens: number): LimitReservation | undefined {
    try {
      return this.#limiter.reserve([{ scope: 'tenant:t', spec: this.#spec }], 'm', { tokens, cost: tokens / 100 });
    } catch (error) {
      assert.ok(error instanceof GatewayError);
      return undefined;
    }
  }

  refusal(tokens: number): GatewayError {
    try {
      this.#limiter.reserve([{ scope: 'tenant:t', spec: this.#spec }], 'm', { tokens, cost: tokens / 100 });
    } catch (error) {
      assert.ok(error instanceof GatewayError);
      return error;
    }
    return assert.fail('it was admitted');
  }

  settle(reservation: LimitReservation, tokens: number): void {
    reservation.settle({ tokens, cost: tokens / 100 });
    this.entries.push({ at: this.#mesh.clock.now(), tokens, cost: tokens / 100 });
  }

  /** Asks until it is refused; returns what was spent. */
  spendAll(tokens = 1): number {
    let spent = 0;
    for (let held = this.reserve(tokens); held; held = this.reserve(tokens)) {
      this.settle(held, tokens);
      spent += tokens;
    }
    return spent;
  }

  #sum(entries: readonly Entry[]): Spent {
    const { clock } = this.#mesh;
    const since = (startMs: number): Amounts => {
      const within = entries.filter(({ at }) => at >= startMs);
      return {
        tokens: within.reduce((sum, { tokens }) => sum + tokens, 0),
        cost: within.reduce((sum, { cost }) => sum + cost, 0),
      };
    };
    const dayStart = Math.floor(clock.now() / DAY_MS) * DAY_MS;
    return { day: since(dayStart), month: since(Date.UTC(2027, 0, 1)) };
  }
}

describe('a budget of a mesh', () => {
  test('is spent once, by whichever nodes are asked, when all know of each other', () => {
    const mesh = new BudgetMesh(3, { tokensPerDay: 90 });
    const [first, second] = mesh.nodes as [BudgetNode, BudgetNode, BudgetNode];
    assert.equal(first.spendAll(), 30, 'its share, as others do not know yet');
    assert.match(first.refusal(1).message, /is held by running requests, or by other nodes/);
    mesh.pass(20_000);
    assert.equal(first.spendAll(), 20, 'a third of what is left');
    mesh.pass(600_000);
    assert.equal(second.spendAll(), 14, 'a third, and one request while anything of it is left');
    for (let round = 0; round < 20; round += 1) {
      for (const node of mesh.nodes) node.spendAll();
      mesh.pass(20_000);
    }
    assert.ok(mesh.spent >= 90 && mesh.spent <= 93, `${mesh.spent}`);
  });

  test('is used up for all when one has spent it: 402 until the next day', () => {
    const mesh = new BudgetMesh(2, { tokensPerDay: 10 });
    const [first, second] = mesh.nodes as [BudgetNode, BudgetNode];
    const held = first.reserve(2);
    assert.ok(held);
    first.settle(held, 10);
    mesh.pass(20_000);
    const error = second.refusal(1);
    assert.deepEqual([error.code, error.status], ['budget_exhausted', 402]);
    assert.equal(error.message, 'The budget of 10 tokens a day of tenant:t is used up.');
    mesh.pass(16 * 3_600_000);
    assert.equal(second.spendAll(), 5, 'a new day');
  });

  test('each side of a cut spends its nodes’ shares of what was left, and says so', () => {
    const mesh = new BudgetMesh(3, { costPerMonth: 0.9 });
    const [first, second, third] = mesh.nodes as [BudgetNode, BudgetNode, BudgetNode];
    for (const node of mesh.nodes) node.reserve(1)?.settle({ tokens: 0, cost: 0 });
    mesh.cut([0, 0, 1]);
    mesh.pass(7_000);
    assert.equal(third.spendAll(), 30);
    assert.equal(first.spendAll(), 30);
    mesh.pass(3_600_000);
    assert.equal(second.spendAll(), 30, 'what the first has spent does not shrink the share of the second');
    const error = first.refusal(1);
    assert.deepEqual([error.code, error.retryAfterMs], ['budget_exhausted', 60_000]);
    assert.match(error.message, /^This node's share of the budget of \$0\.9 a month of tenant:t is used up until/);
    mesh.heal();
    mesh.pass(60_000);
    assert.equal(first.refusal(1).message, 'The budget of $0.9 a month of tenant:t is used up.');
  });

  test('a restart earns a node that is cut off no new share', () => {
    const mesh = new BudgetMesh(2, { tokensPerDay: 100 });
    const [, second] = mesh.nodes as [BudgetNode, BudgetNode];
    assert.equal(second.spendAll(), 50);
    mesh.pass(60_000);
    mesh.cut([0, 1]);
    mesh.pass(60_000);
    assert.equal(second.spendAll(), 25);
    second.restart();
    mesh.pass(60_000);
    assert.equal(second.spendAll(), 0);
  });

  test('a node alone, with nobody else in its mesh, spends all of it', () => {
    const mesh = new BudgetMesh(1, { tokensPerDay: 100 });
    assert.equal(mesh.nodes[0]?.spendAll(), 100);
  });

  test('what another node answers counts in its budget, not twice', () => {
    const mesh = new BudgetMesh(2, { tokensPerDay: 100, tokensPerMinute: 60 });
    const [first] = mesh.nodes as [BudgetNode, BudgetNode];
    const forwarded = first.reserve(40);
    forwarded?.settle({ tokens: 40, cost: 0 }, true);
    const next = first.reserve(20);
    assert.equal(next?.status.remainingTokens, 0, 'of this minute they are used');
    next?.settle({ tokens: 0, cost: 0 });
    mesh.pass(61_000);
    assert.equal(first.spendAll(), 50);
  });

  test('whatever is asked, cut, healed and restarted, all together spend no more than it, and one request a node', () => {
    for (let seed = 1; seed <= 150; seed += 1) {
      const { spent, budget, requestMax, nodes } = liveThrough(seed);
      assert.ok(spent <= budget + nodes * requestMax, `seed ${seed}: ${spent} of ${budget}, ${nodes} nodes`);
    }
  });
});

/** One day of a mesh with a budget; estimates are right. */
function liveThrough(seed: number) {
  const random = seededRandom(seed);
  const upTo = (max: number): number => Math.floor(random.next() * max);
  const nodes = 2 + upTo(4);
  const budget = 500 + upTo(1_000);
  const requestMax = 20;
  const mesh = new BudgetMesh(nodes, { tokensPerDay: budget });
  const running: { readonly node: BudgetNode; readonly held: LimitReservation; readonly tokens: number }[] = [];
  const settleOne = (): void => {
    const [one] = running.splice(upTo(running.length), 1);
    one?.node.settle(one.held, one.tokens);
  };
  for (let step = 0; step < 120; step += 1) {
    const roll = random.next();
    if (roll < 0.08) mesh.cut(mesh.islands.map(() => upTo(2)));
    else if (roll < 0.16) mesh.heal();
    else if (roll < 0.2) {
      while (running.length > 0) settleOne();
      mesh.nodes[upTo(nodes)]?.restart();
    }
    for (let asked = upTo(20); asked > 0; asked -= 1) {
      const node = mesh.nodes[upTo(nodes)];
      const tokens = 1 + upTo(requestMax);
      const held = node?.reserve(tokens);
      if (node && held) running.push({ node, held, tokens });
      if (random.next() < 0.7) settleOne();
    }
    mesh.pass(500 * (1 + upTo(40)), upTo(LAG_MS));
  }
  while (running.length > 0) settleOne();
  return { spent: mesh.spent, budget, requestMax, nodes };
}
