// Data directories of earlier versions, as they are found.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openDatabase } from '../../src/storage/database.ts';
import { Ledger } from '../../src/tenancy/ledger.ts';
import { entriesBetween } from '../../src/tenancy/ledger-blocks.ts';
import { TENANCY_MIGRATIONS } from '../../src/tenancy/migrations.ts';
import { usageReport } from '../../src/tenancy/usage-report.ts';
import { ManualClock } from '../support/manual-clock.ts';

const STEPS_WITH_ROWS = 5;
const START = 1_800_000_000_000;

/** Columns of the ledger when each entry was a row. */
function oldRow(id: number, more: Readonly<Record<string, string | number | null>> = {}) {
  return {
    id,
    request_id: `r${id}`,
    started_at: START + id,
    status: 'done',
    tenant: 'acme',
    key_id: id % 2 === 0 ? 'k' : null,
    tags: '{"team":"x"}',
    operation: 'openai-chat',
    prompt: null,
    model: 'ünï "m"',
    chain: 'default',
    target: 'a/m',
    provider: 'openai',
    input_tokens: 10,
    cached_tokens: 4,
    cache_write_tokens: 3,
    output_tokens: 5,
    reasoning_tokens: 2,
    is_estimated: 0,
    cost: 0.1 + 0.2,
    saved_tokens: 7,
    saved_cost: 1e-7,
    attempts: 1,
    ttft_ms: 1.25,
    duration_ms: 1234.567890123456,
    error: null,
    ...more,
  };
}

test('a ledger that had a row for each entry is read as it was, and gone on with', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'flowmesh-migration-'));
  try {
    const path = join(directory, 'gateway.db');
    const old = openDatabase(path, TENANCY_MIGRATIONS.slice(0, STEPS_WITH_ROWS));
    const rows = Array.from({ length: 600 }, (_, index) => oldRow(index + 1));
    rows.push(oldRow(700, { status: 'error', cost: null, tags: null, error: 'timeout', ttft_ms: null }));
    const names = Object.keys(oldRow(0));
    const insert = old.prepare<object[]>(`INSERT INTO ledger (${names}) VALUES (${names.map((name) => `@${name}`)})`);
    for (const row of rows) insert.run(row);
    old.close();

    const database = openDatabase(path, TENANCY_MIGRATIONS);
    const view = database.prepare(`SELECT ${names} FROM ledger ORDER BY id`);
    assert.deepEqual(view.all(), rows);
    assert.deepEqual(
      Array.from(entriesBetween(database, START + 250, START + 252), ({ id }) => id),
      [250, 251],
    );
    const [total] = await usageReport(database, { by: [] });
    assert.deepEqual(
      total && [total.requests, total.failed, total.inputTokens, total.cost, total.savedCost, total.unpriced],
      [601, 1, 6010, 180, 0.0000601, 1],
    );
    const ledger = new Ledger({ database, clock: new ManualClock(START), onFailure: assert.ifError });
    ledger
      .open({ requestId: 'new', tenant: 'acme', tags: {}, operation: 'o', model: 'm', estimatedInputTokens: 1 })
      .settle({ status: 'done', attempts: 1 });
    ledger.flush();
    const newest = database.prepare('SELECT id, request_id FROM ledger ORDER BY id DESC LIMIT 1').get();
    assert.deepEqual(newest, { id: 701, request_id: 'new' });
    database.close();
  } finally {
    rmSync(directory, { recursive: true });
  }
});
