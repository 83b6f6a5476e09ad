import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSections, SECTIONS } from '../../bench/document.ts';

test('a new measurement loses no section of docs/benchmarks.md: all are known, in the order of the page', () => {
  const found = [...readSections().keys()];
  assert.deepEqual(
    found,
    SECTIONS.filter((name) => found.includes(name)),
  );
  assert.ok(found.includes('new-node'));
});
