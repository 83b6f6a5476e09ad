// Random lives of a small mesh, one for each seed; afterwards the network heals and the laws must hold.

import { compareVersions, hasSeen } from '../../../src/replication/change.ts';
import type { Faults } from '../../../src/replication/faults.ts';
import { DAY_MS, type Member, World } from './world.ts';

export interface ChaosOptions {
  readonly seed: number;
  readonly steps?: number;
  readonly faults?: Faults;
  /** Also restored disks, nodes that are lost for ever, and dropped tombstones. */
  readonly isHarsh?: boolean;
}

/** What is wrong at the end; empty when everything is fine. */
export function liveThrough(options: ChaosOptions): string[] {
  const world = new World({
    seed: options.seed,
    members: 3 + (options.seed % 3),
    ...(options.faults && { faults: options.faults }),
  });
  for (let step = 0; step < (options.steps ?? 60); step += 1) {
    // Coarse, so that stamps are equal now and then.
    if (world.chance(0.5)) world.now += Math.floor(world.random.next() * 20);
    if (options.isHarsh && world.chance(0.25)) harshStep(world);
    else plainStep(world);
  }
  world.dropPushes();
  world.heal();
  const complaints = world.complaints();
  return [...complaints, ...world.resurrected(), ...wrongWinners(world), ...auditFinds(world)];
}

function plainStep(world: World): void {
  const member = world.pick(world.members);
  const roll = world.random.next();
  if (roll < 0.4) world.write(member);
  else if (roll < 0.45) world.count(member);
  else if (roll < 0.6) syncSomewhere(world, member);
  else if (roll < 0.7) world.push(member);
  else if (roll < 0.85) world.deliverSome();
  else if (roll < 0.9) world.partition(1 + Math.floor(world.random.next() * 3));
  else if (roll < 0.94) world.skew(member);
  else if (roll < 0.97) world.restart(member);
  else if (world.members.length < 6) world.clone(member);
}

function harshStep(world: World): void {
  const member = world.pick(world.members);
  const roll = world.random.next();
  if (roll < 0.2) world.save(member);
  else if (roll < 0.35) world.restore(member);
  else if (roll < 0.4) loseForEver(world, member);
  else if (roll < 0.5) loseWhileSending(world, member);
  else if (roll < 0.56) world.now += 8 * DAY_MS;
  else if (roll < 0.6) world.now += 31 * DAY_MS;
  else if (roll < 0.9) for (const other of world.members) world.collect(other);
  else world.settle(1);
}

function syncSomewhere(world: World, to: Member): void {
  const from = world.pick(world.members);
  if (world.areConnected(to, from))
    world.sync(to, from, world.chance(0.5) ? 1 + Math.floor(world.random.next() * 6) : undefined);
}

/** A node knows much that nobody else knows, sends a part of it, and dies. */
function loseWhileSending(world: World, member: Member): void {
  for (const other of world.members) if (other !== member) world.sync(member, other);
  for (let count = 0; count < 8; count += 1) world.write(member);
  const to = world.pick(world.members);
  if (to === member) return;
  world.sync(to, member, 2 + Math.floor(world.random.next() * 3));
  loseForEver(world, member);
}

function loseForEver(world: World, member: Member): void {
  if (world.members.length < 3) return;
  world.leave(member);
  world.forgetUnheard();
  world.join(`r${world.members.length}-${Math.floor(world.random.next() * 1e6)}`);
}

/** The last writer's value is what stays: nothing acknowledged is lost to anything but a later write. */
function wrongWinners(world: World): string[] {
  const [first] = world.members;
  if (!first) return [];
  const keys = new Set(world.journal.map(({ change }) => change.key));
  return [...keys].flatMap((key) => {
    const winner = world.winnerOf(key);
    const [held] = first.node.log.changes.byKey('register', key);
    const live = held?.body ?? null;
    if (winner === undefined || live === winner.body) return [];
    // Islands that were apart so long that the deletion's tombstone is gone: what they had not seen of each other stays.
    if (winner.body === null && world.hasCollected && held && !hasSeen(winner.base, held)) return [];
    return [
      `${key} is ${live}, but the last write (${winner.hlc}, ${winner.origin}) was ${winner.body}; held ${held ? compareVersions(held, winner) : 'nothing'}`,
    ];
  });
}

function auditFinds(world: World): string[] {
  const [first, second] = world.members;
  if (!first || !second) return [];
  const differences = world.audit(first, second);
  return differences === 0 ? [] : [`the audit finds ${differences} differences`];
}
