// Peer ids in the text form that libp2p writes: base58btc of the identity multihash of a protobuf-wrapped Ed25519 key.
// The text contains the whole public key, so that a signature is checked without asking anybody for a key.
// https://github.com/libp2p/specs/blob/master/peer-ids/peer-ids.md

import { LRUCache } from 'lru-cache';
import { atMost } from '../model/at-most.ts';
import type { PeerId } from '../ports.ts';

export const PUBLIC_KEY_BYTES = 32;

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
/** identity multihash of 36 bytes · key type Ed25519 · key of 32 bytes. */
const PREFIX = Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20);
/** Every Ed25519 peer id has exactly this many characters, as its first bytes are always the same. */
const TEXT_LENGTH = 52;

export function peerIdOf(publicKey: Uint8Array): PeerId {
  if (publicKey.length !== PUBLIC_KEY_BYTES) {
    throw new RangeError(`An Ed25519 public key has ${PUBLIC_KEY_BYTES} bytes, not ${publicKey.length}`);
  }
  const bytes = new Uint8Array(PREFIX.length + PUBLIC_KEY_BYTES);
  bytes.set(PREFIX);
  bytes.set(publicKey, PREFIX.length);
  return base58(bytes);
}

/** The public key inside a peer id; undefined when the text is none of an Ed25519 key. */
export function publicKeyIn(peer: PeerId): Uint8Array | undefined {
  if (peer.length !== TEXT_LENGTH) return undefined;
  const bytes = fromBase58(peer, PREFIX.length + PUBLIC_KEY_BYTES);
  if (!bytes || PREFIX.some((byte, index) => bytes[index] !== byte)) return undefined;
  return bytes.subarray(PREFIX.length);
}

export function isPeerId(text: string): boolean {
  if (wellFormed.has(text)) return true;
  const isOne = publicKeyIn(text) !== undefined;
  if (isOne) wellFormed.set(text, true);
  return isOne;
}

/** Members tell each other of the same ones again and again; to take one apart is most of reading a certificate. */
const WELL_FORMED_MAX = 5_000;
const wellFormed = new LRUCache<string, true>(atMost(WELL_FORMED_MAX));

/** Leading zero bytes become leading ones, as in every base58. */
function base58(bytes: Uint8Array): string {
  let value = BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
  let text = '';
  for (; value > 0n; value /= 58n) text = `${ALPHABET[Number(value % 58n)]}${text}`;
  const zeros = bytes.findIndex((byte) => byte !== 0);
  return ALPHABET.charAt(0).repeat(zeros) + text;
}

function fromBase58(text: string, length: number): Uint8Array | undefined {
  let value = 0n;
  for (const character of text) {
    const digit = ALPHABET.indexOf(character);
    if (digit < 0) return undefined;
    value = value * 58n + BigInt(digit);
  }
  const hex = value.toString(16).padStart(length * 2, '0');
  const bytes = hex.length === length * 2 ? Uint8Array.from(Buffer.from(hex, 'hex')) : undefined;
  // Two texts must never mean one peer.
  return bytes && base58(bytes) === text ? bytes : undefined;
}
