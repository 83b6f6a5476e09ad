// Draws schedules: from a seed alone, or from a topology whose faults are given and whose clients are drawn. Each seed
// has some kinds of trouble and not others, so that rare combinations get their turn.

import type { Random } from '../../src/ports.ts';
import { type LinkQuality, nodesOf, type Topology, type UpstreamMood } from '../topologies.ts';
import type { Operation, Schedule, TimedOperation } from './schedule.ts';
import { seededRandom } from './seeded-random.ts';

export interface DrawOptions {
  readonly nodes: number;
  readonly operations: number;
}

const LINKS: readonly LinkQuality[] = [
  { delayMs: 0.3, jitterMs: 0.4, lossRate: 0 },
  { delayMs: 1, jitterMs: 40, lossRate: 0, duplicationRate: 0.05 },
  { delayMs: 3, jitterMs: 12, lossRate: 0.02, duplicationRate: 0.01 },
  { delayMs: 60, jitterMs: 20, lossRate: 0 },
];
const MOODS: readonly UpstreamMood[] = ['slow', 'stall', 'refuse', 'rate-limit', 'cut'];
const TENANTS = ['acme', 'bolt', 'core'];
/** At most; worlds in which little happens are shorter. */
const DURATION_MAX_MS = 30_000;
const DURATION_MIN_MS = 8_000;
const OPERATION_MS = 150;
const SETTLE_MS = 22_000;
/** Of all operations, clients' requests. */
const ASK_SHARE = 0.65;
/** Of the others, documents that are written or deleted. */
const WRITE_SHARE = 0.35;
/** Few, so that machines change the same ones at the same time. */
const DOCUMENTS = 6;
/** Of requests, those to which a kept answer will do. */
const QUESTION_SHARE = 0.15;
/** Few, so that a kept answer is asked for. */
const QUESTIONS = 5;
/** Requests a minute: few, so that clients reach it. */
const LIMIT_MAX = 10;
/** Of worlds, the ones whose nodes have never met before. */
const COLD_SHARE = 0.1;
/** Long enough for the nodes to meet, or to hear of each other again. */
const COLD_START_MS = 6_000;

/** What a seed may have in store, each with its weight. */
const TROUBLE: readonly { readonly draw: Drawer; readonly weight: number }[] = [
  { weight: 3, draw: (dice) => ({ kind: 'crash', nodes: [dice.machine()] }) },
  { weight: 1, draw: (dice) => ({ kind: 'power-off', nodes: [dice.machine()] }) },
  { weight: 2, draw: (dice) => ({ kind: 'stop', nodes: [dice.machine()] }) },
  { weight: 3, draw: (dice) => ({ kind: 'pause', nodes: [dice.machine()] }) },
  { weight: 2, draw: (dice) => ({ kind: 'partition', groups: dice.groups() }) },
  { weight: 2, draw: (dice) => ({ kind: 'cut', from: [dice.machine()], to: [dice.machine()] }) },
  { weight: 2, draw: (dice) => ({ kind: 'cut', from: [dice.machine()], to: [dice.machine()], isOneWay: true }) },
  { weight: 3, draw: (dice) => ({ kind: 'upstream', nodes: [dice.machine()], mood: dice.one(MOODS) }) },
  { weight: 1, draw: (dice) => ({ kind: 'clock', nodes: [dice.machine()], offsetMs: dice.clockOffset() }) },
  { weight: 1, draw: (dice) => ({ kind: 'restore', machine: dice.machine() }) },
  { weight: 1.5, draw: (dice) => ({ kind: 'disk-full', nodes: [dice.machine()], isFull: true }) },
  { weight: 0.5, draw: (dice) => ({ kind: 'evict', by: 0, node: dice.machine(1) }) },
];

/** What puts things right again: more of it, or nothing would ever work. */
const RELIEF: readonly Drawer[] = [
  () => ({ kind: 'heal' }),
  () => ({ kind: 'boot', nodes: 'all' }),
  () => ({ kind: 'resume', nodes: 'all' }),
  () => ({ kind: 'disk-full', nodes: 'all', isFull: false }),
  () => ({ kind: 'upstream', nodes: 'all', mood: 'well' }),
  (dice) => ({ kind: 'back-up', machine: dice.machine() }),
];

type Drawer = (dice: Dice) => Operation;

class Dice {
  readonly random: Random;
  readonly #nodes: number;
  /** Keys made so far, with their tenants and machines. */
  readonly keys: { readonly tenant: string; readonly machine: number }[] = [];

  edits = 0;

  constructor(random: Random, nodes: number) {
    this.random = random;
    this.#nodes = nodes;
  }

  chance(rate: number): boolean {
    return this.random.next() < rate;
  }

  below(count: number): number {
    return Math.floor(this.random.next() * count);
  }

