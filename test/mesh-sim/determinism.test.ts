// One seed, one course of events: without that a seed would prove nothing.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drawSchedule } from '../../mesh-sim/sim/draw.ts';
import { runSchedule } from '../../mesh-sim/sim/run.ts';

const WORLD = { nodes: 4, operations: 80 };

test('a seed that is run twice gives the same event log, byte for byte', async () => {
  for (const seed of [3, 8, 44]) {
    const first = await runSchedule(drawSchedule(seed, WORLD), true);
    const second = await runSchedule(drawSchedule(seed, WORLD), true);
    assert.ok(first.lines.length > 100, `${first.lines.length} lines`);
    assert.equal(second.lines.join('\n'), first.lines.join('\n'));
  }
});

test('another seed gives another event log', async () => {
  const first = await runSchedule(drawSchedule(1, WORLD), true);
  const second = await runSchedule(drawSchedule(2, WORLD), true);
  assert.notEqual(second.lines.join('\n'), first.lines.join('\n'));
});
