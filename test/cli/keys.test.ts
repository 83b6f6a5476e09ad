import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandPlace } from '../support/command.ts';
import { startEcho } from '../support/echo-upstream.ts';

test('keys create prints the secret alone on standard output, and the advice beside it', async () => {
  using place = commandPlace();
  const made = await place.run(['keys', 'create', '--tenant', 'acme']);
  assert.equal(made.exitCode, 0);
  assert.match(made.stdout, /^fm-[\w-]{43}\n$/);
  const [, id] = /^Made (key_\w{16}) of tenant acme\./.exec(made.stderr) ?? [];
  assert.ok(id, made.stderr);
  assert.match(made.stderr, /From now on every client needs a key/);
  const second = await place.run(['keys', 'create', '--tenant', 'acme']);
  assert.doesNotMatch(second.stderr, /From now on/);
});

test('every option of keys create is kept, and keys list shows it without a secret', async () => {
  using place = commandPlace();
  const options =
    '--tenant acme --name app --models gpt-*,claude --chains main --endpoints chat --cidr 10.0.0.0/8 --expires 2999-01-01 --rpm 5 --tpm 6 --concurrent 7 --cost-per-day 1.5 --cost-per-month 20 --tokens-per-day 8 --tokens-per-month 9 --tag team=web --tag plan=pro --account openai=acme';
  const made = await place.run(['keys', 'create', ...options.split(' ')]);
  assert.equal(made.exitCode, 0, made.stderr);
  const { stdout } = await place.run(['keys', 'list', '--json']);
  const [{ id, createdAt, ...key }] = JSON.parse(stdout);
  assert.match(id, /^key_/);
  assert.ok(createdAt > 0);
  assert.deepEqual(key, {
    tenant: 'acme',
    name: 'app',
    expiresAt: Date.UTC(2999, 0, 1),
    scopes: { models: ['gpt-*', 'claude'], chains: ['main'], endpoints: ['chat'], cidrs: ['10.0.0.0/8'] },
    limits: {
      requestsPerMinute: 5,
      tokensPerMinute: 6,
      concurrent: 7,
      tokensPerDay: 8,
      tokensPerMonth: 9,
      costPerDay: 1.5,
      costPerMonth: 20,
    },
    accounts: { openai: 'acme' },
    tags: { team: 'web', plan: 'pro' },
  });
  const shown = await place.run(['keys', 'list', '--tenant', 'acme']);
  assert.match(
    shown.stdout,
    /^ID +TENANT +NAME +STATE +SCOPES +LIMITS +ACCOUNTS +TAGS\nkey_\w+ +acme +app +until 2999-01-01 +models=/,
  );
  assert.match(shown.stdout, / {2}openai=acme +team=web plan=pro\n$/);
  assert.ok(!shown.stdout.includes(made.stdout.trim()));
});

test('keys list says of which keys the tenant is disabled', async () => {
  using place = commandPlace();
  for (const tenant of ['acme', 'other']) await place.run(['keys', 'create', '--tenant', tenant]);
  await place.run(['tenants', 'set', 'acme', '--disable']);
  const { stdout } = await place.run(['keys', 'list']);
  assert.match(stdout, /^key_\w+ +acme +acme +tenant disabled$/m);
  assert.match(stdout, /^key_\w+ +other +other +valid$/m);
  const listed = JSON.parse((await place.run(['keys', 'list', '--json'])).stdout);
  assert.deepEqual(
    listed.map((key: { tenant: string; isTenantDisabled?: boolean }) => [key.tenant, key.isTenantDisabled]),
    [
      ['acme', true],
      ['other', undefined],
    ],
  );
});

const WRONG: readonly [args: string, stderr: RegExp][] = [
  ['keys create', /required option '-t, --tenant <name>'/],
  ['keys create --tenant a --rpm many', /^flowmesh: --rpm must be a number, 0 or more\.\n$/],
  ['keys create --tenant a --cost-per-day -1', /^flowmesh: --cost-per-day must be a number, 0 or more\.\n$/],
  ['keys create --tenant a --tag team', /^flowmesh: Write --tag as name=value\.\n$/],
  ['keys create --tenant a --cidr 10.0.0.0/99', /^flowmesh: scopes\.cidrs has '10\.0\.0\.0\/99', which is no address/],
  ['keys create --tenant a --expires soon', /^flowmesh: expires must be a date such as/],
  ['keys create --tenant a/b', /^flowmesh: A tenant is named with 1 to 64 letters/],
  ['tenants set acme --enable --disable', /^flowmesh: Give --enable or --disable, not both\.\n$/],
  ['keys revoke key_nobody', /^flowmesh: There is no key 'key_nobody'\.\n$/],
];

for (const [args, stderr] of WRONG) {
  test(`flowmesh ${args} is refused in a sentence`, async () => {
    using place = commandPlace();
    const result = await place.run(args.split(' '));
    assert.deepEqual([result.exitCode, result.stdout], [2, '']);
    assert.match(result.stderr, stderr);
  });
}

test('tenants set adds limits to those that are there, and clears them on demand', async () => {
  using place = commandPlace();
  await place.run(['tenants', 'set', 'acme', '--rpm', '5', '--tag', 'plan=pro']);
  const added = await place.run(['tenants', 'set', 'acme', '--cost-per-month', '9', '--disable']);
  assert.equal(added.stdout, 'acme is disabled; limits: requestsPerMinute=5 costPerMonth=9.\n');
  const listed = await place.run(['tenants', 'list']);
  assert.match(listed.stdout, /\nacme +disabled +requestsPerMinute=5 costPerMonth=9 +plan=pro\n$/);
  const cleared = await place.run(['tenants', 'set', 'acme', '--clear-limits', '--enable']);
  assert.equal(cleared.stdout, 'acme is enabled; limits: none.\n');
});

test('a running node takes a new key, its new secret, and its end at once', async () => {
  await using upstream = await startEcho();
  using place = commandPlace();
  const config = place.write(
    'config.yaml',
    `accounts: {echo: {provider: openai-compatible, url: "${upstream.url}", models: [echo-1]}}\nchains: {default: [echo/echo-1]}\n`,
  );
  const { url } = await place.startNode(['--config', config]);
  const ask = async (key?: string): Promise<number> => {
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
      body: JSON.stringify({ model: 'default', messages: [{ role: 'user', content: 'x' }] }),
    });
    await response.text();
    return response.status;
  };
  assert.equal(await ask(), 200);
  const made = await place.run(['keys', 'create', '--config', config, '--tenant', 'acme']);
  const secret = made.stdout.trim();
  assert.deepEqual([await ask(), await ask(secret)], [401, 200]);
  const [id = ''] = /key_\w+/.exec(made.stderr) ?? [];
  const rotated = (await place.run(['keys', 'rotate', '--config', config, id])).stdout.trim();
  assert.match(rotated, /^fm-/);
  assert.deepEqual([await ask(secret), await ask(rotated)], [401, 200]);
  const revoked = await place.run(['keys', 'revoke', '--config', config, id]);
  assert.match(revoked.stdout, new RegExp(`^Revoked ${id} of tenant acme\\.`));
  assert.equal(await ask(rotated), 401);
  // Revoking the last key must not open the node to everybody.
  assert.equal(await ask(), 401);
});
