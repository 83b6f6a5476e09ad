// Who may say who belongs to a mesh: its root keys. A mesh is named after its first root, so that nobody can claim its
// name without the key.
//
// Two roots are possible. The admin key is made by `flowmesh mesh init` and grants everything. The fleet key follows from
// the shared secret: every node that has the secret certifies itself with it, at once and with nobody else there; it
// grants everything but `admin`.

import { createHash, createHmac, scryptSync } from 'node:crypto';
import { FLEET_CAPABILITIES, MESH_CAPABILITIES, type MeshCapability } from '../model/mesh-capability.ts';
import type { PeerId } from '../ports.ts';
import { type Identity, identityFromSeed, SEED_BYTES } from './identity.ts';

/** Some 50 ms and 16 MB, once a start: what makes each guess of the secret as dear. */
const STRETCHING = { N: 16_384, r: 8, p: 1 } as const;

/** The keys that a node trusts to certify; each is written like a peer id. */
export interface MeshRoots {
  readonly meshId: string;
  readonly admin?: PeerId;
  readonly fleet?: PeerId;
}

export function meshIdOf(root: PeerId): string {
  return `mesh-${createHash('sha256').update(`flowmesh mesh id\n${root}`).digest('hex').slice(0, 32)}`;
}

/** The key that everybody who knows the secret can make. */
export function fleetKey(secret: string): Identity {
  const seed = scryptSync(secret.normalize(), 'flowmesh fleet key 1', SEED_BYTES, STRETCHING);
  return identityFromSeed(Uint8Array.from(seed));
}

/** What a root may grant; undefined when the key is no root of this mesh. */
export function grantedBy(roots: MeshRoots, issuer: PeerId): readonly MeshCapability[] | undefined {
  if (issuer === roots.admin) return MESH_CAPABILITIES;
  // Without an admin key the secret is all there is: who has it runs the mesh.
  return issuer === roots.fleet ? FLEET_CAPABILITIES : undefined;
}

/** May this root evict? The fleet key only as long as there is no admin key. */
export function mayEvict(roots: MeshRoots, issuer: PeerId): boolean {
  return issuer === roots.admin || (roots.admin === undefined && issuer === roots.fleet);
}

/** What beacons carry, so that nodes leave other meshes alone: it tells nothing to those who do not know the mesh. */
export function meshTag(meshId: string): string {
  return createHmac('sha256', meshId).update('flowmesh beacon 1').digest('hex').slice(0, 16);
}
