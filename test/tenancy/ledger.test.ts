import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Usage } from '../../src/model/chat.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { Ledger, type OpenEntry } from '../../src/tenancy/ledger.ts';
import { TENANCY_MIGRATIONS } from '../../src/tenancy/migrations.ts';
import { ManualClock } from '../support/manual-clock.ts';

const USAGE: Usage = {
  inputTokens: 10,
  cachedInputTokens: 4,
  cacheWriteTokens: 0,
  outputTokens: 5,
  reasoningTokens: 2,
  isEstimated: false,
};

function entry(requestId: string, more: Partial<OpenEntry> = {}): OpenEntry {
  return {
    requestId,
    tenant: 'acme',
    keyId: 'k',
    tags: {},
    operation: 'openai-chat',
    model: 'gpt',
    estimatedInputTokens: 9,
    ...more,
  };
}

function ledgerOf(path = ':memory:') {
  const clock = new ManualClock(1_800_000_000_000);
  const database = openDatabase(path, TENANCY_MIGRATIONS);
  const ledger = new Ledger(database, clock);
  const rows = () =>
    database
      .prepare('SELECT request_id, status, input_tokens, output_tokens, cost FROM ledger ORDER BY request_id')
      .all();
  return { clock, database, ledger, rows };
}

describe('the ledger', () => {
  test('everything of one turn of the event loop is one transaction, and is on disk when it resolves', async () => {
    const { ledger, rows } = ledgerOf();
    const writes = [ledger.open(entry('a')), ledger.open(entry('b'))];
    assert.deepEqual(rows(), []);
    await Promise.all(writes);
    assert.equal(rows().length, 2);
  });

  test('an entry is settled once, with the truth', () => {
    const { ledger, rows } = ledgerOf();
    void ledger.open(entry('a', { estimatedCost: 1 }));
    void ledger.settle({ requestId: 'a', status: 'done', usage: USAGE, cost: 0.25, attempts: 1 });
    void ledger.settle({ requestId: 'a', status: 'error', cost: 99, attempts: 2 });
    ledger.flush();
    assert.deepEqual(rows(), [{ request_id: 'a', status: 'done', input_tokens: 10, output_tokens: 5, cost: 0.25 }]);
  });

  test('an unknown price stays unknown', () => {
    const { ledger, rows } = ledgerOf();
    void ledger.open(entry('a'));
    void ledger.settle({ requestId: 'a', status: 'done', usage: USAGE, attempts: 1 });
    ledger.flush();
    assert.equal((rows()[0] as { cost: number | null }).cost, null);
  });

  test('what a crash left open is settled as recovered with its estimate at the next start, and only then', () => {
    const directory = mkdtempSync(join(tmpdir(), 'flowmesh-ledger-'));
    try {
      const path = join(directory, 'gateway.db');
      const before = ledgerOf(path);
      void before.ledger.open(entry('lost', { estimatedCost: 0.5 }));
      void before.ledger.open(entry('kept'));
      void before.ledger.settle({ requestId: 'kept', status: 'done', usage: USAGE, attempts: 1 });
      before.ledger.flush();
      before.database.close();
      const after = ledgerOf(path);
      void after.ledger.settle({ requestId: 'lost', status: 'done', usage: USAGE, cost: 7, attempts: 1 });
      after.ledger.flush();
      assert.deepEqual(after.rows(), [
        { request_id: 'kept', status: 'done', input_tokens: 10, output_tokens: 5, cost: null },
        { request_id: 'lost', status: 'recovered', input_tokens: 9, output_tokens: 0, cost: 0.5 },
      ]);
      after.database.close();
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test('spending is summed by tenant, key and model over the running day and month', () => {
    const { clock, ledger } = ledgerOf();
    const record = (requestId: string, more: Partial<OpenEntry>, cost: number): void => {
      void ledger.open(entry(requestId, more));
      void ledger.settle({ requestId, status: 'done', usage: USAGE, cost, attempts: 1 });
      ledger.flush();
    };
    record('yesterday', {}, 1);
    clock.advance(24 * 3_600_000);
    record('today', {}, 2);
    record('other key', { keyId: 'k2' }, 4);
    record('other tenant', { tenant: 'b', keyId: 'k3' }, 8);
    record('other model', { model: 'claude' }, 16);
    assert.deepEqual(ledger.spent('tenant:acme'), {
      day: { tokens: 45, cost: 22 },
      month: { tokens: 60, cost: 23 },
    });
    assert.deepEqual(ledger.spent('key:k model:g*').day, { tokens: 15, cost: 2 });
  });

  test('old entries are forgotten, open ones are not', () => {
    const { clock, ledger, rows } = ledgerOf();
    void ledger.open(entry('open'));
    void ledger.open(entry('settled'));
    void ledger.settle({ requestId: 'settled', status: 'done', attempts: 1 });
    ledger.flush();
    clock.advance(10_000);
    assert.equal(ledger.prune(5_000), 1);
    assert.deepEqual(
      rows().map((row) => (row as { request_id: string }).request_id),
      ['open'],
    );
  });

  test('entries are forgotten in slices, the oldest first', () => {
    const { clock, ledger, rows } = ledgerOf();
    for (const requestId of ['c', 'b', 'a']) {
      void ledger.open(entry(requestId));
      void ledger.settle({ requestId, status: 'done', attempts: 1 });
      ledger.flush();
      clock.advance(1_000);
    }
    assert.equal(ledger.prune(0, 2), 2);
    assert.deepEqual(
      rows().map((row) => (row as { request_id: string }).request_id),
      ['a'],
    );
    assert.equal(ledger.prune(0, 2), 1);
    assert.equal(ledger.prune(0, 2), 0);
  });

  test('a ledger that cannot be written rejects, so that nothing is sent unrecorded', async () => {
    const { database, ledger } = ledgerOf();
    const write = ledger.open(entry('a'));
    database.close();
    await assert.rejects(write, /not open/);
  });
});
