// Who belongs to the mesh: a set of signed statements that only grows, and what follows from it. Two nodes with the same
// statements agree, in whatever order they came; so nodes just hand each other what the other lacks.

import type { MeshCapability } from '../model/mesh-capability.ts';
import type { PeerId } from '../ports.ts';
import { type Credential, credentialProblem } from './certificate.ts';
import { RENEWAL_MS } from './certifier.ts';
import { grantedBy, type MeshRoots, mayEvict } from './mesh-keys.ts';
import { type Removal, removalProblem } from './removal.ts';
import { SetDigest } from './set-digest.ts';

export interface Member {
  readonly peer: PeerId;
  readonly name: string;
  readonly capabilities: readonly MeshCapability[];
  readonly credential: Credential;
}

export type Admission =
  | { readonly ok: true; readonly isNews: boolean }
  /** `serial`: certificates need a higher one. */
  | { readonly ok: false; readonly reason: string; readonly serial?: number };

const DAY_MS = 86_400_000;
/** A member whose renewal is late is kept this long. */
export const EXPIRY_GRACE_MS = 30 * DAY_MS;
/**
 * A clock further ahead than this of the newest certificate is believed to be wrong. No later: what is renewed in time
 * lasts longer than that after the newest one was issued, so a wrong clock ends nobody's membership.
 */
const CLOCK_LEAD_MAX_MS = RENEWAL_MS + EXPIRY_GRACE_MS;
/** Far above any mesh; a stolen admin key must not fill the disks. */
const MEMBERS_MAX = 5_000;
const REMOVALS_MAX = 10_000;
export const STATEMENTS_MAX = MEMBERS_MAX + REMOVALS_MAX;

export class Membership {
  #roots: MeshRoots;
  readonly #ownNow: () => number;
  readonly #credentials = new Map<PeerId, Credential>();
  /** By peer and issuer: an eviction outlives that of another issuer who turns out to be evicted. */
  readonly #removals = new Map<string, Removal>();
  /** Who has evicted a peer; whether that holds is asked anew each time, as it depends on who is evicted and a root. */
  readonly #evictors = new Map<PeerId, Set<PeerId>>();
  /** Certificates of a peer up to this serial are void: it has left. */
  readonly #leftUpTo = new Map<PeerId, number>();
  /** Of all statements. Kept as they come: a node that meets a thousand others takes in a thousand of them at once. */
  readonly #digest = new SetDigest();
  /** Apart from certificates that have run out; absent after a change. */
  #unexpired: { readonly members: readonly Member[]; readonly canExpire: boolean } | undefined;
  #newestIssue = 0;

  /** @param ownNow this machine's wall clock, which may be wildly wrong */
  constructor(roots: MeshRoots, ownNow: () => number) {
    this.#roots = roots;
    this.#ownNow = ownNow;
  }

  get roots(): MeshRoots {
    return this.#roots;
  }

