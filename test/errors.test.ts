import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ERROR_TABLE } from '../src/errors.ts';

test('docs/errors.md has exactly the rows of the error table', () => {
  const text = readFileSync(join(import.meta.dirname, '..', 'docs', 'errors.md'), 'utf8');
  const documented = [...text.matchAll(/^\| `(\w+)` \| (\d+) \| (.+?) \| (\w+) \|$/gm)].map((row) => row.slice(1, 5));
  const actual = Object.entries(ERROR_TABLE).map(([code, row]) => [code, String(row.status), row.meaning, row.fault]);
  assert.deepEqual(documented, actual);
});
