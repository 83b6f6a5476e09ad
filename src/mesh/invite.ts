// Invites: a token that is good once, for fifteen minutes, at the node that made it. It holds a random secret, so both
// sides prove to each other that they know it, bound to both peer ids and to fresh numbers of both: what is recorded of
// one join is worth nothing in another, and nobody in between learns the secret.

import { createHmac, timingSafeEqual } from 'node:crypto';
import type { PeerId, Random } from '../ports.ts';
import { PEER_ID_LENGTH_MAX } from './certificate.ts';
import { isPeerId } from './peer-id.ts';
import { FieldReader } from './statement.ts';

export const INVITE_LIFETIME_MS = 15 * 60_000;
const SECRET_BYTES = 20;
const ID_BYTES = 8;
const PREFIX = 'flowmesh-';
const ADDRESSES_MAX = 12;
const ADDRESS_LENGTH_MAX = 200;
const TOKEN_LENGTH_MAX = 4_000;

export interface Invite {
  readonly id: string;
  /** base64url. */
  readonly secret: string;
  readonly meshId: string;
  readonly inviter: PeerId;
  readonly addresses: readonly string[];
}

export function newInvite(of: Pick<Invite, 'meshId' | 'inviter' | 'addresses'>, random: Random): Invite {
  return {
    id: Buffer.from(random.bytes(ID_BYTES)).toString('base64url'),
    secret: Buffer.from(random.bytes(SECRET_BYTES)).toString('base64url'),
    ...of,
    addresses: of.addresses.slice(0, ADDRESSES_MAX),
  };
}

/** One word that survives chats, e-mails and terminals. */
export function renderInvite({ id, secret, meshId, inviter, addresses }: Invite): string {
  const text = JSON.stringify({ i: id, s: secret, m: meshId, p: inviter, a: addresses });
  return PREFIX + Buffer.from(text).toString('base64url');
}

/** Undefined for what is no invite; white space, as of a broken line, does not matter. */
export function parseInvite(token: string): Invite | undefined {
  const compact = token.replaceAll(/\s+/g, '');
  if (!compact.startsWith(PREFIX) || compact.length > TOKEN_LENGTH_MAX) return undefined;
  const reader = new FieldReader(parsed(Buffer.from(compact.slice(PREFIX.length), 'base64url').toString()));
  const invite = {
    id: reader.text('i', PEER_ID_LENGTH_MAX),
    secret: reader.text('s', PEER_ID_LENGTH_MAX),
    meshId: reader.text('m', PEER_ID_LENGTH_MAX),
    inviter: reader.text('p', PEER_ID_LENGTH_MAX),
    addresses: reader.texts('a', ADDRESSES_MAX, ADDRESS_LENGTH_MAX),
  };
  return reader.isValid && isPeerId(invite.inviter) && invite.addresses.length > 0 ? invite : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What both sides of one join know; all of it goes into every proof. */
export interface JoinContext {
  readonly inviteId: string;
  readonly meshId: string;
  readonly joiner: PeerId;
  readonly inviter: PeerId;
  readonly joinerNonce: string;
  readonly inviterNonce: string;
}

/** @param side who proves it, so that one's proof cannot be sent back as the other's */
export function joinProof(secret: string, side: 'joiner' | 'inviter', context: JoinContext, content = ''): string {
  const { inviteId, meshId, joiner, inviter, joinerNonce, inviterNonce } = context;
  const proven = ['flowmesh join 1', side, inviteId, meshId, joiner, inviter, joinerNonce, inviterNonce, content];
  return createHmac('sha256', Buffer.from(secret, 'base64url')).update(JSON.stringify(proven)).digest('base64url');
}

/** In constant time. */
export function isSameProof(presented: string, expected: string): boolean {
  const a = Buffer.from(presented);
  const b = Buffer.from(expected);
  return a.length === b.length && timingSafeEqual(a, b);
}
