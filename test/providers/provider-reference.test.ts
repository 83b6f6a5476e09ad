import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { providerReference } from '../../scripts/provider-reference.ts';

test('docs/providers.md is current; run `node scripts/generate-docs.ts` when it is not', () => {
  assert.equal(readFileSync(new URL('../../docs/providers.md', import.meta.url), 'utf8'), providerReference());
});
