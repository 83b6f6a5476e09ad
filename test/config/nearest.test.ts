import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearest } from '../../src/config/nearest.ts';

const KEYS = ['model', 'provider', 'key', 'url', 'timeouts', 'ttftMs'];

test('the closest known name is found in spite of slips and other spellings', () => {
  const cases: readonly [string, string | undefined][] = [
    ['modle', 'model'],
    ['mdoel', 'model'],
    ['Model', 'model'],
    ['provder', 'provider'],
    ['time-outs', 'timeouts'],
    ['timeout', 'timeouts'],
    ['ttft_ms', 'ttftMs'],
    ['api_key', 'key'],
    ['baseURL', 'url'],
    ['zebra', undefined],
    ['q', undefined],
    ['', undefined],
  ];
  for (const [written, meant] of cases) assert.equal(nearest(written, KEYS), meant, written);
});

test('a synonym is only offered where its key is known', () => {
  assert.equal(nearest('api_key', ['host', 'port']), undefined);
});
