import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Credential, issueCertificate, parseCredential, renderCredential } from '../../src/mesh/certificate.ts';
import { Certifier, RENEWAL_MS, VALIDITY_MS } from '../../src/mesh/certifier.ts';
import { type Identity, identityFromSeed } from '../../src/mesh/identity.ts';
import { Membership } from '../../src/mesh/membership.ts';
import { meshIdOf } from '../../src/mesh/mesh-keys.ts';
import { issueRemoval, parseRemoval, type Removal, type RemovalFields, renderRemoval } from '../../src/mesh/removal.ts';
import { MESH_CAPABILITIES, type MeshCapability } from '../../src/model/mesh-capability.ts';
import { seededRandom } from '../support/seeded-random.ts';

const random = seededRandom(7);
const key = (): Identity => identityFromSeed(random.bytes(32));
const DAY_MS = 86_400_000;
const NOW = 1_800_000_000_000;

const admin = key();
const roots = { meshId: meshIdOf(admin.peer), admin: admin.peer };

interface Wanted {
  readonly issuer?: Identity;
  readonly capabilities?: readonly MeshCapability[];
  readonly notBefore?: number;
  readonly notAfter?: number;
  readonly serial?: number;
  readonly meshId?: string;
  readonly issuedBy?: Credential;
}

function credentialOf(peer: string, wanted: Wanted = {}): Credential {
  const { issuer = admin, capabilities = ['serve'], issuedBy, ...fields } = wanted;
  const certificate = issueCertificate(issuer, {
    meshId: roots.meshId,
    peer,
    name: 'n',
    capabilities,
    notBefore: NOW,
    notAfter: NOW + 365 * DAY_MS,
    serial: 1,
    ...fields,
  });
  return { certificate, ...(issuedBy && { issuedBy: issuedBy.certificate }) };
}

function eviction(peer: string, issuer = admin, issuedBy?: Credential): Removal {
  const fields: RemovalFields = { kind: 'evicted', meshId: roots.meshId, peer, serial: 1, at: NOW, reason: 'r' };
  return issueRemoval(issuer, fields, issuedBy);
}

const membershipAt = (now: number): Membership => new Membership(roots, () => now);

test('a certificate survives the wire, and no changed one does', () => {
  const credential = credentialOf(key().peer, { capabilities: ['cache:write', 'serve'] });
  const parsed = parseCredential(JSON.parse(JSON.stringify(renderCredential(credential))));
  assert.ok(parsed);
  assert.deepEqual(membershipAt(NOW).admit(parsed), { ok: true, isNews: true });
  const changed = [
    { capabilities: [...MESH_CAPABILITIES] },
    { name: 'other' },
    { notAfter: 0 },
    { serial: 2 },
    { peer: key().peer },
    { issuer: key().peer },
  ];
  for (const change of changed) {
    const forged: Credential = { ...parsed, certificate: { ...parsed.certificate, ...change } };
    assert.equal(membershipAt(NOW).admit(forged).ok, false, JSON.stringify(change));
  }
});

const REFUSED: readonly [what: string, credential: () => Credential, reason: RegExp][] = [
  ['of another mesh', () => credentialOf(key().peer, { meshId: 'mesh-x' }), /it belongs to another mesh/],
  ['signed by a stranger', () => credentialOf(key().peer, { issuer: key() }), /signed by nobody this mesh trusts/],
  [
    'by a member without admin',
    () => {
      const member = key();
      return credentialOf(key().peer, { issuer: member, issuedBy: credentialOf(member.peer) });
    },
    /its issuer is no admin/,
  ],
  [
    'that makes an admin, by an admin who is not the admin key',
    () => {
      const deputy = key();
      const issuedBy = credentialOf(deputy.peer, { capabilities: ['admin'] });
      return credentialOf(key().peer, { issuer: deputy, capabilities: ['admin'], issuedBy });
    },
    /its issuer cannot grant admin/,
  ],
];

for (const [what, credential, reason] of REFUSED) {
  test(`a certificate ${what} is refused with its reason`, () => {
    const admission = membershipAt(NOW).admit(credential());
    assert.match(admission.ok ? 'admitted' : admission.reason, reason);
  });
}

test('the fleet key grants everything but admin, and evicts only where there is no admin key', () => {
  const fleet = key();
  const [peer, victim] = [key().peer, key().peer];
  const fleetRoots = { meshId: meshIdOf(fleet.peer), fleet: fleet.peer };
  const membership = new Membership(fleetRoots, () => NOW);
  const of = (id: string, capabilities: readonly MeshCapability[]): Credential =>
    credentialOf(id, { issuer: fleet, meshId: fleetRoots.meshId, capabilities, notAfter: 0 });
  assert.deepEqual(membership.admit(of(peer, ['admin'])), {
    ok: false,
    reason: 'the certificate is refused: its issuer cannot grant admin',
  });
  membership.admit(of(peer, ['serve', 'config:write']));
  membership.admit(of(victim, ['serve']));
  const fields: RemovalFields = {
    kind: 'evicted',
    meshId: fleetRoots.meshId,
    peer: victim,
    serial: 1,
    at: NOW,
    reason: '',
  };
  membership.remove(issueRemoval(fleet, fields));
  assert.equal(membership.isMember(victim), false);
  membership.setAdmin(admin.peer);
  assert.equal(membership.isMember(victim), true);
});

