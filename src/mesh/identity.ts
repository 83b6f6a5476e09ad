// Who this node is: an Ed25519 key that survives restarts. Its public half is the peer id; whoever has the file is the node.
// Plain node:crypto, so that certificates and changes are signed and checked without loading libp2p.

import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { chmod, link, mkdir, open, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { LRUCache } from 'lru-cache';
import { atMost } from '../model/at-most.ts';
import type { PeerId, Random } from '../ports.ts';
import { PUBLIC_KEY_BYTES, peerIdOf, publicKeyIn } from './peer-id.ts';

export const SEED_BYTES = 32;
const SIGNATURE_BYTES = 64;
const PUBLIC_KEYS_MAX = 2_000;

/** DER around a raw key, RFC 8410: node:crypto takes no raw ones. */
const PRIVATE_KEY_DER = Buffer.from('302e020100300506032b657004220420', 'hex');
const PUBLIC_KEY_DER = Buffer.from('302a300506032b6570032100', 'hex');

export interface Identity {
  readonly peer: PeerId;
  /** The raw Ed25519 private key. */
  readonly seed: Uint8Array;
  sign(message: Uint8Array): Uint8Array;
}

export function identityFromSeed(seed: Uint8Array): Identity {
  if (seed.length !== SEED_BYTES) throw new RangeError(`An Ed25519 private key has ${SEED_BYTES} bytes`);
  return identityFrom(privateKey(seed), seed);
}

/** The identity in this file (PKCS #8 PEM, mode 0600); a new one when there is no file yet. */
export async function loadOrCreateIdentity(file: string, random: Random): Promise<Identity> {
  const text = await readIfThere(file);
  if (text === undefined) {
    const pem = privateKey(random.bytes(SEED_BYTES)).export({ format: 'pem', type: 'pkcs8' }).toString();
    await createFile(file, pem, random.uuid());
    return loadOrCreateIdentity(file, random);
  }
  // A restored backup may have come back readable for everyone.
  await chmod(file, 0o600);
  return identityFromPem(text, file);
}

export function verifySignature(peer: PeerId, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== SIGNATURE_BYTES) return false;
  const key = publicKeys.get(peer) ?? publicKeyOf(peer);
  return key !== undefined && verify(null, message, key, signature);
}

/** A node hears the same few others all the time; reading a key out of its text is half the work of a check. */
const publicKeys = new LRUCache<PeerId, KeyObject>(atMost(PUBLIC_KEYS_MAX));

function publicKeyOf(peer: PeerId): KeyObject | undefined {
  const publicKey = publicKeyIn(peer);
  if (!publicKey) return undefined;
  const key = createPublicKey({ key: Buffer.concat([PUBLIC_KEY_DER, publicKey]), format: 'der', type: 'spki' });
  publicKeys.set(peer, key);
  return key;
}

function identityFromPem(text: string, file: string): Identity {
  let key: KeyObject;
  try {
    key = createPrivateKey(text);
  } catch (cause) {
    throw new Error(`${file} holds no private key; restore it from a backup, or delete it to become a new node`, {
      cause,
    });
  }
  if (key.asymmetricKeyType !== 'ed25519') throw new Error(`${file} holds a key of another kind than Ed25519`);
  const der = key.export({ format: 'der', type: 'pkcs8' });
  return identityFrom(key, Uint8Array.from(der.subarray(PRIVATE_KEY_DER.length, PRIVATE_KEY_DER.length + SEED_BYTES)));
}

function privateKey(seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PRIVATE_KEY_DER, seed]), format: 'der', type: 'pkcs8' });
}

function identityFrom(key: KeyObject, seed: Uint8Array): Identity {
  const publicDer = createPublicKey(key).export({ format: 'der', type: 'spki' });
  return {
    peer: peerIdOf(Uint8Array.from(publicDer.subarray(publicDer.length - PUBLIC_KEY_BYTES))),
    seed,
    sign: (message) => sign(null, message, key),
  };
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Whole or not at all, also when the power fails; of two processes that create it at once one wins and both read the winner's. */
async function createFile(file: string, text: string, attempt: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${attempt}`;
  const handle = await open(draft, 'w', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  try {
    await link(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(draft, { force: true });
  }
}
