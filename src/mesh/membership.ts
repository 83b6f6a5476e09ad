// Who belongs to the mesh: a set of signed statements that only grows, and what follows from it. Two nodes with the same
// statements agree, in whatever order they came; so nodes just hand each other what the other lacks.

import { createHash } from 'node:crypto';
import type { MeshCapability } from '../model/mesh-capability.ts';
import type { PeerId } from '../ports.ts';
import { type Credential, credentialProblem } from './certificate.ts';
import { grantedBy, type MeshRoots, mayEvict } from './mesh-keys.ts';
import { type Removal, removalProblem } from './removal.ts';

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
/** A clock further ahead than this of the newest certificate is believed to be wrong. */
const CLOCK_LEAD_MAX_MS = 730 * DAY_MS;
/** Far above any mesh; a stolen admin key must not fill the disks. */
const MEMBERS_MAX = 5_000;
const REMOVALS_MAX = 10_000;

export class Membership {
  #roots: MeshRoots;
  readonly #ownNow: () => number;
  readonly #credentials = new Map<PeerId, Credential>();
  /** By peer and issuer: an eviction outlives that of another issuer who turns out to be evicted. */
  readonly #removals = new Map<string, Removal>();
  /** What follows from the statements; absent after a change. */
  #derived: Derived | undefined;
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
    this.#derived = undefined;
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
    this.#derived = undefined;
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
    this.#derived = undefined;
    return { ok: true, isNews: true };
  }

  isMember(peer: PeerId): boolean {
    return this.#facts().members.has(peer) && !this.#isExpired(peer);
  }

  /** Also of one whose membership has ended, for its name. */
  member(peer: PeerId): Member | undefined {
    const credential = this.#credentials.get(peer);
    return credential && memberOf(credential);
  }

  members(): readonly Member[] {
    return [...this.#facts().members.values()].filter(({ peer }) => !this.#isExpired(peer));
  }

  /** Why the peer is a member no more; undefined when it is one, or never was. */
  endOf(peer: PeerId): 'evicted' | 'left' | 'expired' | 'issuer-evicted' | undefined {
    const { evicted, leftUpTo } = this.#facts();
    if (evicted.has(peer)) return 'evicted';
    const credential = this.#credentials.get(peer);
    if (!credential) return undefined;
    const { serial, issuer } = credential.certificate;
    if (serial <= (leftUpTo.get(peer) ?? -1)) return 'left';
    if (evicted.has(issuer)) return 'issuer-evicted';
    return this.#isExpired(peer) ? 'expired' : undefined;
  }

  /** Higher than every certificate of this peer so far, void ones included. */
  serialAfter(peer: PeerId): number {
    const serial = this.#credentials.get(peer)?.certificate.serial ?? -1;
    return Math.max(serial, this.#facts().leftUpTo.get(peer) ?? -1) + 1;
  }

  credentials(): readonly Credential[] {
    return [...this.#credentials.values()];
  }

  removals(): readonly Removal[] {
    return [...this.#removals.values()];
  }

  /** Equal on nodes that hold the same statements. */
  digest(): string {
    return this.#facts().digest;
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
    const serial = this.#facts().leftUpTo.get(peer);
    return { ok: false, reason: END_REASONS[end], ...(end === 'left' && serial !== undefined && { serial }) };
  }

  #isExpired(peer: PeerId): boolean {
    const notAfter = this.#credentials.get(peer)?.certificate.notAfter ?? 0;
    return notAfter > 0 && this.judgedNow() > notAfter + EXPIRY_GRACE_MS;
  }

  #facts(): Derived {
    this.#derived ??= derive(this.#roots, this.#credentials, this.#removals);
    return this.#derived;
  }
}

const END_REASONS = {
  evicted: 'it was evicted',
  left: 'it has left; it needs a new certificate',
  expired: 'its certificate has expired',
  'issuer-evicted': 'the admin who certified it was evicted; it needs a new certificate',
} as const;

interface Derived {
  readonly members: ReadonlyMap<PeerId, Member>;
  readonly evicted: ReadonlySet<PeerId>;
  readonly leftUpTo: ReadonlyMap<PeerId, number>;
  readonly digest: string;
}

function derive(
  roots: MeshRoots,
  credentials: ReadonlyMap<PeerId, Credential>,
  removals: ReadonlyMap<string, Removal>,
): Derived {
  const evicted = evictedPeers(roots, [...removals.values()]);
  const leftUpTo = new Map<PeerId, number>();
  for (const { kind, peer, serial } of removals.values()) {
    if (kind === 'left') leftUpTo.set(peer, Math.max(serial, leftUpTo.get(peer) ?? -1));
  }
  const members = new Map<PeerId, Member>();
  for (const [peer, credential] of credentials) {
    const { serial, issuer } = credential.certificate;
    const isOut = evicted.has(peer) || evicted.has(issuer) || serial <= (leftUpTo.get(peer) ?? -1);
    // A grant may have gone since: the fleet key's right to evict ends when an admin key appears, others never do.
    const isTrusted = grantedBy(roots, issuer) !== undefined || credential.issuedBy !== undefined;
    if (!isOut && isTrusted) members.set(peer, memberOf(credential));
  }
  return { members, evicted, leftUpTo, digest: digestOf(credentials, removals) };
}

/** Evictions by a root hold; those by a member hold unless a root has evicted it. Two admins may evict each other: both go. */
function evictedPeers(roots: MeshRoots, removals: readonly Removal[]): ReadonlySet<PeerId> {
  const evictions = removals.filter(({ kind }) => kind === 'evicted');
  const isByRoot = ({ issuer }: Removal): boolean => grantedBy(roots, issuer) !== undefined;
  const byRoot = new Set(
    evictions.filter((removal) => isByRoot(removal) && mayEvict(roots, removal.issuer)).map(({ peer }) => peer),
  );
  const byMembers = evictions.filter((removal) => !isByRoot(removal) && !byRoot.has(removal.issuer));
  return new Set([...byRoot, ...byMembers.map(({ peer }) => peer)]);
}

function digestOf(credentials: ReadonlyMap<PeerId, Credential>, removals: ReadonlyMap<string, Removal>): string {
  const lines = [
    ...[...credentials.values()].map(({ certificate }) => certificate.signature),
    ...[...removals].map(([id, { serial }]) => `${id} ${serial}`),
  ].sort();
  return createHash('sha256').update(lines.join('\n')).digest('base64url').slice(0, 12);
}

function memberOf(credential: Credential): Member {
  const { peer, name, capabilities } = credential.certificate;
  return { peer, name, capabilities, credential };
}

/** A total order, so that all nodes keep the same one. */
function isNewer({ certificate: a }: Credential, { certificate: b }: Credential): boolean {
  return a.serial === b.serial ? a.signature > b.signature : a.serial > b.serial;
}
