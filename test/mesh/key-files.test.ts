import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadMeshKeys } from '../../src/mesh/key-files.ts';
import { fleetKey } from '../../src/mesh/mesh-keys.ts';
import { seededRandom } from '../support/seeded-random.ts';

const place = mkdtempSync(join(tmpdir(), 'flowmesh-keys-'));
after(() => rmSync(place, { recursive: true }));

const SECRET = '0123456789abcdef';

function load(config: { readonly secret?: string; readonly secretFile?: string }, env: Record<string, string> = {}) {
  return loadMeshKeys({ dataDirectory: place, config, env, random: seededRandom(1) });
}

test('the secret is taken from the configuration, else from its file, else from the environment', async () => {
  const file = join(place, 'secret');
  writeFileSync(file, `${SECRET}\n`);
  const env = { FLOWMESH_MESH_SECRET: 'another secret of the environment' };
  const expected = fleetKey(SECRET).peer;
  for (const config of [{ secret: SECRET }, { secretFile: file }]) {
    assert.deepEqual((await load(config, env)).fleet?.peer, expected);
  }
  assert.deepEqual((await load({}, { FLOWMESH_MESH_SECRET: SECRET })).fleet?.peer, expected);
  assert.equal((await load({})).fleet, undefined);
});

test('a file of the secret that cannot be read is named as what it is', async () => {
  const missing = join(place, 'missing');
  await assert.rejects(load({ secretFile: missing }), (error: Error) => {
    assert.equal(
      error.message,
      `The secret of the mesh (mesh.secretFile) cannot be read: ENOENT: no such file or directory, open '${missing}'.`,
    );
    // A code would be taken for one of the data directory.
    return !('code' in error);
  });
});

test('a secret that can be guessed is refused', async () => {
  await assert.rejects(load({ secret: 'short' }), {
    message: 'The secret of the mesh must have at least 16 characters.',
  });
});
