// What the engine is told changes a process for its whole life: each is shown in a process of its own.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

const ENGINE = new URL('../../src/system/engine.ts', import.meta.url).href;

/** What the script prints, as JSON. The engine says on standard error when it does not know an option. */
function printedBy(script: string, flags: readonly string[]): unknown {
  const program = `import { keepTickShape, tuneForRequests } from '${ENGINE}';\n${script}`;
  const output = execFileSync(process.execPath, [...flags, '--input-type=module', '--eval', program], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 60_000,
  });
  return JSON.parse(output);
}

test('a collection of garbage leaves the tick that was kept, and no other one', () => {
  const script = `
    import { executionAsyncResource } from 'node:async_hooks';
    const schedule = process.nextTick;
    const ticks = [];
    process.nextTick = (callback) => schedule(() => {
      callback();
      ticks.push(new WeakRef(executionAsyncResource()));
    });
    keepTickShape();
    process.nextTick(() => undefined);
    process.nextTick = schedule;
    for (let round = 0; round < 3; round += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      gc();
    }
    console.log(JSON.stringify(ticks.map((tick) => typeof tick.deref()?.callback)));`;
  assert.deepEqual(printedBy(script, ['--expose-gc']), ['function', 'undefined']);
});

test('a function is made as fast as it can be after some thousand runs, once the engine is tuned for requests', () => {
  const script = `
    const isFast = new Function('work', 'return %ActiveTierIsTurbofan(work)');
    function runsUntilFast(salt) {
      const work = new Function('a', \`let sum = \${salt}; for (const b of [a, a + 1]) sum += b * \${salt}; return sum;\`);
      for (let runs = 1; runs < 100_000; runs += 1) {
        work(runs);
        if (isFast(work)) return runs;
      }
    }
    const before = runsUntilFast(2);
    tuneForRequests();
    console.log(JSON.stringify({ before, after: runsUntilFast(3) }));`;
  // In the same thread, so that no count depends on how quick another one is.
  const flags = ['--allow-natives-syntax', '--no-concurrent-recompilation'];
  const { before, after } = printedBy(script, flags) as { before: number; after: number };
  assert.ok(before > 1_500, `${before} runs before`);
  assert.ok(after < 1_500, `${after} runs after`);
});

test('a place that meets six shapes knows them all, once the engine is tuned for requests', () => {
  const directory = mkdtempSync(join(tmpdir(), 'flowmesh-engine-'));
  const log = join(directory, 'v8.log');
  const script = `
    function meetSixShapes(name) {
      const read = new Function('object', \`return object.\${name}\`);
      const objects = Array.from({ length: 6 }, (_, index) => ({ ['shape' + index]: 0, [name]: 1 }));
      for (let round = 0; round < 5; round += 1) for (const object of objects) read(object);
    }
    meetSixShapes('untuned');
    tuneForRequests();
    meetSixShapes('tuned');
    console.log('null');`;
  try {
    printedBy(script, ['--log-ic', `--logfile=${log}`, '--no-logfile-per-isolate']);
    // LoadIC,code,time,line,column,old state,new state,shape,name,…
    const loads = readFileSync(log, 'utf8')
      .split('\n')
      .map((line) => line.split(','))
      .filter(([kind]) => kind === 'LoadIC');
    const statesOf = (name: string): (string | undefined)[] =>
      loads.filter((load) => load[8] === name).map((load) => load[6]);
    // 1: one shape; P: several; N: too many, so that it looks properties up by name.
    assert.deepEqual(statesOf('untuned'), ['1', 'P', 'P', 'P', 'N', 'N']);
    assert.deepEqual(statesOf('tuned'), ['1', 'P', 'P', 'P', 'P', 'P']);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
