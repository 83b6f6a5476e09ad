import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Credential, issueCertificate, parseCredential } from '../../src/mesh/certificate.ts';
import { MEMBER_PATHS } from '../../src/mesh/exchange.ts';
import { type Identity, identityFromSeed } from '../../src/mesh/identity.ts';
import { listPage, nextPage, PAGE_BYTES, wholeList } from '../../src/mesh/member-pages.ts';
import { Membership } from '../../src/mesh/membership.ts';
import { meshIdOf } from '../../src/mesh/mesh-keys.ts';
import { MeshStore } from '../../src/mesh/mesh-store.ts';
import { issueRemoval, parseRemoval } from '../../src/mesh/removal.ts';
import { BODY_BYTES_MAX } from '../../src/mesh/wire.ts';
import { asArray, asObject, type JsonObject } from '../../src/model/json.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { SimMesh, type SimNode } from '../support/sim-mesh.ts';

const random = seededRandom(23);
const key = (): Identity => identityFromSeed(random.bytes(32));
const NOW = 1_800_000_000_000;
const admin = key();
const roots = { meshId: meshIdOf(admin.peer), admin: admin.peer };
/** Of a node that is in a dozen networks. */
const addressesOf = (peer: string): string[] =>
  [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12].map((lan) => `/ip4/10.${lan}.0.7/udp/2402/quic-v1/p2p/${peer}`);

const newMembership = (): Membership => new Membership(roots, () => NOW);

function credentialOf(peer: string): Credential {
  const fields = {
    meshId: roots.meshId,
    peer,
    name: 'n',
    capabilities: ['serve'],
    notBefore: NOW,
    notAfter: 0,
    serial: 1,
  } as const;
  return { certificate: issueCertificate(admin, fields) };
}

function admit(membership: Membership, count: number): void {
  for (let index = 0; index < count; index += 1) membership.admit(credentialOf(key().peer));
}

function evict(membership: Membership, count: number): void {
  for (const { certificate } of membership.credentials().slice(0, count)) {
    const fields = {
      kind: 'evicted',
      meshId: roots.meshId,
      peer: certificate.peer,
      serial: 1,
      at: NOW,
      reason: 'r'.repeat(200),
    } as const;
    membership.remove(issueRemoval(admin, fields));
  }
}

/** As it comes over the wire. */
function take(membership: Membership, page: JsonObject): void {
  for (const value of asArray(page.removals)) {
    const removal = parseRemoval(value);
    if (removal) membership.remove(removal);
  }
  for (const value of asArray(page.members)) {
    const credential = parseCredential(asObject(value)?.credential);
    if (credential) membership.admit(credential);
  }
}

const bytesOf = (page: JsonObject): number => Buffer.byteLength(JSON.stringify(page));

test('5,000 members and 2,000 evictions, more than one answer holds, come in pages that a peer accepts', () => {
  const told = newMembership();
  admit(told, 5_000);
  evict(told, 2_000);
  assert.ok(bytesOf(wholeList(told, addressesOf)) > BODY_BYTES_MAX);
  const heard = newMembership();
  let pages = 0;
  for (let from: number | undefined = 0; from !== undefined; pages += 1) {
    const page = listPage(told, addressesOf, from);
    assert.ok(bytesOf(page) < PAGE_BYTES + 8_192, `page ${pages} has ${bytesOf(page)} bytes`);
    take(heard, page);
    from = nextPage(page, from);
  }
  assert.ok(pages > 8);
  assert.equal(heard.digest(), told.digest());
  assert.equal(heard.members().length, 3_000);
});

test('what comes while the pages are turned leaves nobody out', () => {
  const told = newMembership();
  admit(told, 1_500);
  const heard = newMembership();
  let latecomers = 0;
  for (let from: number | undefined = 0; from !== undefined; ) {
    const page = listPage(told, addressesOf, from);
    take(heard, page);
    from = nextPage(page, from);
    if (from === undefined) break;
    admit(told, 1);
    latecomers += 1;
    evict(told, latecomers);
  }
  const peers = (membership: Membership): string[] =>
    membership
      .credentials()
      .map((one) => one.certificate.peer)
      .sort();
  assert.ok(latecomers > 1);
  assert.deepEqual(peers(heard), peers(told));
});

test('who asks without pages is told all at once; a peer that knows none is not asked for a second one', () => {
  const told = newMembership();
  admit(told, 1_500);
  const whole = wholeList(told, addressesOf);
  assert.equal(asArray(whole.members).length, 1_500);
  assert.deepEqual(Object.keys(whole), ['removals', 'members']);
  assert.equal(nextPage(whole, 0), undefined);
});

test('a peer that says nonsense of the next page is asked no further', () => {
  for (const next of [0, 7, -1, 7.5, '8', null, 1e300, 15_000]) assert.equal(nextPage({ next }, 7), undefined);
  assert.equal(nextPage({ next: 8 }, 7), 8);
  const told = newMembership();
  admit(told, 2);
  for (const first of [-5, 0.9]) assert.equal(asArray(listPage(told, addressesOf, first).members).length, 2);
  assert.deepEqual(listPage(told, addressesOf, 1e300), { removals: [], members: [] });
});

test('a newcomer learns all members of a large mesh from one of them, page by page', async () => {
  const sim = new SimMesh();
  const fleet = sim.newKey();
  const old = sim.addNode({ fleet });
  const meshId = meshIdOf(fleet.peer);
  const store = new MeshStore(old.database);
  store.setRoots({ meshId, fleet: fleet.peer });
  for (let index = 0; index < 1_500; index += 1) {
    const fields = {
      meshId,
      peer: key().peer,
      name: 'n'.repeat(64),
      capabilities: ['serve'],
      notBefore: 0,
      notAfter: 0,
      serial: 0,
    } as const;
    store.putMember({ certificate: issueCertificate(fleet, fields) });
  }
  const young = sim.addNode({ fleet });
  let pages = 0;
  const request = young.transport.request.bind(young.transport);
  young.transport.request = (peer, asked) => {
    if (asked.path === MEMBER_PATHS.members) pages += 1;
    return request(peer, asked);
  };
  await old.mesh.start();
  await young.mesh.start();
  const known = (node: SimNode): number => node.mesh.view().length;
  await sim.runUntil(() => known(young) === 1_501, 5_000, 'all members known');
  assert.ok(pages > 1);
});
