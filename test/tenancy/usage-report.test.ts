import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openDatabase } from '../../src/storage/database.ts';
import { Ledger } from '../../src/tenancy/ledger.ts';
import type { EntryStatus } from '../../src/tenancy/ledger-row.ts';
import { TENANCY_MIGRATIONS } from '../../src/tenancy/migrations.ts';
import { type UsageRow, usageCsv, usageReport } from '../../src/tenancy/usage-report.ts';
import { ManualClock } from '../support/manual-clock.ts';

const NO_TOKENS = {
  inputTokens: 0,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  isEstimated: true,
};

function filled() {
  const clock = new ManualClock(Date.UTC(2026, 9, 31, 23, 59));
  const database = openDatabase(':memory:', TENANCY_MIGRATIONS);
  const ledger = new Ledger({ database, clock, onFailure: assert.ifError });
  let count = 0;
  const enter = (status: EntryStatus, cost: number | undefined, inputTokens: number, operation = 'openai-chat') => {
    count += 1;
    const requestId = String(count);
    const usage = {
      inputTokens,
      cachedInputTokens: 1,
      cacheWriteTokens: 2,
      outputTokens: 3,
      reasoningTokens: 1,
      isEstimated: false,
    };
    ledger
      .open({ requestId, tenant: 'acme', tags: {}, operation, model: 'm', estimatedInputTokens: 1 })
      .settle({ status, usage: inputTokens > 0 ? usage : undefined, cost, attempts: 1 });
    ledger.flush();
  };
  return { clock, database, ledger, enter };
}

const COUNTS = ({ requests, failed, cacheHits, inputTokens, outputTokens, cost, unpriced }: UsageRow) => [
  requests,
  failed,
  cacheHits,
  inputTokens,
  outputTokens,
  cost,
  unpriced,
];

test('money has no dust of binary fractions', async () => {
  const { database, enter } = filled();
  for (let index = 0; index < 3; index += 1) enter('done', 0.00005, 10);
  assert.equal((await usageReport(database, { by: [] }))[0]?.cost, 0.00015);
});

test('requests are summed over all endings; running ones are left out', async () => {
  const { database, ledger, enter } = filled();
  enter('done', 0.5, 10);
  enter('cached', 0, 0);
  enter('aborted', 0.25, 10);
  ledger.open({ requestId: 'x', tenant: 'a', tags: {}, operation: 'o', model: 'm', estimatedInputTokens: 1 });
  ledger.flush();
  assert.deepEqual((await usageReport(database, { by: [] })).map(COUNTS), [[3, 1, 1, 20, 6, 0.75, 0]]);
});

test('a second attempt is no request, but its tokens and its cost count; one that was never sent counts as nothing', async () => {
  const { database, ledger, enter } = filled();
  enter('done', 0.5, 10);
  const hedge = (requestId: string, attempts: number, cost: number | undefined): void => {
    const usage = { ...NO_TOKENS, inputTokens: 10 };
    ledger
      .open({ requestId, tenant: 'acme', tags: {}, operation: 'hedge', model: 'm', estimatedInputTokens: 1 })
      .settle({ status: 'aborted', attempts, usage: attempts > 0 ? usage : undefined, cost });
    ledger.flush();
  };
  hedge('1~hedge', 1, 0.25);
  hedge('2~hedge', 0, undefined);
  const [total] = await usageReport(database, { by: [] });
  assert.deepEqual(total && [total.requests, total.hedges, total.failed], [1, 1, 0]);
  assert.deepEqual(total && COUNTS(total), [1, 0, 0, 20, 3, 0.75, 0]);
  assert.deepEqual(
    (await usageReport(database, { by: ['operation'] })).map(({ group, requests, inputTokens }) => [
      group[0],
      requests,
      inputTokens,
    ]),
    [
      ['hedge', 0, 10],
      ['openai-chat', 1, 10],
    ],
  );
});

test('a failure that used nothing costs nothing; one that used tokens without a price costs an unknown amount', async () => {
  const { database, enter } = filled();
  enter('error', undefined, 0);
  assert.deepEqual((await usageReport(database, { by: [] })).map(COUNTS), [[1, 1, 0, 0, 0, 0, 0]]);
  enter('error', undefined, 10);
  assert.deepEqual((await usageReport(database, { by: [] })).map(COUNTS), [[2, 2, 0, 10, 3, null, 1]]);
  enter('done', 2, 10);
  assert.deepEqual((await usageReport(database, { by: [] })).map(COUNTS), [[3, 2, 0, 20, 6, 2, 1]]);
});

