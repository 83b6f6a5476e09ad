import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeRunDirectory, removeRunDirectory } from '../../mesh-sim/real/run-directory.ts';

test('a run removes what killed ones have left, and nothing else', () => {
  const kind = 'flowmesh-run-directory-test-';
  const { pid: ended } = spawnSync(process.execPath, ['--version']);
  const left = mkdtempSync(join(tmpdir(), `${kind}${ended}-`));
  writeFileSync(join(left, 'file'), '');
  const [ofSomebodyElse, ofAnotherKind] = ['no-number-', `other-${ended}-`].map((name) =>
    mkdtempSync(join(tmpdir(), `${kind}${name}`)),
  );
  const first = makeRunDirectory(kind);
  const second = makeRunDirectory(kind);

  assert.equal(existsSync(left), false);
  for (const kept of [ofSomebodyElse, ofAnotherKind, first, second]) assert.ok(existsSync(kept ?? ''));
  for (const directory of [first, second]) removeRunDirectory(directory);
  assert.equal(existsSync(first), false);
  for (const directory of [ofSomebodyElse, ofAnotherKind]) rmSync(directory ?? '', { recursive: true });
});
