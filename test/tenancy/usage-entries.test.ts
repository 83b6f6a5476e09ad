import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openDatabase } from '../../src/storage/database.ts';
import { Ledger } from '../../src/tenancy/ledger.ts';
import { rowsInSlices } from '../../src/tenancy/ledger-blocks.ts';
import { TENANCY_MIGRATIONS } from '../../src/tenancy/migrations.ts';
import { usageEntries } from '../../src/tenancy/usage-entries.ts';
import { ManualClock } from '../support/manual-clock.ts';

const NO_PAUSE = () => Promise.resolve();

function filled(count: number, tags: Readonly<Record<string, string>> = {}) {
  const database = openDatabase(':memory:', TENANCY_MIGRATIONS);
  const ledger = new Ledger({ database, clock: new ManualClock(), onFailure: assert.ifError });
  const entry = { tenant: 'acme', tags, operation: 'openai-chat', model: 'm', estimatedInputTokens: 1 };
  for (let index = 0; index < count; index += 1) {
    ledger.open({ ...entry, requestId: String(index) }).settle({ status: 'error', attempts: 0, error: 'unavailable' });
    if (index % 250 === 249) ledger.flush();
  }
  ledger.flush();
  return database;
}

test('entries come some hundreds at a time, and others may work in between', async () => {
  const pieces: string[] = [];
  let pauses = 0;
  const pause = async () => {
    pauses += 1;
  };
  for await (const piece of usageEntries(filled(1_750), { by: [] }, 'jsonl', pause)) pieces.push(piece);
  const lines = pieces.map((piece) => piece.trimEnd().split('\n').length);
  assert.deepEqual([lines, pauses], [[500, 500, 500, 250], 4]);
  assert.deepEqual(
    pieces
      .join('')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).requestId),
    Array.from({ length: 1_750 }, (_, index) => String(index)),
  );
});

test('a reader that leaves ends it: nothing further is read', async () => {
  const entries = usageEntries(filled(1_750), { by: [] }, 'jsonl', NO_PAUSE);
  await entries.next();
  await entries.return(undefined);
  assert.deepEqual(await entries.next(), { done: true, value: undefined });
});

test('blocks of one moment are not gone through again for each step within it', () => {
  const database = filled(1_000);
  const asked: string[] = [];
  const noting = new Proxy(database, {
    get: (target, name) => {
      if (name !== 'prepare') return Reflect.get(target, name);
      return (sql: string) => {
        asked.push(sql);
        return target.prepare(sql);
      };
    },
  });
  const slices = [...rowsInSlices(noting, 0, Number.MAX_SAFE_INTEGER, 1)];
  assert.deepEqual(
    slices.map(({ length }) => length),
    [250, 250, 250, 250],
  );
  const bound = { lastAt: 0, firstAt: 0, lastId: 0, until: 1, lastIdMax: 1, blocksMax: 1 };
  const plan = database.prepare<[object], { detail: string }>(`EXPLAIN QUERY PLAN ${asked[0]}`).all(bound);
  const steps = plan.map(({ detail }) => detail).filter((detail) => detail.includes('ledger_block_by_time'));
  assert.match(steps[0] ?? '', /\(last_at=\? AND first_at=\? AND rowid>\? AND rowid<\?\)/);
  assert.match(steps[1] ?? '', /\(\(last_at,first_at\)>\(\?,\?\)\)/);
});

test('money has no dust of binary fractions', async () => {
  const database = openDatabase(':memory:', TENANCY_MIGRATIONS);
  const ledger = new Ledger({ database, clock: new ManualClock(), onFailure: assert.ifError });
  ledger.enter(
    { requestId: 'r', tenant: 'a', tags: {}, operation: 'o', model: 'm', estimatedInputTokens: 1 },
    { status: 'done', cost: 0.1 + 0.2, savedCost: 0.7 + 0.1, attempts: 1 },
  );
  ledger.flush();
  const { value } = await usageEntries(database, { by: [] }, 'jsonl').next();
  const { cost, savedCost } = JSON.parse(String(value));
  assert.deepEqual([cost, savedCost], [0.3, 0.8]);
});

test('what failed and used nothing has no cost to be unknown; tags are one field, and no formula', async () => {
  let text = '';
  for await (const piece of usageEntries(filled(1, { team: '=1+1' }), { by: [] }, 'csv')) text += piece;
  const [, line] = text.split('\r\n');
  assert.equal(
    line,
    '0,2027-01-15T08:00:00.000Z,acme,,"{""team"":""=1+1""}",openai-chat,,m,error,,,,0,0,0,0,0,false,,0,0,0,,,unavailable',
  );
});