test('counting tokens is never unpriced', async () => {
  const { database, enter } = filled();
  enter('done', undefined, 0, 'count-tokens');
  assert.deepEqual((await usageReport(database, { by: ['operation'] }))[0]?.unpriced, 0);
});

test('days and months are those of UTC, and `until` is exclusive', async () => {
  const { clock, database, enter } = filled();
  enter('done', 1, 10);
  clock.advance(60_000);
  enter('done', 2, 10);
  const rows = await usageReport(database, { by: ['month', 'day'] });
  assert.deepEqual(
    rows.map(({ group, cost }) => [group, cost]),
    [
      [['2026-10', '2026-10-31'], 1],
      [['2026-11', '2026-11-01'], 2],
    ],
  );
  const midnight = Date.UTC(2026, 10, 1);
  assert.deepEqual((await usageReport(database, { by: [], until: midnight }))[0]?.cost, 1);
  assert.deepEqual((await usageReport(database, { by: [], since: midnight }))[0]?.cost, 2);
  assert.deepEqual(await usageReport(database, { by: [], since: midnight + 1 }), []);
});

test('in CSV, names are quoted where they must be and never become formulas', async () => {
  const { database, ledger } = filled();
  ledger
    .open({
      requestId: '1',
      tenant: '=HYPERLINK("x")',
      tags: {},
      operation: 'o',
      model: "-2+3+cmd|' /C calc'!A0,b",
      estimatedInputTokens: 1,
    })
    .settle({ status: 'done', attempts: 1 });
  ledger.flush();
  const [, line] = usageCsv(['tenant', 'model'], await usageReport(database, { by: ['tenant', 'model'] })).split(
    '\r\n',
  );
  assert.equal(line, `"'=HYPERLINK(""x"")","'-2+3+cmd|' /C calc'!A0,b",1,0,0,0,0,0,0,0,unknown,1,0,0,0,0`);
});

test('rows come in the order of their groups, byte by byte, and groups are never taken for each other', async () => {
  const { database, ledger } = filled();
  const names = ['b', 'a', 'B', 'ä', 'a\nb', '\u{1F600}', '\uFFFD', 'ab', ''];
  for (const [index, model] of names.entries()) {
    ledger
      .open({ requestId: String(index), tenant: 'a', tags: {}, operation: 'o', model, estimatedInputTokens: 1 })
      .settle({ status: 'done', attempts: 1 });
  }
  ledger.flush();
  assert.deepEqual(
    (await usageReport(database, { by: ['tenant', 'model'] })).map(({ group }) => group[1]),
    ['', 'B', 'a', 'a\nb', 'ab', 'b', 'ä', '\uFFFD', '\u{1F600}'],
  );
});

test('of many entries in a block only those that are asked for are counted', async () => {
  const { clock, database, ledger } = filled();
  for (const keyId of ['k1', 'k2', 'k1']) {
    ledger
      .open({ requestId: keyId, tenant: 'a', keyId, tags: {}, operation: 'o', model: keyId, estimatedInputTokens: 1 })
      .settle({ status: 'done', attempts: 1 });
    clock.advance(10);
  }
  ledger.flush();
  const count = async (query: object) => (await usageReport(database, { by: [], ...query }))[0]?.requests ?? 0;
  const start = clock.now() - 30;
  assert.deepEqual(
    [await count({ keyId: 'k1' }), await count({ model: 'k2' }), await count({ tenant: 'b' })],
    [2, 1, 0],
  );
  assert.deepEqual(
    [await count({ since: start + 1 }), await count({ until: start + 10 }), await count({ since: start + 20 })],
    [2, 1, 1],
  );
});

test('a long ledger is added up in slices, and others may write to it in between', async () => {
  const { clock, database, ledger, enter } = filled();
  for (let index = 0; index < 100; index += 1) {
    enter('done', 1, 10);
    clock.advance(index % 3);
  }
  let pauses = 0;
  const rows = await usageReport(database, { by: [] }, async () => {
    pauses += 1;
    enter('done', 1, 10);
  });
  assert.deepEqual(rows.map(COUNTS), [[100, 0, 0, 1_000, 300, 100, 0]], 'what came later is left out');
  assert.equal(pauses, 9);
  const [all] = await usageReport(database, { by: [] });
  assert.equal(all?.requests, 109);
  ledger.close();
});
