import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { adminToken, isToken } from '../../src/tenancy/admin-token.ts';

test('the token is made once, and read from then on', () => {
  const directory = mkdtempSync(join(tmpdir(), 'flowmesh-token-'));
  try {
    const inside = join(directory, 'state');
    const token = adminToken(inside);
    assert.match(token, /^fma-[\w-]{43}$/);
    assert.equal(readFileSync(join(inside, 'admin.token'), 'utf8'), `${token}\n`);
    assert.deepEqual(
      [inside, join(inside, 'admin.token')].map((path) => statSync(path).mode & 0o777),
      [0o700, 0o600],
    );
    assert.equal(adminToken(inside), token);
    assert.notEqual(adminToken(directory), token);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('an empty token file is refused, for everybody could send its content', () => {
  const directory = mkdtempSync(join(tmpdir(), 'flowmesh-token-'));
  try {
    writeFileSync(join(directory, 'admin.token'), '\n');
    assert.throws(() => adminToken(directory), /admin\.token .*shorter than 20 characters/);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('only the whole token is the token', () => {
  const token = 'fma-0123456789';
  const presented = [token, 'fma-012345678', `${token}0`, 'fma-0123456780', '', undefined, 'fma-012345678é'];
  assert.deepEqual(
    presented.map((one) => isToken(one, token)),
    [true, false, false, false, false, false, false],
  );
});
