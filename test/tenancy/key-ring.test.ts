import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { GatewayError } from '../../src/errors.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { configuredPrincipal, KeyRing } from '../../src/tenancy/key-ring.ts';
import { hashSecret, KeyStore } from '../../src/tenancy/key-store.ts';
import { TENANCY_MIGRATIONS } from '../../src/tenancy/migrations.ts';
import { ANONYMOUS, type Principal } from '../../src/tenancy/principal.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { seededRandom } from '../support/seeded-random.ts';

const HOME = '192.168.1.7';

function ringOf(configured = new Map<string, Principal>()) {
  const clock = new ManualClock(1_800_000_000_000);
  const database = openDatabase(':memory:', TENANCY_MIGRATIONS);
  const store = new KeyStore(database, clock, seededRandom(1));
  const ring = new KeyRing(store, clock, () => configured);
  return { clock, database, store, ring };
}

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof GatewayError, String(error));
    return error.code;
  }
  return 'admitted';
}

describe('virtual keys', () => {
  test('what holds for the tenant `default` holds for keys of the configuration and for who has none', () => {
    const configured = configuredPrincipal(1);
    const { store, ring } = ringOf(new Map([[hashSecret('from-the-file'), configured]]));
    const both = (): Principal[] => [ring.anonymous(), ring.identify(['from-the-file'], HOME)];
    assert.deepEqual(both(), [ANONYMOUS, configured]);
    store.putTenant('default', {
      limits: { requestsPerMinute: 9 },
      accounts: { openai: 'ours' },
      tags: { plan: 'free' },
    });
    ring.forget();
    const limits = [{ scope: 'tenant:default', spec: { requestsPerMinute: 9 } }];
    const common = { limits, accounts: { openai: 'ours' }, tags: { plan: 'free' } };
    assert.deepEqual(both(), [
      { ...ANONYMOUS, ...common },
      { ...configured, ...common },
    ]);
    assert.equal(ring.anonymous(), ring.anonymous(), 'looked up once');
    store.putTenant('default', { isDisabled: true });
    ring.forget();
    assert.equal(
      codeOf(() => ring.anonymous()),
      'unauthenticated',
    );
    assert.equal(
      codeOf(() => ring.identify(['from-the-file'], HOME)),
      'unauthenticated',
    );
  });

  test('a change of a tenant that depends on what it is finds nobody in between', () => {
    const directory = mkdtempSync(join(tmpdir(), 'flowmesh-tenant-'));
    const open = () => openDatabase(join(directory, 'gateway.db'), TENANCY_MIGRATIONS);
    const [database, beside] = [open(), open()];
    beside.pragma('busy_timeout = 0');
    const other = new KeyStore(beside, new ManualClock(), seededRandom(2));
    new KeyStore(database, new ManualClock(), seededRandom(1)).putTenant('acme', () => {
      assert.throws(() => other.putTenant('acme', { limits: { concurrent: 1 } }), { code: 'SQLITE_BUSY' });
      return { limits: { requestsPerMinute: 1 } };
    });
    const both = other.putTenant('acme', (known) => ({ limits: { ...known?.limits, concurrent: 1 } }));
    assert.deepEqual(both.limits, { requestsPerMinute: 1, concurrent: 1 });
    for (const one of [database, beside]) one.close();
    rmSync(directory, { recursive: true });
  });

  test('a key identifies its tenant, with the tags, accounts and limits of both', () => {
    const { store, ring } = ringOf();
    store.putTenant('acme', { limits: { costPerDay: 5 }, accounts: { openai: 'acme-openai' }, tags: { plan: 'pro' } });
    const { key, secret } = store.createKey({
      tenant: 'acme',
      name: 'app',
      limits: { requestsPerMinute: 9 },
      tags: { team: 'web' },
      scopes: { models: ['gpt-*'] },
    });
    ring.forget();
    assert.deepEqual(ring.identify([secret], HOME), {
      tenant: 'acme',
      keyId: key.id,
      tags: { plan: 'pro', team: 'web' },
      scopes: { models: ['gpt-*'] },
      accounts: { openai: 'acme-openai' },
      limits: [
        { scope: 'tenant:acme', spec: { costPerDay: 5 } },
        { scope: `key:${key.id}`, spec: { requestsPerMinute: 9 } },
      ],
    });
  });

  test('the database never holds a secret', () => {
    const { store, database } = ringOf();
    const { secret } = store.createKey({ tenant: 'acme', name: 'app' });
    assert.match(secret, /^fm-[\w-]{43}$/);
    assert.equal(database.serialize().includes(secret), false);
    assert.equal(database.serialize().includes(hashSecret(secret)), true);
  });

  test('a revoked, rotated, expired or unknown key is refused, and so is the key of a disabled tenant', () => {
    const { clock, store, ring } = ringOf();
    const revoked = store.createKey({ tenant: 'a', name: 'revoked' });
    const rotated = store.createKey({ tenant: 'a', name: 'rotated' });
    const expiring = store.createKey({ tenant: 'a', name: 'expiring', expiresAt: clock.now() + 1_000 });
    const disabled = store.createKey({ tenant: 'b', name: 'disabled' });
    for (const { secret } of [revoked, rotated, expiring, disabled]) ring.identify([secret], HOME);
    store.revokeKey(revoked.key.id);
    const next = store.rotateKey(rotated.key.id);
    store.putTenant('b', { isDisabled: true });
    clock.advance(1_000);
    ring.forget();
    for (const { secret } of [revoked, rotated, expiring, disabled]) {
      assert.equal(
        codeOf(() => ring.identify([secret], HOME)),
        'unauthenticated',
      );
    }
    assert.equal(ring.identify([next.secret], HOME).keyId, rotated.key.id);
    assert.equal(
      codeOf(() => ring.identify([], HOME)),
      'unauthenticated',
    );
  });

  test('a key bound to addresses works only from there', () => {
    const { store, ring } = ringOf();
    const { secret } = store.createKey({ tenant: 'a', name: 'lan', scopes: { cidrs: ['192.168.1.0/24', 'fd00::/8'] } });
    for (const address of [HOME, '::ffff:192.168.1.9', 'fd00::1'])
      assert.equal(ring.identify([secret], address).tenant, 'a');
    for (const address of ['10.0.0.1', '2001:db8::1']) {
      assert.equal(
        codeOf(() => ring.identify([secret], address)),
        'forbidden',
      );
    }
  });

  test('an address that guesses must wait longer and longer; others need not', () => {
    const { clock, store, ring } = ringOf();
    const { secret } = store.createKey({ tenant: 'a', name: 'good' });
    for (let i = 0; i < 101; i += 1)
      assert.equal(
        codeOf(() => ring.identify([`fm-wrong${i}`], HOME)),
        'unauthenticated',
      );
    assert.equal(
      codeOf(() => ring.identify(['fm-wrong'], HOME)),
      'rate_limited',
    );
    assert.equal(ring.identify([secret], '192.168.1.8').tenant, 'a');
    clock.advance(1_000);
    assert.equal(
      codeOf(() => ring.identify(['fm-wrong'], HOME)),
      'unauthenticated',
    );
    clock.advance(1_000);
    assert.equal(
      codeOf(() => ring.identify(['fm-wrong'], HOME)),
      'rate_limited',
    );
    clock.advance(1_000);
    assert.equal(
      codeOf(() => ring.identify(['fm-wrong'], HOME)),
      'unauthenticated',
    );
  });

  test('who was let in before is not held up by others who guess at the same address, nor by a change of keys', () => {
    const { clock, store, ring } = ringOf();
    const { key, secret } = store.createKey({ tenant: 'a', name: 'good' });
    assert.equal(ring.identify([secret], HOME).tenant, 'a');
    for (let i = 0; i < 101; i += 1) codeOf(() => ring.identify([`fm-wrong${i}`], HOME));
    store.createKey({ tenant: 'b', name: 'other' });
    ring.forget();
    assert.equal(ring.identify([secret], HOME).tenant, 'a');
    store.revokeKey(key.id);
    ring.forget();
    const codes = [0, 1].map(() => codeOf(() => ring.identify([secret], HOME)));
    assert.deepEqual(codes, ['unauthenticated', 'rate_limited']);
    clock.advance(60_000);
    assert.equal(
      codeOf(() => ring.identify([secret], HOME)),
      'unauthenticated',
    );
  });

  test('the gateway is open until the first key is made or configured', () => {
    const { store, ring } = ringOf();
    assert.equal(ring.admitsAnonymous([]), true);
    const { key } = store.createKey({ tenant: 'a', name: 'first' });
    ring.forget();
    assert.equal(ring.admitsAnonymous([]), false);
    store.revokeKey(key.id);
    ring.forget();
    assert.equal(ring.admitsAnonymous([]), false, 'revoking the last key must not open the gateway to everyone');
    assert.equal(ringOf(new Map([[hashSecret('static'), configuredPrincipal(1)]])).ring.admitsAnonymous([]), false);
  });

  test('a key of the configuration is its own entry under the default tenant', () => {
    const { ring } = ringOf(new Map([[hashSecret('static'), configuredPrincipal(1)]]));
    assert.equal(ring.identify(['static'], HOME).keyId, 'config-1');
    assert.equal(ring.identify(['static'], HOME).tenant, 'default');
  });
});

test('a key that is revoked, expired or of a disabled tenant is not usable', () => {
  const clock = new ManualClock();
  const store = new KeyStore(openDatabase(':memory:', TENANCY_MIGRATIONS), clock, seededRandom(1));
  assert.equal(store.hasUsableKeys(), false);
  const { key } = store.createKey({ tenant: 'a', name: 'first' });
  assert.equal(store.hasUsableKeys(), true);
  store.revokeKey(key.id);
  assert.equal(store.hasUsableKeys(), false);
  store.createKey({ tenant: 'a', name: 'second', expiresAt: clock.now() + 1_000 });
  store.putTenant('a', { isDisabled: true });
  assert.equal(store.hasUsableKeys(), false);
  store.putTenant('a', { isDisabled: false });
  assert.equal(store.hasUsableKeys(), true);
  clock.advance(1_000);
  assert.equal(store.hasUsableKeys(), false);
});
