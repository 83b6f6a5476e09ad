// Signed statements that end a membership: an eviction by an admin, for good, or a leave by the member itself, which ends
// the certificates it has so far.

import type { JsonObject } from '../model/json.ts';
import type { PeerId } from '../ports.ts';
import {
  type Certificate,
  type Credential,
  PEER_ID_LENGTH_MAX,
  parseCredential,
  renderCredential,
} from './certificate.ts';
import type { Identity } from './identity.ts';
import { type MeshRoots, mayEvict } from './mesh-keys.ts';
import { isPeerId } from './peer-id.ts';
import { FieldReader, isSigned, type Signed, signFields } from './statement.ts';

export interface RemovalFields {
  readonly kind: 'evicted' | 'left';
  readonly meshId: string;
  readonly peer: PeerId;
  /** `left`: certificates up to this serial are void. */
  readonly serial: number;
  /** Wall milliseconds, for people. */
  readonly at: number;
  readonly reason: string;
}

export interface Removal extends RemovalFields, Signed {
  /** Of an evicting member: the proof that it is an admin. */
  readonly issuedBy?: Credential;
}

const KIND = 'removal';
export const REASON_LENGTH_MAX = 200;
const SIGNATURE_LENGTH_MAX = 100;

export function issueRemoval(identity: Identity, fields: RemovalFields, issuedBy?: Credential): Removal {
  const signature = signFields(identity, KIND, signedFields(fields));
  return { ...fields, issuer: identity.peer, signature, ...(issuedBy && { issuedBy }) };
}

/**
 * Why nobody must heed it; undefined when it counts.
 * @param problemOf what is wrong with a credential
 */
export function removalProblem(
  removal: Removal,
  roots: MeshRoots,
  problemOf: (credential: Credential) => string | undefined,
): string | undefined {
  if (removal.meshId !== roots.meshId) return 'it belongs to another mesh';
  if (!isSigned(KIND, signedFields(removal), removal)) return 'its signature is wrong';
  if (removal.kind === 'left') return removal.issuer === removal.peer ? undefined : 'only the member itself can leave';
  if (mayEvict(roots, removal.issuer)) return undefined;
  const proof = removal.issuedBy;
  if (proof?.certificate.peer !== removal.issuer) return 'it is signed by nobody who may evict';
  return problemOf(proof) ?? (isAdmin(proof.certificate) ? undefined : 'its issuer is no admin');
}

function isAdmin({ capabilities }: Certificate): boolean {
  return capabilities.includes('admin');
}

export function parseRemoval(value: unknown): Removal | undefined {
  const reader = new FieldReader(value);
  const kind = reader.value('kind');
  if (kind !== 'evicted' && kind !== 'left') return undefined;
  const issuedBy = parseCredential(reader.value('issuedBy'));
  const removal: Removal = {
    kind,
    meshId: reader.text('meshId', PEER_ID_LENGTH_MAX),
    peer: reader.text('peer', PEER_ID_LENGTH_MAX),
    serial: reader.count('serial'),
    at: reader.count('at'),
    reason: reader.text('reason', REASON_LENGTH_MAX),
    issuer: reader.text('issuer', PEER_ID_LENGTH_MAX),
    signature: reader.text('signature', SIGNATURE_LENGTH_MAX),
    ...(issuedBy && { issuedBy }),
  };
  return reader.isValid && isPeerId(removal.peer) ? removal : undefined;
}

export function renderRemoval({ issuedBy, ...fields }: Removal): JsonObject {
  return { ...fields, ...(issuedBy && { issuedBy: renderCredential(issuedBy) }) };
}

function signedFields({ kind, meshId, peer, serial, at, reason }: RemovalFields) {
  return [kind, meshId, peer, serial, at, reason];
}