test('in whatever order statements come, all nodes agree in the end', () => {
  const [deputy, other, thief] = [key(), key(), key()];
  const asAdmin = (peer: string): Credential => credentialOf(peer, { capabilities: ['serve', 'admin'] });
  const deputyCredential = asAdmin(deputy.peer);
  const statements: ((membership: Membership) => unknown)[] = [
    (m) => m.admit(deputyCredential),
    (m) => m.admit(asAdmin(other.peer)),
    (m) => m.admit(credentialOf(thief.peer, { issuer: deputy, issuedBy: deputyCredential, serial: 5 })),
    (m) => m.admit(credentialOf(thief.peer, { serial: 3 })),
    (m) => m.remove(eviction(other.peer, deputy, deputyCredential)),
    (m) => m.remove(eviction(deputy.peer, other, asAdmin(other.peer))),
    (m) => m.remove(eviction(thief.peer)),
    (m) => m.remove(eviction(other.peer)),
  ];
  const outcomes = new Set<string>();
  for (let round = 0; round < 50; round += 1) {
    const membership = membershipAt(NOW);
    const order = statements.map((statement) => ({ statement, at: random.next() })).sort((a, b) => a.at - b.at);
    for (const { statement } of order) statement(membership);
    outcomes.add(
      `${membership.digest()} ${membership
        .members()
        .map(({ peer }) => peer)
        .join()}`,
    );
  }
  assert.equal(outcomes.size, 1);
  // The admin key has evicted `other`, so what that one said of `deputy` is void.
  assert.deepEqual(
    [...outcomes].map((outcome) => outcome.split(' ')[1]),
    [deputy.peer],
  );
});

test('an evicted admin takes those with it whom it certified', () => {
  const deputy = key();
  const guest = key().peer;
  const issuedBy = credentialOf(deputy.peer, { capabilities: ['admin'] });
  const membership = membershipAt(NOW);
  membership.admit(issuedBy);
  membership.admit(credentialOf(guest, { issuer: deputy, issuedBy }));
  membership.remove(eviction(deputy.peer));
  assert.deepEqual([membership.endOf(deputy.peer), membership.endOf(guest)], ['evicted', 'issuer-evicted']);
});

test('a removal survives the wire, and no forged one counts', () => {
  const [member, victim] = [key(), key()];
  const membership = membershipAt(NOW);
  for (const { peer } of [member, victim]) membership.admit(credentialOf(peer));
  const forged = eviction(victim.peer, member, credentialOf(member.peer));
  assert.deepEqual(membership.remove(forged), { ok: false, reason: 'the removal is refused: its issuer is no admin' });
  const leaving: RemovalFields = {
    kind: 'left',
    meshId: roots.meshId,
    peer: victim.peer,
    serial: 1,
    at: NOW,
    reason: '',
  };
  assert.equal(membership.remove(issueRemoval(member, leaving)).ok, false, 'nobody leaves for another');
  const parsed = parseRemoval(JSON.parse(JSON.stringify(renderRemoval(eviction(victim.peer)))));
  assert.ok(parsed);
  assert.equal(membership.remove({ ...parsed, reason: 'changed' }).ok, false);
  assert.deepEqual(membership.remove(parsed), { ok: true, isNews: true });
  assert.deepEqual(membership.remove(parsed), { ok: true, isNews: false });
  assert.deepEqual(membership.admit(credentialOf(victim.peer, { serial: 99 })), {
    ok: false,
    reason: 'it was evicted',
  });
});

test('leaving ends the certificates so far; a newer one is as good as ever', () => {
  const member = key();
  const membership = membershipAt(NOW);
  membership.admit(credentialOf(member.peer));
  const certifier = new Certifier({ identity: member }, membership);
  membership.remove(certifier.leave('bye'));
  assert.equal(membership.endOf(member.peer), 'left');
  assert.deepEqual(membership.admit(credentialOf(member.peer, { serial: 2 })), { ok: true, isNews: true });
});

test('expiry is judged by the newest certificate where a clock is behind, and leniently where it is ahead', () => {
  const [old, fresh] = [key().peer, key().peer];
  const ending = (notBefore: number): Wanted => ({ notBefore, notAfter: notBefore + 365 * DAY_MS });
  const standing = (now: number): readonly boolean[] => {
    const membership = membershipAt(now);
    membership.admit(credentialOf(old, ending(NOW)));
    membership.admit(credentialOf(fresh, ending(NOW + 400 * DAY_MS)));
    return [membership.isMember(old), membership.isMember(fresh)];
  };
  // 1970: the newest certificate says that at least 400 days have passed, with 30 days of grace.
  assert.deepEqual(standing(0), [false, true]);
  assert.deepEqual(standing(NOW + 380 * DAY_MS), [false, true]);
  // Eighty years ahead of everything: the clock is wrong, not the certificate.
  assert.deepEqual(standing(NOW + 80 * 365 * DAY_MS), [false, true]);
  // As far ahead as the newest certificate would have been renewed long ago, if that much time had passed.
  assert.deepEqual(standing(NOW + 800 * DAY_MS), [false, true]);
});

test('a clock that is ahead, by however much, ends no membership that is renewed in time', () => {
  const [early, late] = [key().peer, key().peer];
  const lasting = (notBefore: number): Wanted => ({ notBefore, notAfter: notBefore + VALIDITY_MS });
  // The one is about to be renewed when the other is issued.
  const issued = NOW + VALIDITY_MS - RENEWAL_MS;
  for (let days = 0; days < 4_000; days += 1) {
    const membership = membershipAt(issued + days * DAY_MS);
    membership.admit(credentialOf(early, lasting(NOW)));
    membership.admit(credentialOf(late, lasting(issued)));
    assert.deepEqual([membership.isMember(early), membership.isMember(late)], [true, true], `${days} days ahead`);
  }
});
