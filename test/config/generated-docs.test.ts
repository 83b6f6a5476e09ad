import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { generatedDocs } from '../../scripts/generate-docs.ts';

for (const [path, render] of Object.entries(generatedDocs)) {
  test(`${path} is current; run scripts/generate-docs.ts when it is not`, () => {
    assert.equal(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8'), render());
  });
}
