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
