// As many drawn worlds as fit some seconds, and those seeds that once found a bug. `npm run sim` runs as many as you like.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drawSchedule } from '../../mesh-sim/sim/draw.ts';
import { runSchedule } from '../../mesh-sim/sim/run.ts';

const BUDGET_MS = Number(process.env.SIM_BUDGET_MS ?? 20_000);
const SEEDS_MAX = Number(process.env.SIM_SEEDS ?? 1_000);
/** Found: an executor that ended a request twice when its reader left while a piece was on its way. */
const FOUND_BUGS = [8, 44];

async function assertHolds(
  seed: number,
  world: { readonly nodes: number; readonly operations: number },
): Promise<void> {
  const { breaches } = await runSchedule(drawSchedule(seed, world));
  const command = `npm run sim -- --seed ${seed} --nodes ${world.nodes} --operations ${world.operations}`;
  assert.deepEqual(breaches, [], `see it again: ${command}`);
}

test('seeds that found a bug find it no more', async () => {
  for (const seed of FOUND_BUGS) await assertHolds(seed, { nodes: 5, operations: 200 });
});

test('every rule holds in drawn worlds of three nodes, for as many seeds as the time allows', async (t) => {
  const endsAt = performance.now() + BUDGET_MS;
  let seed = 0;
  while (seed < SEEDS_MAX && performance.now() < endsAt) {
    seed += 1;
    await assertHolds(seed, { nodes: 3, operations: 40 });
  }
  t.diagnostic(`${seed} seeds`);
  assert.ok(seed > 0);
});
