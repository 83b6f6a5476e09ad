import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ModelDirectory } from '../../src/gateway/model-directory.ts';
import { routerOf } from './support.ts';

const router = routerOf({
  accounts: { a: { url: 'http://a.test' }, b: { url: 'http://b.test' }, flowmesh: { provider: 'flowmesh' } },
  chains: { smart: ['a/big', 'b/big', 'flowmesh/extractive'] },
  aliases: { nick: 'smart' },
});

const directory = new ModelDirectory(
  () => router,
  () => [
    { account: 'a', model: 'big' },
    { account: 'b', model: 'big' },
    { account: 'b', model: 'tiny' },
  ],
);

test('aliases, chains, targets and known models are listed once each, an ambiguous name with its account', () => {
  assert.deepEqual(
    directory.list().map(({ id, ownedBy }) => `${id} of ${ownedBy}`),
    ['nick of flowmesh', 'smart of flowmesh', 'big of a', 'flowmesh/extractive of flowmesh', 'b/big of b', 'tiny of b'],
  );
});

test('a name is found, an unknown one is not', () => {
  assert.equal(directory.find('tiny')?.ownedBy, 'b');
  assert.equal(directory.find('unknown'), undefined);
});

test('a target is found by its account and model, also where its server has told of none', () => {
  const silent = new ModelDirectory(
    () => router,
    () => [],
  );
  assert.deepEqual(silent.find('b/big'), { id: 'b/big', ownedBy: 'b' });
  assert.equal(silent.find('b/tiny'), undefined);
});

test('what only other nodes serve comes last, and what they serve too is told', () => {
  const served = [
    { model: 'zulu', names: ['shed', 'attic', 'shed'] },
    { model: 'big', names: ['attic'] },
    { model: 'llama', names: ['attic'] },
  ];
  const meshed = new ModelDirectory(
    () => router,
    () => [],
    () => ({ models: () => served }),
  );
  assert.deepEqual(meshed.list(), [
    { id: 'nick', ownedBy: 'flowmesh' },
    { id: 'smart', ownedBy: 'flowmesh' },
    { id: 'big', ownedBy: 'a', nodes: ['attic'] },
    { id: 'flowmesh/extractive', ownedBy: 'flowmesh' },
    { id: 'llama', ownedBy: 'attic', nodes: ['attic'] },
    { id: 'zulu', ownedBy: 'attic, shed', nodes: ['attic', 'shed'] },
  ]);
  assert.deepEqual(
    meshed.own().map(({ id }) => id),
    ['nick', 'smart', 'big', 'flowmesh/extractive'],
    'a node does not tell others what it has from them',
  );
  assert.equal(meshed.find('zulu')?.ownedBy, 'attic, shed');
});
