import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ownProgress } from '../../src/cli/mesh-status.ts';

const LOG = { name: 'gateway', behindChanges: 0, leftBytes: 0, flags: [] };

test('status says in one line how far this node is behind, and what to look at', () => {
  const documents = { pending: 0 };
  assert.equal(ownProgress({ logs: [LOG], documents }), 'It has all changes that it has heard of.');
  const flagged = { ...LOG, flags: [{ name: 'disk-restored', subject: 'p', count: 3 }] };
  assert.equal(
    ownProgress({ logs: [flagged], documents }),
    'It has all changes that it has heard of. Look at: disk-restored.',
  );
  const behind = { ...LOG, behindChanges: 1_200, leftBytes: 3_400_000, etaMs: 12_000 };
  assert.equal(
    ownProgress({ logs: [behind, LOG], documents: { pending: 7, etaMs: 130_000 } }),
    'It is behind by 1200 changes, 3.4 MB, 7 documents, about 2 min.',
  );
});
