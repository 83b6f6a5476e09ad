import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { Account } from '../../src/providers/account.ts';
import { buildAccount } from '../../src/providers/accounts.ts';
import { ModelCatalog } from '../../src/providers/model-catalog.ts';
import { presetNamed } from '../../src/providers/preset-lookup.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { type Script, ScriptedHttpClient } from '../support/scripted-http-client.ts';

const account = (name: string, host: string, models: readonly string[] = []): Account =>
  buildAccount(name, { provider: 'local', url: `http://${host}`, keys: [], headers: {}, models }, presetNamed);

const listOf = (...ids: string[]): { body: unknown } => ({ body: { object: 'list', data: ids.map((id) => ({ id })) } });

function catalogOf(script: Script, ...accounts: Account[]) {
  const http = new ScriptedHttpClient(script);
  const clock = new ManualClock();
  return { http, clock, catalog: new ModelCatalog({ http, clock }, accounts) };
}

const idsOf = (catalog: ModelCatalog): string[] => catalog.all().map(({ account, model }) => `${account}/${model.id}`);

test('the first reading returns at once and has the lists fetched behind it', async () => {
  const { catalog, http } = catalogOf({ 'http://a/v1/models': listOf('x', 'y') }, account('one', 'a'));
  assert.deepEqual(idsOf(catalog), []);
  await setImmediate();
  assert.deepEqual(idsOf(catalog), ['one/x', 'one/y']);
  assert.deepEqual(catalog.accountsServing('y'), ['one']);
  assert.deepEqual(catalog.accountsServing('z'), []);
  assert.equal(http.requests.length, 1);
});

test('who asks first may wait for the lists that were never read, and never longer than two seconds', async () => {
  const { catalog } = catalogOf({ 'http://a/v1/models': listOf('x') }, account('one', 'a'), account('two', 'b', ['m']));
  await catalog.firstLists();
  assert.deepEqual(idsOf(catalog), ['one/x', 'two/m']);
  assert.equal(catalog.firstLists(), undefined);

  const silent = catalogOf({ 'http://a/v1/models': 'hang' }, account('one', 'a'));
  let isOver = false;
  const waiting = silent.catalog.firstLists()?.then(() => {
    isOver = true;
  });
  silent.clock.advance(1_999);
  await setImmediate();
  assert.equal(isOver, false);
  silent.clock.advance(1);
  await waiting;
  silent.catalog.close();
});

test('a list is fetched again after ten minutes, not before', async () => {
  const { catalog, http, clock } = catalogOf({ 'http://a/v1/models': listOf('x') }, account('one', 'a'));
  await catalog.refresh();
  clock.advance(10 * 60_000 - 1);
  catalog.all();
  assert.equal(http.requests.length, 1);
  clock.advance(1);
  assert.deepEqual(idsOf(catalog), ['one/x']);
  assert.equal(http.requests.length, 2);
});

test('a configured list that was taken out of the configuration is asked for', async () => {
  const { catalog } = catalogOf({ 'http://a/v1/models': listOf('x') }, account('one', 'a', ['m']));
  catalog.setAccounts([account('one', 'a')]);
  assert.deepEqual(idsOf(catalog), []);
  await catalog.firstLists();
  assert.deepEqual(idsOf(catalog), ['one/x']);
});

test('a configured list of models is not asked for', async () => {
  const { catalog, http } = catalogOf({}, account('one', 'a', ['m']));
  await catalog.refresh();
  assert.deepEqual(idsOf(catalog), ['one/m']);
  assert.deepEqual(http.urls, []);
});

test('a failing account keeps what was known, tells why, and is asked again after a minute', async () => {
  const { catalog, http, clock } = catalogOf({ 'http://a/v1/models': listOf('x') }, account('one', 'a'));
  await catalog.refresh();
  http.script = {};
  await catalog.refresh();
  assert.deepEqual(idsOf(catalog), ['one/x']);
  assert.deepEqual(
    [...catalog.errors()].map(([name, error]) => [name, error.message]),
    [['one', 'ECONNREFUSED']],
  );
  clock.advance(60_000);
  http.script = { 'http://a/v1/models': listOf('z') };
  catalog.all();
  await setImmediate();
  assert.deepEqual(idsOf(catalog), ['one/z']);
  assert.equal(catalog.errors().size, 0);
});

test('one account that hangs delays no other, is asked once at a time, and is given up after ten seconds', async () => {
  const { catalog, http, clock } = catalogOf(
    { 'http://a/v1/models': 'hang', 'http://b/v1/models': listOf('y') },
    account('one', 'a'),
    account('two', 'b'),
  );
  catalog.all();
  await setImmediate();
  assert.deepEqual(idsOf(catalog), ['two/y']);
  assert.deepEqual(http.urls, ['http://a/v1/models', 'http://b/v1/models']);
  clock.advance(10_000);
  await setImmediate();
  assert.equal(catalog.errors().get('one')?.message, 'no answer within 10000 ms');
  assert.equal(http.requests[0]?.signal?.aborted, true);
  assert.equal(clock.timerCount, 0);
});

test('a reload keeps the lists of accounts that stayed and drops the others', async () => {
  const { catalog, http } = catalogOf(
    { 'http://a/v1/models': listOf('x'), 'http://b/v1/models': listOf('y') },
    account('one', 'a'),
    account('two', 'b'),
  );
  await catalog.refresh();
  catalog.setAccounts([account('one', 'a'), account('three', 'b')]);
  assert.deepEqual(idsOf(catalog), ['one/x']);
  await setImmediate();
  assert.deepEqual(idsOf(catalog), ['one/x', 'three/y']);
  assert.equal(http.requests.length, 3);
});

test('a closed catalog asks nobody', async () => {
  const { catalog, http } = catalogOf({ 'http://a/v1/models': listOf('x') }, account('one', 'a'));
  catalog.close();
  await catalog.refresh();
  assert.deepEqual(http.urls, []);
});
