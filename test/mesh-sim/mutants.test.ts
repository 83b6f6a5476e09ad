// Broken rules that the simulator must catch. All of them take minutes (`npm run sim:mutants`); here, that they still fit
// the source they change, and that some are caught at once.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { MUTANTS } from '../../mesh-sim/mutants/mutants.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const QUICKLY_CAUGHT = ['revoked-key-lives', 'never-bills'];

test('every mutant fits the source that it changes, once', () => {
  for (const { name, file, find } of MUTANTS) {
    const pieces = readFileSync(resolve(ROOT, file), 'utf8').split(find).length;
    assert.equal(pieces, 2, `${name}: its text must occur once in ${file}`);
  }
});

for (const name of QUICKLY_CAUGHT) {
  test(`the mutant '${name}' is caught`, () => {
    const { stdout } = spawnSync(process.execPath, ['mesh-sim/mutants/main.ts', '--runs', '10', name], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    assert.match(stdout, /^caught {4}/, stdout);
  });
}