  /** An admin key was made for a mesh that had only its secret. The first one holds. */
  setAdmin(admin: PeerId): boolean {
    if (this.#roots.admin !== undefined) return false;
    this.#roots = { ...this.#roots, admin };
    this.#unexpired = undefined;
    return true;
  }

  admit(credential: Credential): Admission {
    const { certificate } = credential;
    const known = this.#credentials.get(certificate.peer);
    if (known?.certificate.signature === certificate.signature) return this.#standing(certificate.peer);
    const problem = credentialProblem(credential, this.#roots);
    if (problem !== undefined) return { ok: false, reason: `the certificate is refused: ${problem}` };
    if (known && !isNewer(credential, known)) return this.#standing(certificate.peer);
    if (!known && this.#credentials.size >= MEMBERS_MAX) return { ok: false, reason: 'the mesh is full' };
    this.#credentials.set(certificate.peer, credential);
    if (known) this.#digest.remove(known.certificate.signature);
    this.#digest.add(certificate.signature);
    this.#unexpired = undefined;
    if (certificate.notAfter > 0) this.#newestIssue = Math.max(this.#newestIssue, certificate.notBefore);
    const standing = this.#standing(certificate.peer);
    return standing.ok ? { ok: true, isNews: true } : standing;
  }

  /** @returns whether it was news, or why it does not count */
  remove(removal: Removal): Admission {
    const id = `${removal.peer} ${removal.issuer} ${removal.kind}`;
    const known = this.#removals.get(id);
    if (known && known.serial >= removal.serial) return { ok: true, isNews: false };
    if (!known && this.#removals.size >= REMOVALS_MAX) return { ok: false, reason: 'too many removals' };
    const problem = removalProblem(removal, this.#roots, (proof) => credentialProblem(proof, this.#roots));
    if (problem !== undefined) return { ok: false, reason: `the removal is refused: ${problem}` };
    this.#removals.set(id, removal);
    if (known) this.#digest.remove(`${id} ${known.serial}`);
    this.#digest.add(`${id} ${removal.serial}`);
    this.#unexpired = undefined;
    const { kind, peer, issuer, serial } = removal;
    if (kind === 'evicted') this.#evictors.set(peer, (this.#evictors.get(peer) ?? new Set()).add(issuer));
    else this.#leftUpTo.set(peer, Math.max(serial, this.#leftUpTo.get(peer) ?? -1));
    return { ok: true, isNews: true };
  }

  isMember(peer: PeerId): boolean {
    const credential = this.#credentials.get(peer);
    return credential !== undefined && this.#holds(credential) && !this.#isExpired(credential, this.judgedNow());
  }

  /** Also of one whose membership has ended, for its name. */
  member(peer: PeerId): Member | undefined {
    const credential = this.#credentials.get(peer);
    return credential && memberOf(credential);
  }

  members(): readonly Member[] {
    this.#unexpired ??= this.#held();
    const { members, canExpire } = this.#unexpired;
    if (!canExpire) return members;
    const now = this.judgedNow();
    return members.filter(({ credential }) => !this.#isExpired(credential, now));
  }

  /** Why the peer is a member no more; undefined when it is one, or never was. */
  endOf(peer: PeerId): 'evicted' | 'left' | 'expired' | 'issuer-evicted' | undefined {
    if (this.#isEvicted(peer)) return 'evicted';
    const credential = this.#credentials.get(peer);
    if (!credential) return undefined;
    if (this.#hasLeft(credential)) return 'left';
    if (this.#isEvicted(credential.certificate.issuer)) return 'issuer-evicted';
    return this.#isExpired(credential, this.judgedNow()) ? 'expired' : undefined;
  }

  /** Higher than every certificate of this peer so far, void ones included. */
  serialAfter(peer: PeerId): number {
    const serial = this.#credentials.get(peer)?.certificate.serial ?? -1;
    return Math.max(serial, this.#leftUpTo.get(peer) ?? -1) + 1;
  }

  credentials(): readonly Credential[] {
    return [...this.#credentials.values()];
  }

  removals(): readonly Removal[] {
    return [...this.#removals.values()];
  }

  /** Equal on nodes that hold the same statements. */
  digest(): string {
    return this.#digest.text();
  }

  /** The time by which certificates are judged: a machine without a working clock must neither lock itself out nor in. */
  judgedNow(): number {
    const own = this.#ownNow();
    if (this.#newestIssue === 0) return own;
    return own > this.#newestIssue + CLOCK_LEAD_MAX_MS ? this.#newestIssue : Math.max(own, this.#newestIssue);
  }

  #standing(peer: PeerId): Admission {
    const end = this.endOf(peer);
    if (end === undefined) return { ok: true, isNews: false };
    const serial = this.#leftUpTo.get(peer);
    return { ok: false, reason: END_REASONS[end], ...(end === 'left' && serial !== undefined && { serial }) };
  }

  #held(): { readonly members: readonly Member[]; readonly canExpire: boolean } {
    const held = [...this.#credentials.values()].filter((credential) => this.#holds(credential));
    return { members: held.map(memberOf), canExpire: held.some(({ certificate }) => certificate.notAfter > 0) };
  }

  /** It makes its peer a member, but for its time. */
  #holds(credential: Credential): boolean {
    const { peer, issuer } = credential.certificate;
    // A grant may have gone since: the fleet key's right to evict ends when an admin key appears, others never do.
    const isTrusted = grantedBy(this.#roots, issuer) !== undefined || credential.issuedBy !== undefined;
    return isTrusted && !this.#hasLeft(credential) && !this.#isEvicted(peer) && !this.#isEvicted(issuer);
  }

  #hasLeft({ certificate: { peer, serial } }: Credential): boolean {
    return serial <= (this.#leftUpTo.get(peer) ?? -1);
  }

  /** Evictions by a root hold; those by a member hold unless a root has evicted it. Two admins may evict each other: both go. */
  #isEvicted(peer: PeerId): boolean {
    return this.#isEvictedByRoot(peer) || this.#isEvictedByMember(peer);
  }

  #isEvictedByRoot(peer: PeerId): boolean {
    const { admin, fleet } = this.#roots;
    const evictors = this.#evictors.get(peer);
    return (
      evictors !== undefined &&
      [admin, fleet].some((root) => root !== undefined && evictors.has(root) && mayEvict(this.#roots, root))
    );
  }

  #isEvictedByMember(peer: PeerId): boolean {
    for (const issuer of this.#evictors.get(peer) ?? []) {
      if (grantedBy(this.#roots, issuer) === undefined && !this.#isEvictedByRoot(issuer)) return true;
    }
    return false;
  }

  #isExpired({ certificate: { notAfter } }: Credential, now: number): boolean {
    return notAfter > 0 && now > notAfter + EXPIRY_GRACE_MS;
  }
}

const END_REASONS = {
  evicted: 'it was evicted',
  left: 'it has left; it needs a new certificate',
  expired: 'its certificate has expired',
  'issuer-evicted': 'the admin who certified it was evicted; it needs a new certificate',
} as const;

function memberOf(credential: Credential): Member {
  const { peer, name, capabilities } = credential.certificate;
  return { peer, name, capabilities, credential };
}

/** A total order, so that all nodes keep the same one. */
function isNewer({ certificate: a }: Credential, { certificate: b }: Credential): boolean {
  return a.serial === b.serial ? a.signature > b.signature : a.serial > b.serial;
}
