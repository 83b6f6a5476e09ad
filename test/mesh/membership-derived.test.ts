// What follows from the statements is kept as they come. Here it is derived from all of them at once instead, and must be
// the same after each of them, in whatever order they came.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Credential, issueCertificate } from '../../src/mesh/certificate.ts';
import { type Identity, identityFromSeed } from '../../src/mesh/identity.ts';
import { EXPIRY_GRACE_MS, Membership } from '../../src/mesh/membership.ts';
import { grantedBy, type MeshRoots, mayEvict, meshIdOf } from '../../src/mesh/mesh-keys.ts';
import { issueRemoval, type Removal } from '../../src/mesh/removal.ts';
import { SetDigest } from '../../src/mesh/set-digest.ts';
import type { MeshCapability } from '../../src/model/mesh-capability.ts';
import type { PeerId } from '../../src/ports.ts';
import { fc } from '../support/property.ts';
import { seededRandom } from '../support/seeded-random.ts';

const random = seededRandom(11);
const key = (): Identity => identityFromSeed(random.bytes(32));
const DAY_MS = 86_400_000;
const NOW = 1_800_000_000_000;

const [admin, fleet, deputy, other] = [key(), key(), key(), key()];
const members = [deputy, other, key(), key(), key()];
const meshId = meshIdOf(fleet.peer);

/** The sets of statements that hold, as a node that was told them keeps them. */
interface Told {
  roots: MeshRoots;
  readonly credentials: Map<PeerId, Credential>;
  readonly removals: Map<string, Removal>;
}

function credentialOf(issuer: Identity, { peer }: Identity, serial: number, wanted: Wanted = {}): Credential {
  const { capabilities = ['serve'], notAfter = 0, issuedBy } = wanted;
  const fields = { meshId, peer, name: 'n', capabilities, notBefore: NOW, notAfter, serial };
  return { certificate: issueCertificate(issuer, fields), ...(issuedBy && { issuedBy: issuedBy.certificate }) };
}

interface Wanted {
  readonly capabilities?: readonly MeshCapability[];
  readonly notAfter?: number;
  readonly issuedBy?: Credential;
}

const asAdmin = (peer: Identity): Credential => credentialOf(admin, peer, 1, { capabilities: ['serve', 'admin'] });

function removalOf(kind: Removal['kind'], issuer: Identity, { peer }: Identity, serial: number): Removal {
  const isRoot = issuer === admin || issuer === fleet;
  const proof = kind === 'evicted' && !isRoot ? asAdmin(issuer) : undefined;
  return issueRemoval(issuer, { kind, meshId, peer, serial, at: NOW, reason: 'r' }, proof);
}

/** Everything that may be said: certificates of both roots and of deputies, some of which run out, leaves, evictions. */
const CREDENTIALS: readonly Credential[] = members.flatMap((member) => [
  credentialOf(fleet, member, 1),
  credentialOf(fleet, member, 3),
  credentialOf(admin, member, 2, { notAfter: NOW - EXPIRY_GRACE_MS - DAY_MS }),
  credentialOf(deputy, member, 4, { issuedBy: asAdmin(deputy), notAfter: NOW + DAY_MS }),
  asAdmin(member),
]);
const REMOVALS: readonly Removal[] = members.flatMap((member) => [
  removalOf('left', member, member, 1),
  removalOf('left', member, member, 3),
  removalOf('evicted', admin, member, 0),
  removalOf('evicted', fleet, member, 0),
  removalOf('evicted', deputy, member, 0),
  removalOf('evicted', other, member, 1),
]);

type Statement = { readonly credential: Credential } | { readonly removal: Removal } | 'an admin key is made';

const STATEMENTS: readonly Statement[] = [
  ...CREDENTIALS.map((credential) => ({ credential })),
  ...REMOVALS.map((removal) => ({ removal })),
  'an admin key is made',
];

