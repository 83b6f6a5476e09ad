// `npm run fuzz [-- ROUNDS]`: the property tests with cases that no run had before, until one fails or the rounds end.

import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const ROUNDS = 20;
const SEED_MAX = 2 ** 31 - 1;
const OUTPUT_BYTES_MAX = 256 * 1024 * 1024;

const rounds = Number(process.argv[2] ?? ROUNDS);
if (!Number.isInteger(rounds) || rounds < 1) throw new Error('npm run fuzz -- ROUNDS: a whole number of rounds.');
const files = globSync('test/**/*.test.ts', { cwd: ROOT }).filter((file) =>
  readFileSync(join(ROOT, file), 'utf8').includes('/property.ts'),
);
for (let round = 1; round <= rounds; round += 1) {
  const seed = String(randomInt(SEED_MAX));
  const { status, stdout } = spawnSync(process.execPath, ['--test', ...files], {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: OUTPUT_BYTES_MAX,
    env: { ...process.env, FUZZ_SEED: seed },
  });
  if (status !== 0) {
    process.stdout.write(`${stdout}\nFUZZ_SEED=${seed} fails.\n`);
    process.exit(1);
  }
  process.stdout.write(`round ${round} of ${rounds}, FUZZ_SEED=${seed}: passed\n`);
}
