import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { GCProfiler, getHeapStatistics } from 'node:v8';
import { releaseUnusedHeap } from '../../src/system/unused-heap.ts';

const MIB = 2 ** 20;

/** Full collections while `call` runs. */
function collectionsOf(call: () => void): number {
  const profiler = new GCProfiler();
  profiler.start();
  call();
  return profiler.stop().statistics.filter(({ gcType }) => gcType === 'MarkSweepCompact').length;
}

/** Fills this much of the heap with what nobody needs any more. */
function litter(bytes: number): void {
  const held: number[][] = [];
  for (let made = 0; made < bytes; made += 8_000) held.push(new Array(1_000).fill(0.5));
}

test('a start’s garbage is collected though the heap has no free room; what is alive stays, and needs no second one', () => {
  litter(64 * MIB);
  const before = getHeapStatistics();
  assert.ok(before.total_physical_size > 64 * MIB);
  assert.ok(collectionsOf(releaseUnusedHeap) > 0);
  const after = getHeapStatistics();
  assert.ok(after.total_physical_size < before.total_physical_size - 32 * MIB);
  assert.equal(collectionsOf(releaseUnusedHeap), 0);
});

test('a heap that has grown since the last collection is collected again', () => {
  releaseUnusedHeap();
  litter(64 * MIB);
  const { total_physical_size: size } = getHeapStatistics();
  releaseUnusedHeap();
  assert.ok(getHeapStatistics().total_physical_size < size - 32 * MIB);
});

test('from then on the engine itself waits for minutes before it collects at rest', () => {
  const file = new URL('../../src/system/unused-heap.ts', import.meta.url).href;
  const program = (before: string): string => `
    import { releaseUnusedHeap } from ${JSON.stringify(file)};
    ${before}
    for (let made = 0, held = []; made < 8_000; made += 1) held.push(new Array(1_000).fill(0.5));
    setTimeout(() => undefined, 1_000);`;
  const waits = (before: string): string[] => {
    const eager = ['--gc-memory-reducer-start-delay-ms=50', '--memory-reducer-delay-ms=50', '--trace-memory-reducer'];
    const args = [...eager, '--input-type=module', '-e', program(before)];
    // Code that comes from a cache leaves too little garbage for the engine to plan anything.
    const env = { ...process.env, NODE_DISABLE_COMPILE_CACHE: '1' };
    const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000, env });
    assert.equal(stderr, '');
    return [...stdout.matchAll(/waiting for (\d+) ms/g)].map(([, delayMs]) => String(delayMs));
  };
  assert.deepEqual(new Set(waits('')), new Set(['50']));
  assert.deepEqual(new Set(waits('releaseUnusedHeap();')), new Set(['300000']));
});