  one<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)] as Item;
  }

  machine(from = 0): number {
    return from + this.below(this.#nodes - from);
  }

  groups(): readonly (readonly number[])[] {
    const sides: number[][] = [[], []];
    for (let machine = 0; machine < this.#nodes; machine += 1) sides[this.below(2)]?.push(machine);
    return sides;
  }

  /** Mostly months, up to ten years either way. */
  clockOffset(): number {
    return Math.round((2 * this.random.next() - 1) ** 3 * 10 * 365 * 86_400_000);
  }
}

export function drawSchedule(seed: number, { nodes, operations }: DrawOptions): Schedule {
  const dice = new Dice(seededRandom(seed), nodes);
  const durationMs = Math.min(DURATION_MAX_MS, DURATION_MIN_MS + operations * OPERATION_MS);
  const troubles = TROUBLE.filter(() => dice.chance(0.4));
  const isWarm = !dice.chance(COLD_SHARE);
  const firstMs = isWarm ? 1_500 : COLD_START_MS;
  const upstreams = Array.from({ length: nodes }, (_, index) => index).filter(() => dice.chance(0.6));
  const timed: TimedOperation[] = Array.from({ length: operations }, () => firstMs + dice.below(durationMs - firstMs))
    .sort((a, b) => a - b)
    .map((atMs) => ({ atMs, ...drawOperation(dice, troubles) }));
  return {
    seed,
    name: 'drawn',
    nodes,
    link: dice.one(LINKS),
    links: 'all',
    upstreams: upstreams.length > 0 ? upstreams : [0],
    present: 'all',
    isWarm,
    wallClockRate: 1,
    operations: timed,
    durationMs,
    settleMs: SETTLE_MS,
  };
}

/** The topology's faults, with clients. */
export function scheduleOf(topology: Topology, seed: number): Schedule {
  const { name, nodes, link, links, upstreams, settleMs, simulatedSpeed = 1 } = topology;
  const present = topology.present ?? 'all';
  const durationMs = topology.durationMs / simulatedSpeed;
  const dice = new Dice(seededRandom(seed), nodes);
  const count = Math.max(1, Math.round((topology.requestRate * topology.durationMs) / 1_000));
  const asks = Array.from({ length: count }, () => ({
    atMs: 3_000 + dice.random.next() * Math.max(1, durationMs - 3_000),
    ...drawAsk(dice, dice.one(nodesOf(present, topology))),
  }));
  const faults = topology.faults.map((fault) => ({ ...fault, atMs: fault.atMs / simulatedSpeed }));
  const operations = [...faults, ...asks].sort((a, b) => a.atMs - b.atMs);
  const isWarm = links === 'all' && nodes <= 32 && present === 'all';
  const world = { nodes, link, links, upstreams, present, isWarm, wallClockRate: simulatedSpeed };
  return { seed, name, ...world, operations, durationMs, settleMs };
}

function drawOperation(dice: Dice, troubles: typeof TROUBLE): Operation {
  if (dice.chance(ASK_SHARE)) return drawAsk(dice, dice.machine());
  if (dice.chance(WRITE_SHARE)) return drawWrite(dice);
  const kind = dice.random.next();
  if (kind < 0.25) return drawKeyChange(dice);
  if (kind < 0.6 || troubles.length === 0) return dice.one(RELIEF)(dice);
  return weighted(dice, troubles)(dice);
}

function drawAsk(dice: Dice, machine: number): Operation {
  const key = dice.keys.length > 0 && dice.chance(0.4) ? dice.below(dice.keys.length) : undefined;
  const made = key === undefined ? undefined : dice.keys[key];
  const leaves = dice.chance(0.05) ? { leaveAfterMs: dice.below(100) } : {};
  return {
    kind: 'ask',
    machine: made && dice.chance(0.8) ? made.machine : machine,
    tenant: made?.tenant ?? dice.one(TENANTS),
    isStream: dice.chance(0.5),
    ...(key !== undefined && { key }),
    ...(dice.chance(QUESTION_SHARE) && { question: dice.below(QUESTIONS) }),
    ...leaves,
  };
}

function drawWrite(dice: Dice): Operation {
  const [machine, document] = [dice.machine(), dice.below(DOCUMENTS)];
  dice.edits += 1;
  return dice.chance(0.3)
    ? { kind: 'delete', machine, document }
    : { kind: 'write', machine, document, edit: dice.edits };
}

function drawKeyChange(dice: Dice): Operation {
  const kind = dice.random.next();
  if (dice.keys.length === 0 || kind < 0.4) {
    const made = { machine: dice.machine(), tenant: dice.one(TENANTS) };
    dice.keys.push(made);
    return { kind: 'create-key', key: dice.keys.length - 1, ...made };
  }
  const key = dice.below(dice.keys.length);
  // Mostly where it was made; elsewhere it may be known by now.
  const machine = dice.chance(0.6) ? (dice.keys[key]?.machine ?? 0) : dice.machine();
  if (kind < 0.8) return { kind: 'revoke-key', machine, key };
  return { kind: 'limit-tenant', machine, tenant: dice.one(TENANTS), requests: 1 + dice.below(LIMIT_MAX) };
}

function weighted(dice: Dice, troubles: typeof TROUBLE): Drawer {
  let left = dice.random.next() * troubles.reduce((sum, { weight }) => sum + weight, 0);
  for (const { weight, draw } of troubles) {
    left -= weight;
    if (left < 0) return draw;
  }
  return (troubles.at(-1) as (typeof TROUBLE)[number]).draw;
}
