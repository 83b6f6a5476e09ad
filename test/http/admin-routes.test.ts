import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { completion, JSON_HEADERS } from '../support/chat-wire.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { startNode, type TestNode } from '../support/node.ts';
import { type RawUpstream, startRawUpstream } from '../support/raw-upstream.ts';

let upstream: RawUpstream;
let node: TestNode;
let token: string;

before(async () => {
  upstream = await startRawUpstream((response) =>
    response.writeHead(200, JSON_HEADERS).end(JSON.stringify(completion('Hi'))),
  );
});

beforeEach(async () => {
  await node?.stop();
  node = await startNode({
    accounts: { a: { url: upstream.url }, acme: { provider: 'openai', url: upstream.url, keys: ['k'] } },
    chains: { main: ['a/one'], second: ['acme/two', 'a/one'] },
    prices: [{ account: 'a', model: 'one', input: 100_000, output: 100_000 }],
  });
  token = readFileSync(join(node.dataDirectory, 'admin.token'), 'utf8').trim();
});

after(async () => {
  await node.stop();
  await upstream.close();
});

interface Answer {
  readonly status: number;
  readonly body: any;
}

async function ask(method: string, path: string, body?: unknown, bearer = token): Promise<Answer> {
  const response = await fetch(node.url + path, {
    method,
    headers: { authorization: `Bearer ${bearer}` },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
}

const statusOf = async (secret: string): Promise<number> =>
  (await node.chat({}, { headers: { authorization: `Bearer ${secret}` } })).status;

test('the token is made at the first start, for its owner only', () => {
  assert.match(token, /^fma-[\w-]{43}$/);
  assert.equal(statSync(join(node.dataDirectory, 'admin.token')).mode & 0o777, 0o600);
});

test('a key is made with its secret shown once, works at once, gets a new secret, and is revoked', async () => {
  const made = await ask('POST', '/admin/keys', { tenant: 'acme', name: 'app', limits: { requestsPerMinute: 100 } });
  assert.equal(made.status, 201);
  const { id, secret } = made.body;
  assert.match(secret, /^fm-[\w-]{43}$/);
  assert.equal(await statusOf(secret), 200);

  const listed = await ask('GET', '/admin/keys?tenant=acme');
  assert.deepEqual(
    listed.body.data.map((key: any) => [key.id, key.tenant, key.name, key.limits, key.secret]),
    [[id, 'acme', 'app', { requestsPerMinute: 100 }, undefined]],
  );

  const rotated = await ask('POST', `/admin/keys/${id}/rotate`);
  assert.equal(rotated.status, 200);
  assert.deepEqual([await statusOf(secret), await statusOf(rotated.body.secret)], [401, 200]);

  const revoked = await ask('DELETE', `/admin/keys/${id}`);
  assert.equal(revoked.status, 200);
  assert.match(revoked.body.revokedAt, /^\d{4}-\d\d-\d\dT/);
  assert.equal(await statusOf(rotated.body.secret), 401);
  assert.equal((await ask('POST', `/admin/keys/${id}/rotate`)).status, 400);
  assert.equal((await ask('DELETE', '/admin/keys/key_nobody')).status, 404);
});

test('a tenant is made, changed field by field, listed, and disabled with all its keys', async () => {
  assert.equal((await ask('GET', '/admin/tenants/acme')).status, 404);
  await ask('PUT', '/admin/tenants/acme', { limits: { costPerDay: 5 }, tags: { plan: 'pro' } });
  const changed = await ask('PUT', '/admin/tenants/acme', { accounts: { openai: 'acme' } });
  const { createdAt, ...tenant } = changed.body;
  assert.match(createdAt, /^\d{4}-/);
  const expected = {
    id: 'acme',
    isDisabled: false,
    limits: { costPerDay: 5 },
    accounts: { openai: 'acme' },
    tags: { plan: 'pro' },
  };
  assert.deepEqual(tenant, expected);
  assert.deepEqual((await ask('GET', '/admin/tenants')).body, { data: [changed.body] });
  const { secret } = (await ask('POST', '/admin/keys', { tenant: 'acme' })).body;
  assert.equal(await statusOf(secret), 200);
  await ask('PUT', '/admin/tenants/acme', { isDisabled: true });
  assert.equal(await statusOf(secret), 401);
});

const WRONG: readonly [input: object, message: string, param: string][] = [
  [{ tenant: 'a', limit: {} }, "limit is unknown. Did you mean 'limits'?", 'limit'],
  [
    { tenant: 'a', limits: { requestPerMinute: 1 } },
    "limits.requestPerMinute is unknown. Did you mean 'requestsPerMinute'?",
    'limits.requestPerMinute',
  ],
  [
    { tenant: 'a', limits: { concurrent: 1.5 } },
    'limits.concurrent must be a whole number from 0 to 1,000,000,000,000.',
    'limits.concurrent',
  ],
  [
    { tenant: 'a', limits: { costPerDay: '5' } },
    'limits.costPerDay must be an amount of US dollars from 0 to 1,000,000,000,000.',
    'limits.costPerDay',
  ],
  [
    { tenant: 'a', limits: { models: { 'gpt-*': { models: {} } } } },
    'limits.models.gpt-*.models is unknown.',
    'limits.models.gpt-*.models',
  ],
  [
    { tenant: 'a', scopes: { models: ['*-mini'] } },
    "scopes.models has the pattern '*-mini': write a whole name, or a beginning followed by '*'.",
    'scopes.models',
  ],
  [{ tenant: 'a', scopes: { models: [] } }, 'scopes.models must be a list of at least one text.', 'scopes.models'],
  [{ tenant: 'a', scopes: { models: 'gpt' } }, 'scopes.models must be a list of at least one text.', 'scopes.models'],
  [
    { tenant: 'a', scopes: { endpoints: ['embedings'] } },
    "scopes.endpoints has an unknown endpoint 'embedings'. Did you mean 'embeddings'?",
    'scopes.endpoints',
  ],
  [
    { tenant: 'a', scopes: { cidrs: ['10.0.0.0/33'] } },
    "scopes.cidrs has '10.0.0.0/33', which is no address such as 192.168.1.7 or 192.168.1.0/24.",
    'scopes.cidrs',
  ],
  [
    { tenant: 'a', accounts: { openai: 'acmee' } },
    "accounts.openai names an unknown account 'acmee'. Did you mean 'acme'?",
    'accounts.openai',
  ],
  [
    { tenant: 'a', accounts: { openai: 'a' } },
    "accounts.openai names 'a', which is an account of openai-compatible, not of openai.",
    'accounts.openai',
  ],
  [
    { tenant: 'a', limits: { tokensPerMonth: 1e14 } },
    'limits.tokensPerMonth must be a whole number from 0 to 1,000,000,000,000.',
    'limits.tokensPerMonth',
  ],
  [
    { tenant: 'a', limits: { models: Object.fromEntries(Array.from({ length: 201 }, (_, at) => [`gpt-${at}`, {}])) } },
    'limits.models has more than 200 entries.',
    'limits.models',
  ],
  [{ tenant: 'a', tags: { '': 'x' } }, 'tags has a name that is not of 1 to 256 characters.', 'tags'],
  [{ tenant: 'a', tags: { ['x'.repeat(257)]: 'x' } }, 'tags has a name that is not of 1 to 256 characters.', 'tags'],
  [{ tenant: 'a', tags: { team: 7 } }, 'tags.team must be text of 1 to 256 characters.', 'tags.team'],
  [{ tenant: 'a', expires: '2020-01-01' }, 'expires lies in the past.', 'expires'],
  [{ name: 'x' }, 'tenant must be text of 1 to 256 characters.', 'tenant'],
];

test('whatever is not understood is refused in a sentence that names the field, and nothing is made', async () => {
  for (const [input, message, param] of WRONG) {
    const { status, body } = await ask('POST', '/admin/keys', input);
    assert.equal(status, 400, JSON.stringify(input));
    assert.ok(body.error.message.startsWith(message), body.error.message);
    assert.equal(body.error.param, param);
  }
  assert.deepEqual((await ask('GET', '/admin/keys')).body, { data: [] });
  assert.deepEqual((await ask('GET', '/admin/tenants')).body, { data: [] });
});

test('usage is told as JSON and as CSV, unknown costs as unknown', async () => {
  const { secret } = (await ask('POST', '/admin/keys', { tenant: 'acme' })).body;
  const headers = { authorization: `Bearer ${secret}` };
  for (const model of ['main', 'a/one', 'a/strange']) await (await node.chat({ model }, { headers })).text();
  await node.log.untilRequests(3);
  const { body } = await ask('GET', '/admin/usage?by=model&since=1d');
  assert.deepEqual(
    body.data.map(({ model, requests, inputTokens, outputTokens, cost, unpriced }: any) => [
      model,
      requests,
      inputTokens,
      outputTokens,
      cost,
      unpriced,
    ]),
    [
      ['a/one', 1, 11, 7, 1.8, 0],
      ['a/strange', 1, 11, 7, null, 1],
      ['main', 1, 11, 7, 1.8, 0],
    ],
  );
  const csv = await fetch(`${node.url}/admin/usage?by=tenant,model&model=a/strange&format=csv`, {
    headers: { authorization: `Bearer ${token}` },
  });
  assert.equal(csv.headers.get('content-type'), 'text/csv; charset=utf-8');
  const [, line] = (await csv.text()).split('\r\n');
  assert.equal(line, 'acme,a/strange,1,0,0,11,0,0,7,0,unknown,1,0,0,0,0');
  const wrong = await ask('GET', '/admin/usage?by=tenant,dayy');
  assert.deepEqual(
    [wrong.status, wrong.body.error.message],
    [400, "by has 'dayy', which is nothing to group by. Did you mean 'day'?"],
  );
  assert.equal(
    (await ask('GET', '/admin/usage?formt=csv')).body.error.message,
    "formt is unknown. Did you mean 'format'?",
  );
  const meshless = await ask('GET', '/admin/usage?scope=mesh');
  assert.deepEqual(
    [meshless.status, meshless.body.error.param, meshless.body.error.message],
    [400, 'scope', 'This node has never been in a mesh: there is only its own usage.'],
  );
});

test('the ledger’s entries are told one by one', async () => {
  const { secret } = (await ask('POST', '/admin/keys', { tenant: 'acme' })).body;
  const headers = { authorization: `Bearer ${secret}` };
  for (const model of ['main', 'a/one', 'a/strange']) await (await node.chat({ model }, { headers })).text();
  await node.log.untilRequests(3);
  const get = (query: string) =>
    fetch(`${node.url}/admin/usage/entries${query}`, { headers: { authorization: `Bearer ${token}` } });
  const all = await get('?tenant=acme');
  assert.deepEqual(
    [all.headers.get('content-type'), all.headers.get('cache-control')],
    ['application/x-ndjson', 'no-store'],
  );
  const entries = (await all.text()).trimEnd().split('\n');
  assert.deepEqual(
    entries
      .map((line) => JSON.parse(line))
      .map(({ model, target, cost, outputTokens }) => [model, target, cost, outputTokens]),
    [
      ['main', 'a/one', 1.8, 7],
      ['a/one', 'a/one', 1.8, 7],
      ['a/strange', 'a/strange', null, 7],
    ],
  );
  const csv = await get('?format=csv&model=a/strange');
  assert.equal(csv.headers.get('content-type'), 'text/csv; charset=utf-8');
  assert.deepEqual((await csv.text()).split('\r\n').length, 3);
  for (const query of ['?format=json', '?by=day']) assert.equal((await get(query)).status, 400);
  assert.equal((await fetch(`${node.url}/admin/usage/entries`)).status, 401);
});

test('targets tell their state', async () => {
  assert.deepEqual((await ask('GET', '/admin/targets')).body, {
    data: [
      { target: 'a/one', state: 'closed', inFlight: 0 },
      { target: 'acme/two', state: 'closed', inFlight: 0 },
    ],
  });
});

test('only the admin token opens the admin API, however its path is written, and it opens nothing else', async () => {
  const { secret } = (await ask('POST', '/admin/keys', { tenant: 'acme' })).body;
  for (const path of ['/admin/keys', '/%61dmin/keys', '/admin//keys', '/admin/nowhere', '/v1/admin/keys']) {
    const response = await fetch(node.url + path, { headers: { authorization: `Bearer ${secret}` } });
    assert.ok([401, 404].includes(response.status), `${path}: ${response.status}`);
    assert.equal((await response.text()).includes('createdAt'), false);
  }
  assert.equal((await fetch(`${node.url}/admin/keys`)).status, 401);
  assert.equal((await fetch(`${node.url}/admin/keys`, { headers: { 'x-api-key': token } })).status, 401);
  assert.equal((await ask('GET', '/admin/nowhere')).status, 404);
  assert.equal(await statusOf(token), 401);
});

test('whoever guesses must wait, longer each time, and the right token too until it was let in once', async () => {
  const clock = new ManualClock();
  const slowed = await startNode({ accounts: { a: { url: upstream.url } }, chains: { main: ['a/one'] } }, { clock });
  try {
    const right = readFileSync(join(slowed.dataDirectory, 'admin.token'), 'utf8').trim();
    const status = async (bearer: string): Promise<number> =>
      (await fetch(`${slowed.url}/admin/keys`, { headers: { authorization: `Bearer ${bearer}` } })).status;
    for (let i = 0; i < 6; i += 1) assert.equal(await status('fma-wrong'), 401);
    assert.equal(await status(right), 429);
    clock.advance(1_000);
    assert.equal(await status(right), 200);
    assert.equal(await status('fma-wrong'), 401);
    assert.equal(await status('fma-wrong'), 429);
    assert.equal(await status(right), 200, 'a client behind the same proxy locks no operator out');
  } finally {
    await slowed.stop();
  }
});
