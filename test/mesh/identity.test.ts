// Who a node is: its key file and the name that follows from it.

import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { identityFromSeed, loadOrCreateIdentity, verifySignature } from '../../src/mesh/identity.ts';
import { isPeerId, peerIdOf, publicKeyIn } from '../../src/mesh/peer-id.ts';
import { seededRandom } from '../support/seeded-random.ts';

test('a node has the name and the signature that libp2p gives it', async () => {
  for (const fill of [0, 1, 127, 255]) {
    const seed = new Uint8Array(32).fill(fill);
    const identity = identityFromSeed(seed);
    const key = await generateKeyPairFromSeed('Ed25519', seed);
    assert.equal(identity.peer, peerIdFromPrivateKey(key).toString());
    const message = Buffer.from('hello');
    assert.ok(await key.publicKey.verify(message, identity.sign(message)));
    assert.ok(verifySignature(identity.peer, message, await key.sign(message)));
  }
});

test('a signature counts for its message and its signer only', () => {
  const [one, two] = [identityFromSeed(new Uint8Array(32).fill(1)), identityFromSeed(new Uint8Array(32).fill(2))];
  const message = Buffer.from('hello');
  const signature = one.sign(message);
  assert.equal(verifySignature(one.peer, message, signature), true);
  assert.equal(verifySignature(two.peer, message, signature), false);
  assert.equal(verifySignature(one.peer, Buffer.from('hallo'), signature), false);
  assert.equal(verifySignature(one.peer, message, signature.subarray(1)), false);
  assert.equal(verifySignature('nobody', message, signature), false);
});

test('a name contains its key, and every other text is none', () => {
  const key = seededRandom(7).bytes(32);
  const peer = peerIdOf(key);
  assert.deepEqual(publicKeyIn(peer), key);
  const others = [
    '',
    peer.slice(1),
    `${peer}1`,
    peer.replace('12D3', '12D4'),
    peer.replace(/.$/, '0'),
    'Q'.repeat(52),
    'z'.repeat(52),
  ];
  assert.deepEqual(
    others.map(isPeerId),
    others.map(() => false),
  );
  assert.throws(() => peerIdOf(new Uint8Array(31)), RangeError);
});

test('a node keeps its identity, in a file that only its owner reads', async (t) => {
  const file = join(await folder(t), 'mesh', 'node.key');
  const created = await loadOrCreateIdentity(file, seededRandom(1));
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.match(await readFile(file, 'utf8'), /^-----BEGIN PRIVATE KEY-----\n/);
  await chmod(file, 0o644);
  const loaded = await loadOrCreateIdentity(file, seededRandom(2));
  assert.equal(loaded.peer, created.peer);
  assert.deepEqual(loaded.seed, created.seed);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
});

test('two processes that begin at once become the same node', async (t) => {
  const file = join(await folder(t), 'node.key');
  const [one, two] = await Promise.all([1, 2].map((seed) => loadOrCreateIdentity(file, seededRandom(seed))));
  assert.equal(one?.peer, two?.peer);
});

test('a file that holds no key is never replaced', async (t) => {
  const file = join(await folder(t), 'node.key');
  await writeFile(file, 'damaged');
  await assert.rejects(loadOrCreateIdentity(file, seededRandom(1)), /node\.key holds no private key/);
  assert.equal(await readFile(file, 'utf8'), 'damaged');
});

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'flowmesh-identity-'));
  t.after(() => rm(path, { recursive: true }));
  return path;
}
