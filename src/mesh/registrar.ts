// The node's own papers and everybody else's: loads and keeps them, takes in what others show, and tells what that
// changed. It speaks to no one; exchange.ts carries the statements.

import { parseObject } from '../model/json.ts';
import type { MeshCapability } from '../model/mesh-capability.ts';
import type { Clock, Logger, PeerId } from '../ports.ts';
import type { Credential } from './certificate.ts';
import { Certifier, type MeshKeys, RENEWAL_MS } from './certifier.ts';
import { type Charter, issueCharter, parseCharter, renderCharter } from './charter.ts';
import { type Admission, Membership } from './membership.ts';
import { type MeshRoots, meshIdOf } from './mesh-keys.ts';
import type { MeshStore } from './mesh-store.ts';
import type { Removal } from './removal.ts';

export interface RegistrarDeps {
  readonly store: MeshStore;
  readonly keys: MeshKeys;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What a node that certifies itself calls itself, and takes upon itself. */
  readonly self: { readonly name: string; readonly capabilities: readonly MeshCapability[] };
  /** Configured: comes before what others say. */
  readonly adminKey?: PeerId | undefined;
  /** Somebody has become a member, or shows a newer certificate. */
  readonly onMember: (peer: PeerId) => void;
  /** Somebody is a member no more. */
  readonly onEnd: (peer: PeerId, reason: string) => void;
}

/** What is known of a mesh, once the node belongs to one. */
export interface Papers {
  readonly membership: Membership;
  readonly certifier: Certifier;
  /** The node's own; void when it was evicted, which others will say. */
  credential: Credential | undefined;
  charter: Charter | undefined;
}

export class Registrar {
  readonly #deps: RegistrarDeps;
  #papers: Papers | undefined;

  constructor(deps: RegistrarDeps) {
    this.#deps = deps;
  }

  /** Undefined for a node of no mesh. */
  get papers(): Papers | undefined {
    return this.#papers;
  }

  isMember(peer: PeerId): boolean {
    return this.#papers?.membership.isMember(peer) ?? false;
  }

  isAllowed(peer: PeerId, capability: MeshCapability): boolean {
    const member = this.#papers?.membership.member(peer);
    return this.isMember(peer) && member?.capabilities.includes(capability) === true;
  }

  /**
   * Do writes of that node count? Those of one that has left or whose certificate ran out still do; those of an evicted
   * one do not. Undefined while we have never heard of it.
   */
  mayWrite(peer: PeerId, capabilities: readonly MeshCapability[]): boolean | undefined {
    const membership = this.#papers?.membership;
    const end = membership?.endOf(peer);
    if (end === 'evicted' || end === 'issuer-evicted') return false;
    const member = membership?.member(peer);
    return member && capabilities.some((capability) => member.capabilities.includes(capability));
  }

  /** Takes up what the data directory and the secret say. */
  load(): void {
    const roots = this.#roots();
    if (!roots) return;
    const { store, clock, keys } = this.#deps;
    const membership = new Membership(roots, () => clock.now());
    for (const { credential } of store.members()) membership.admit(credential);
    const certifier = new Certifier(keys, membership);
    this.#papers = { membership, certifier, credential: undefined, charter: undefined };
    const charter = parseCharter(parseObject(store.state('charter') ?? ''), roots) ?? this.#newCharter(roots);
    if (charter) this.takeCharter(charter);
    this.#takeOwnCredential();
    this.reloadRemovals();
    for (const { peer } of membership.members()) this.#deps.onMember(peer);
  }

