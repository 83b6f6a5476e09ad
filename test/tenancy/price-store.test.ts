import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { ModelFacts } from '../../src/tenancy/price.ts';
import { priceStorePath, readPriceStore, writePriceStore } from '../../src/tenancy/price-store.ts';

const root = mkdtempSync(join(tmpdir(), 'flowmesh-prices-'));
after(() => rmSync(root, { recursive: true }));

const ROW: ModelFacts = {
  provider: 'openai',
  model: 'house',
  price: { input: 1, output: 2 },
  capabilities: ['tools'],
  source: 'https://example.com',
  date: '2026-11-22',
};

test('what was written is read again, by nobody else on the machine, and nothing else is left there', () => {
  const directory = join(root, 'new', 'state');
  writePriceStore(directory, [{ ...ROW, model: 'before' }]);
  writePriceStore(directory, [ROW]);
  assert.deepEqual(readPriceStore(directory, '2030-01-01'), { rows: [ROW], problems: [] });
  assert.equal(statSync(priceStorePath(directory)).mode & 0o777, 0o600);
  assert.equal(statSync(directory).mode & 0o777, 0o700);
  assert.deepEqual(readdirSync(directory), ['prices.json']);
});

test('without a file there are no rows and no problems', () => {
  assert.deepEqual(readPriceStore(join(root, 'nowhere'), '2030-01-01'), { rows: [], problems: [] });
});

test('a damaged file is told and left out, so that the node still starts', () => {
  const directory = join(root, 'damaged');
  mkdirSync(directory);
  writeFileSync(priceStorePath(directory), '{"models": [');
  assert.deepEqual(readPriceStore(directory, '2030-01-01'), {
    rows: [],
    problems: ['the file is not a JSON object'],
  });
});

test('a file that cannot be replaced leaves no half of one behind', () => {
  const directory = join(root, 'blocked');
  mkdirSync(join(priceStorePath(directory), 'inside'), { recursive: true });
  assert.throws(() => writePriceStore(directory, [ROW]), { code: 'EISDIR' });
  assert.deepEqual(readdirSync(directory), ['prices.json']);
});
