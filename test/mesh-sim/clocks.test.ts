// Wall clocks that are months or years off, as of machines without a battery: nobody is shut out by them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drawSchedule } from '../../mesh-sim/sim/draw.ts';
import { runSchedule } from '../../mesh-sim/sim/run.ts';

const DAY_MS = 86_400_000;
/** Node 0 has the admin key, so its own certificate is one that ends after a year; those of the others do not. */
const CASES = [
  { node: 1, days: 500 },
  { node: 1, days: -3_000 },
  { node: 0, days: 500 },
  { node: 0, days: 200 },
];

for (const { node, days } of CASES) {
  test(`every rule holds when the clock of node ${node} is set ${days} days off, and the node is started anew`, async () => {
    const drawn = drawSchedule(2, { nodes: 3, operations: 12 });
    const { breaches, history } = await runSchedule({
      ...drawn,
      operations: [
        { atMs: 2_000, kind: 'clock', nodes: [node], offsetMs: days * DAY_MS },
        { atMs: 3_000, kind: 'crash', nodes: [node] },
        { atMs: 3_500, kind: 'boot', nodes: [node] },
        { atMs: 6_000, kind: 'ask', machine: node, tenant: 'acme', isStream: true },
      ],
      durationMs: 8_000,
    });
    assert.deepEqual(breaches, []);
    assert.deepEqual(
      history.final.map(({ members }) => members),
      [
        [1, 2],
        [0, 2],
        [0, 1],
      ],
    );
    assert.deepEqual(
      history.asks.map(({ end }) => end),
      ['answered'],
    );
  });
}