  /** Evictions may have been written by another process. */
  reloadRemovals(): void {
    for (const removal of this.#deps.store.removals()) this.remove(removal);
  }

  /** @returns whether the peer is a member, and whether that is news to be passed on */
  admit(credential: Credential): Admission {
    if (!this.#papers) return { ok: false, reason: 'this node belongs to no mesh' };
    const { peer } = credential.certificate;
    const admission = this.#papers.membership.admit(credential);
    if (admission.ok && admission.isNews) {
      this.#keep(() => this.#deps.store.putMember(credential));
      if (peer === this.#deps.keys.identity.peer) this.#keepOwn(credential);
      this.#deps.onMember(peer);
    }
    return admission;
  }

  remove(removal: Removal): Admission {
    const papers = this.#papers;
    if (!papers) return { ok: false, reason: 'this node belongs to no mesh' };
    const before = papers.membership.members();
    const admission = papers.membership.remove(removal);
    if (!admission.ok || !admission.isNews) return admission;
    this.#keep(() => this.#deps.store.putRemoval(removal));
    for (const { peer } of before) {
      const end = papers.membership.endOf(peer);
      if (end !== undefined) this.#deps.onEnd(peer, end === removal.kind ? `${end}: ${removal.reason}` : end);
    }
    return admission;
  }

  /** What members have shown holds also when it cannot be written down: a thief must not be let in for a full disk. */
  #keep(write: () => void): void {
    try {
      write();
    } catch (error) {
      this.#deps.logger.error({ err: error }, 'who belongs to the mesh cannot be written down');
    }
  }

  takeCharter(charter: Charter): boolean {
    const papers = this.#papers;
    if (!papers || papers.charter?.admin === charter.admin) return false;
    const { admin } = papers.membership.roots;
    if (admin !== undefined && admin !== charter.admin) {
      this.#deps.logger.warn(
        { admin: charter.admin, trusted: admin },
        'a second admin key claims this mesh; the first one stays',
      );
      return false;
    }
    papers.membership.setAdmin(charter.admin);
    papers.charter = charter;
    this.#deps.store.setRoots(papers.membership.roots);
    this.#deps.store.setState('charter', JSON.stringify(renderCharter(charter)));
    return true;
  }

  /** After a join by invite. */
  adopt(roots: MeshRoots, credential: Credential): void {
    this.#deps.store.clear();
    this.#deps.store.setRoots(roots);
    this.#deps.store.setOwnCredential(credential);
    this.#deps.store.putMember(credential);
    this.load();
  }

  /** Its certificate should be renewed by somebody who can. */
  needsRenewal(): boolean {
    const papers = this.#papers;
    const notAfter = papers?.credential?.certificate.notAfter ?? 0;
    return papers !== undefined && notAfter > 0 && notAfter - papers.membership.judgedNow() < RENEWAL_MS;
  }

  /** Certificates up to this serial are void elsewhere: makes a newer one, if this node can. */
  recertify(voidSerial: number): void {
    const papers = this.#papers;
    if (!papers || !this.#canSelfCertify(papers) || !Number.isSafeInteger(voidSerial)) return;
    const { peer } = this.#deps.keys.identity;
    const issued = papers.certifier.certify({ peer, ...this.#deps.self, ...this.#capabilities() }, voidSerial + 1);
    if (issued) this.admit(issued);
  }

  /** Members whose certificates have run out since the last look. */
  endExpired(known: readonly PeerId[]): void {
    for (const peer of known) {
      if (this.#papers?.membership.endOf(peer) === 'expired') this.#deps.onEnd(peer, 'expired');
    }
  }

  forget(): void {
    this.#papers = undefined;
    this.#deps.store.clear();
  }

  #roots(): MeshRoots | undefined {
    const { store, keys, adminKey, logger } = this.#deps;
    const { fleet } = keys;
    const stored = store.roots();
    if (!fleet || stored?.fleet === fleet.peer) return this.#withAdmin(stored);
    const own = store.ownCredential();
    if (stored && own?.certificate.issuer !== stored.fleet) {
      const { meshId } = stored;
      logger.error(
        { meshId },
        'mesh.secret is not that of the mesh this node has joined; `flowmesh mesh leave`, or remove the secret',
      );
      return stored;
    }
    // The first start with a secret, or the secret was changed on all nodes: that is another mesh.
    if (stored) store.clear();
    const roots = {
      meshId: meshIdOf(fleet.peer),
      fleet: fleet.peer,
      ...(adminKey !== undefined && { admin: adminKey }),
    };
    store.setRoots(roots);
    return roots;
  }

  #withAdmin(stored: MeshRoots | undefined): MeshRoots | undefined {
    const { adminKey } = this.#deps;
    return stored && adminKey !== undefined && stored.fleet !== undefined ? { ...stored, admin: adminKey } : stored;
  }

  /** A node with both keys writes it. */
  #newCharter({ meshId, fleet: trusted, admin: known }: MeshRoots): Charter | undefined {
    const { fleet, admin } = this.#deps.keys;
    if (!fleet || !admin || fleet.peer !== trusted || (known !== undefined && known !== admin.peer)) return undefined;
    return issueCharter(fleet, meshId, admin.peer);
  }

  #takeOwnCredential(): void {
    const papers = this.#papers;
    if (!papers) return;
    const { store, keys, self } = this.#deps;
    const { peer } = keys.identity;
    const stored = store.ownCredential();
    const admission = stored?.certificate.peer === peer ? papers.membership.admit(stored) : undefined;
    if (stored && admission?.ok && (this.#isAsConfigured(stored) || !this.#canSelfCertify(papers))) {
      this.#keepOwn(stored);
      return;
    }
    const issued = this.#canSelfCertify(papers)
      ? papers.certifier.certify({ peer, ...self, ...this.#capabilities() })
      : undefined;
    if (issued) this.admit(issued);
    else if (stored) this.#keepOwn(stored);
  }

  #keepOwn(credential: Credential): void {
    if (this.#papers) this.#papers.credential = credential;
    this.#deps.store.setOwnCredential(credential);
  }

  #canSelfCertify({ membership: { roots } }: Papers): boolean {
    const { admin, fleet } = this.#deps.keys;
    return (admin !== undefined && admin.peer === roots.admin) || (fleet !== undefined && fleet.peer === roots.fleet);
  }

  /** The keeper of the admin key is an admin, besides what it is configured to be. */
  #capabilities(): { readonly capabilities: readonly MeshCapability[] } {
    const { keys, self } = this.#deps;
    const isAdmin = keys.admin !== undefined && keys.admin.peer === this.#papers?.membership.roots.admin;
    return {
      capabilities: isAdmin ? [...new Set<MeshCapability>([...self.capabilities, 'admin'])] : self.capabilities,
    };
  }

  #isAsConfigured({ certificate }: Credential): boolean {
    const wanted = this.#capabilities().capabilities;
    const isSame = wanted.length === certificate.capabilities.length;
    return (
      certificate.name === this.#deps.self.name &&
      isSame &&
      wanted.every((capability) => certificate.capabilities.includes(capability))
    );
  }
}
