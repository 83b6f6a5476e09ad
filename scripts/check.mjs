// `npm test`: installs what is missing, then lint, types and every test. The one door, and what CI runs.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ensureInstalled, nodePath, ROOT } from './bootstrap.mjs';

ensureInstalled('development');
const node = nodePath();
const bin = (name) => join(ROOT, 'node_modules', '.bin', name);

/** Two at a time: the suite starts servers and load of its own. */
const TEST_CONCURRENCY = 2;

/** Each test file is a process of its own: compiling anew what all of them load was half of the suite's time. */
const COMPILED = join(ROOT, 'node_modules', '.cache', 'flowmesh-tests');

const steps = [
  ['lint', bin('biome'), ['check', '--error-on-warnings']],
  ['types', bin('tsc'), ['--noEmit']],
  ['tests', node, ['--test', `--test-concurrency=${TEST_CONCURRENCY}`, '--test-timeout=120000', 'test/**/*.test.ts']],
];

for (const [name, command, args] of steps) {
  const result = spawnSync(command, args, {
    cwd: ROOT,
    stdio: 'inherit',
    shell: process.platform === 'win32',
    env: {
      ...process.env,
      PATH: [join(node, '..'), process.env.PATH].join(process.platform === 'win32' ? ';' : ':'),
      NODE_COMPILE_CACHE: COMPILED,
    },
  });
  if (result.status !== 0) {
    process.stderr.write(`flowmesh: ${name} failed.\n`);
    process.exit(result.status ?? 1);
  }
}
