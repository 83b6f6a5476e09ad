// Signing for the mesh: who of this node's keys may certify and evict, and the documents it then makes.

import { FLEET_CAPABILITIES, MESH_CAPABILITIES, type MeshCapability } from '../model/mesh-capability.ts';
import type { PeerId } from '../ports.ts';
import { type Certificate, type Credential, issueCertificate } from './certificate.ts';
import type { Identity } from './identity.ts';
import type { Membership } from './membership.ts';
import { mayEvict } from './mesh-keys.ts';
import { issueRemoval, REASON_LENGTH_MAX, type Removal } from './removal.ts';

const DAY_MS = 86_400_000;
/** Long, for meshes whose admin comes by seldom; evictions, not expiry, keep stolen devices out. */
export const VALIDITY_MS = 365 * DAY_MS;
/** Renewed when this much is left, by any node that can. */
export const RENEWAL_MS = 240 * DAY_MS;

/** The keys that a node may hold besides its own. */
export interface MeshKeys {
  readonly identity: Identity;
  readonly admin?: Identity | undefined;
  readonly fleet?: Identity | undefined;
}

interface Signer {
  readonly key: Identity;
  readonly grants: readonly MeshCapability[];
  /** Of a member that signs as an admin. */
  readonly issuedBy?: Certificate;
}

export interface NewMember {
  readonly peer: PeerId;
  readonly name: string;
  readonly capabilities: readonly MeshCapability[];
}

export class Certifier {
  readonly #keys: MeshKeys;
  readonly #membership: Membership;

  constructor(keys: MeshKeys, membership: Membership) {
    this.#keys = keys;
    this.#membership = membership;
  }

  /** What the best of its keys can grant. */
  get grants(): readonly MeshCapability[] {
    return this.#signers()[0]?.grants ?? [];
  }

  /** Undefined when no key of this node can grant that. */
  certify({ peer, name, capabilities }: NewMember, serialMin = 0): Credential | undefined {
    const signer = this.#signers().find(({ grants }) => capabilities.every((wanted) => grants.includes(wanted)));
    if (!signer) return undefined;
    const now = Math.floor(this.#membership.judgedNow());
    // Whoever has the secret could renew at any time: an end would only lock out machines with a wrong clock.
    const isFleet = signer.key === this.#keys.fleet;
    const certificate = issueCertificate(signer.key, {
      meshId: this.#membership.roots.meshId,
      peer,
      name,
      capabilities,
      notBefore: now,
      notAfter: isFleet ? 0 : now + VALIDITY_MS,
      serial: Math.max(now, serialMin, this.#membership.serialAfter(peer)),
    });
    return { certificate, ...(signer.issuedBy && { issuedBy: signer.issuedBy }) };
  }

  /** Undefined when this node may not. */
  evict(peer: PeerId, reason: string): Removal | undefined {
    const signer = this.#evictor();
    const fields = this.#removalFields('evicted', peer, reason);
    return signer && issueRemoval(signer.key, fields, signer.issuedBy && { certificate: signer.issuedBy });
  }

  leave(reason: string): Removal {
    return issueRemoval(this.#keys.identity, this.#removalFields('left', this.#keys.identity.peer, reason));
  }

  #removalFields(kind: Removal['kind'], peer: PeerId, reason: string) {
    return {
      kind,
      meshId: this.#membership.roots.meshId,
      peer,
      serial: Math.max(0, this.#membership.serialAfter(peer) - 1),
      at: Math.floor(this.#membership.judgedNow()),
      reason: reason.slice(0, REASON_LENGTH_MAX),
    };
  }

  /** Best first: what a root signs outlives the eviction of this node. */
  #signers(): readonly Signer[] {
    const { identity, admin, fleet } = this.#keys;
    const { roots } = this.#membership;
    const own = this.#ownAdminCertificate();
    return [
      ...(admin && admin.peer === roots.admin ? [{ key: admin, grants: MESH_CAPABILITIES }] : []),
      ...(fleet && fleet.peer === roots.fleet ? [{ key: fleet, grants: FLEET_CAPABILITIES }] : []),
      ...(own ? [{ key: identity, grants: FLEET_CAPABILITIES, issuedBy: own }] : []),
    ];
  }

  #evictor(): Signer | undefined {
    const { roots } = this.#membership;
    return this.#signers().find(({ key, issuedBy }) => issuedBy !== undefined || mayEvict(roots, key.peer));
  }

  #ownAdminCertificate(): Certificate | undefined {
    const { peer } = this.#keys.identity;
    const { certificate } = this.#membership.member(peer)?.credential ?? {};
    return this.#membership.isMember(peer) && certificate?.capabilities.includes('admin') ? certificate : undefined;
  }
}
