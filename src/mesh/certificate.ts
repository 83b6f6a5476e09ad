// Membership certificates: this peer belongs to this mesh, under this name, and may do these things. Signed by a root
// key of the mesh, or by a member that has `admin`, whose own certificate is shown with it. Chains are never longer.

import type { JsonObject } from '../model/json.ts';
import { MESH_CAPABILITIES, type MeshCapability } from '../model/mesh-capability.ts';
import type { PeerId } from '../ports.ts';
import type { Identity } from './identity.ts';
import { grantedBy, type MeshRoots } from './mesh-keys.ts';
import { isPeerId } from './peer-id.ts';
import { FieldReader, isSigned, NAME_LENGTH_MAX, type Signed, signFields } from './statement.ts';

export interface CertificateFields {
  readonly meshId: string;
  readonly peer: PeerId;
  /** For people. */
  readonly name: string;
  readonly capabilities: readonly MeshCapability[];
  /** Wall milliseconds. */
  readonly notBefore: number;
  /** 0: never ends, as for a node that could renew it by itself at any time. */
  readonly notAfter: number;
  /** Of two certificates of one peer the higher one holds. */
  readonly serial: number;
}

export interface Certificate extends CertificateFields, Signed {}

/** A certificate and, when no root signed it, that of the member who did. */
export interface Credential {
  readonly certificate: Certificate;
  readonly issuedBy?: Certificate;
}

const KIND = 'certificate';
const MESH_ID_LENGTH_MAX = 64;
const SIGNATURE_LENGTH_MAX = 100;
export const PEER_ID_LENGTH_MAX = 128;

export function issueCertificate(identity: Identity, fields: CertificateFields): Certificate {
  return { ...fields, issuer: identity.peer, signature: signFields(identity, KIND, signedFields(fields)) };
}

/** Why a credential does not make its peer a member; undefined when it does. Says nothing of time and eviction. */
export function credentialProblem({ certificate, issuedBy }: Credential, roots: MeshRoots): string | undefined {
  const problem = certificateProblem(certificate, roots);
  if (problem !== undefined) return problem;
  const granted = grantedBy(roots, certificate.issuer);
  if (granted) return excess(certificate, granted);
  if (issuedBy?.peer !== certificate.issuer) return 'it is signed by nobody this mesh trusts';
  const issuerProblem = certificateProblem(issuedBy, roots);
  if (issuerProblem !== undefined) return `of its issuer's certificate: ${issuerProblem}`;
  const issuerGranted = grantedBy(roots, issuedBy.issuer);
  if (!issuerGranted) return "its issuer's certificate is not signed by a root key";
  if (!issuedBy.capabilities.includes('admin') || !issuerGranted.includes('admin')) return 'its issuer is no admin';
  // Only the admin key makes admins, so that an evicted one leaves no heirs.
  return excess(
    certificate,
    MESH_CAPABILITIES.filter((capability) => capability !== 'admin'),
  );
}

function certificateProblem(certificate: Certificate, { meshId }: MeshRoots): string | undefined {
  if (certificate.meshId !== meshId) return 'it belongs to another mesh';
  return isSigned(KIND, signedFields(certificate), certificate) ? undefined : 'its signature is wrong';
}

function excess({ capabilities }: Certificate, granted: readonly MeshCapability[]): string | undefined {
  const refused = capabilities.filter((capability) => !granted.includes(capability));
  return refused.length > 0 ? `its issuer cannot grant ${refused.join(', ')}` : undefined;
}

export function parseCredential(value: unknown): Credential | undefined {
  const reader = new FieldReader(value);
  const certificate = parseCertificate(reader.value('certificate'));
  const issuedBy = parseCertificate(reader.value('issuedBy'));
  return certificate && { certificate, ...(issuedBy && { issuedBy }) };
}

export function renderCredential({ certificate, issuedBy }: Credential): JsonObject {
  return { certificate: renderCertificate(certificate), ...(issuedBy && { issuedBy: renderCertificate(issuedBy) }) };
}

function parseCertificate(value: unknown): Certificate | undefined {
  const reader = new FieldReader(value);
  const names: readonly string[] = reader.texts('capabilities', MESH_CAPABILITIES.length, NAME_LENGTH_MAX);
  const certificate = {
    meshId: reader.text('meshId', MESH_ID_LENGTH_MAX),
    peer: reader.text('peer', PEER_ID_LENGTH_MAX),
    name: reader.text('name', NAME_LENGTH_MAX),
    // Unknown ones, of a newer flowmesh, would not survive the signature: the whole is then unreadable.
    capabilities: MESH_CAPABILITIES.filter((capability) => names.includes(capability)),
    notBefore: reader.count('notBefore'),
    notAfter: reader.count('notAfter'),
    serial: reader.count('serial'),
    issuer: reader.text('issuer', PEER_ID_LENGTH_MAX),
    signature: reader.text('signature', SIGNATURE_LENGTH_MAX),
  };
  return reader.isValid && isPeerId(certificate.peer) ? certificate : undefined;
}

function renderCertificate({ capabilities, ...certificate }: Certificate): JsonObject {
  return { ...certificate, capabilities: [...capabilities] };
}

function signedFields({ meshId, peer, name, capabilities, notBefore, notAfter, serial }: CertificateFields) {
  const ordered = MESH_CAPABILITIES.filter((capability) => capabilities.includes(capability));
  return [meshId, peer, name, ordered, notBefore, notAfter, serial];
}