function derive({ roots, credentials, removals }: Told, now: number) {
  const evictions = [...removals.values()].filter(({ kind }) => kind === 'evicted');
  const isRoot = (peer: PeerId): boolean => grantedBy(roots, peer) !== undefined;
  const byRoot = new Set(
    evictions.filter(({ issuer }) => isRoot(issuer) && mayEvict(roots, issuer)).map(({ peer }) => peer),
  );
  const byMembers = evictions.filter(({ issuer }) => !isRoot(issuer) && !byRoot.has(issuer)).map(({ peer }) => peer);
  const evicted = new Set([...byRoot, ...byMembers]);
  const leftUpTo = (peer: PeerId): number =>
    Math.max(-1, ...[...removals.values()].filter((r) => r.kind === 'left' && r.peer === peer).map((r) => r.serial));
  const ends = new Map<PeerId, string | undefined>();
  const held: PeerId[] = [];
  for (const [peer, { certificate, issuedBy }] of credentials) {
    const { issuer, serial, notAfter } = certificate;
    const isExpired = notAfter > 0 && now > notAfter + EXPIRY_GRACE_MS;
    const isLeft = serial <= leftUpTo(peer);
    const end = isLeft ? 'left' : evicted.has(issuer) ? 'issuer-evicted' : isExpired ? 'expired' : undefined;
    ends.set(peer, evicted.has(peer) ? 'evicted' : end);
    if (ends.get(peer) === undefined && (isRoot(issuer) || issuedBy !== undefined)) held.push(peer);
  }
  for (const peer of evicted) ends.set(peer, 'evicted');
  const digest = new SetDigest();
  const lines = [
    ...[...credentials.values()].map(({ certificate }) => certificate.signature),
    ...[...removals].map(([id, { serial }]) => `${id} ${serial}`),
  ];
  for (const line of lines.sort()) digest.add(line);
  return { held, ends: members.map(({ peer }) => ends.get(peer)), digest: digest.text() };
}

function tell(membership: Membership, told: Told, statement: Statement): void {
  if (statement === 'an admin key is made') {
    membership.setAdmin(admin.peer);
    told.roots = { ...told.roots, admin: admin.peer };
  } else if ('credential' in statement) {
    membership.admit(statement.credential);
  } else {
    membership.remove(statement.removal);
  }
  // Which statements are kept is told by the other tests; what follows from them is asked here.
  told.credentials.clear();
  for (const credential of membership.credentials()) told.credentials.set(credential.certificate.peer, credential);
  told.removals.clear();
  for (const removal of membership.removals()) {
    told.removals.set(`${removal.peer} ${removal.issuer} ${removal.kind}`, removal);
  }
}

test('what is kept as statements come is what follows from all of them', () => {
  const histories = fc.array(fc.constantFrom(...STATEMENTS), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(histories, (statements) => {
      const roots = { meshId, fleet: fleet.peer };
      const membership = new Membership(roots, () => NOW);
      const told: Told = { roots, credentials: new Map(), removals: new Map() };
      for (const statement of statements) {
        tell(membership, told, statement);
        const { held, ends, digest } = derive(told, membership.judgedNow());
        assert.deepEqual(
          membership.members().map(({ peer }) => peer),
          held,
        );
        assert.deepEqual(
          members.map(({ peer }) => membership.isMember(peer)),
          members.map(({ peer }) => held.includes(peer)),
        );
        assert.deepEqual(
          members.map(({ peer }) => membership.endOf(peer)),
          ends,
        );
        assert.equal(membership.digest(), digest);
      }
    }),
    { seed: 20, numRuns: 1_000 },
  );
});

test('a set of statements has one digest, whatever else was in it before', () => {
  const digest = new SetDigest();
  assert.equal(digest.text(), 'AAAAAAAAAAAA');
  digest.add('a');
  const alone = digest.text();
  digest.add('b');
  const both = digest.text();
  digest.remove('a');
  assert.notEqual(digest.text(), alone);
  digest.add('a');
  assert.equal(digest.text(), both);
  digest.remove('b');
  assert.equal(digest.text(), alone);
});
