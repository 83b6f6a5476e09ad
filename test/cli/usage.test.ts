import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { test } from 'node:test';
import { GATEWAY_MIGRATIONS } from '../../src/node-files.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { Ledger } from '../../src/tenancy/ledger.ts';
import { type CommandPlace, commandPlace } from '../support/command.ts';
import { ManualClock } from '../support/manual-clock.ts';

const USAGE = {
  inputTokens: 1_000,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 200,
  reasoningTokens: 0,
  isEstimated: false,
};

/** 2026-11-01 10:00 and a day later; one price is unknown. */
function filledPlace(): CommandPlace {
  const place = commandPlace();
  mkdirSync(place.path('state'));
  const database = openDatabase(place.path('state/gateway.db'), GATEWAY_MIGRATIONS);
  const clock = new ManualClock(Date.UTC(2026, 10, 1, 10));
  const ledger = new Ledger({ database, clock, onFailure: assert.ifError });
  const enter = (requestId: string, tenant: string, model: string, cost: number | undefined): void => {
    ledger
      .open({ requestId, tenant, tags: {}, operation: 'openai-chat', model, estimatedInputTokens: 1 })
      .settle({ status: 'done', usage: USAGE, cost, attempts: 1 });
    ledger.flush();
  };
  enter('1', 'acme', 'gpt', 1.25);
  enter('2', 'acme', 'strange', undefined);
  clock.advance(24 * 3_600_000);
  enter('3', 'acme', 'gpt', 0.5);
  enter('4', 'beta', 'gpt', 0);
  database.close();
  return place;
}

test('usage is a table with totals; an unknown cost is unknown, never nothing', async () => {
  using place = filledPlace();
  const { exitCode, stdout, stderr } = await place.run(['usage']);
  assert.equal(exitCode, 0);
  assert.equal(
    stdout,
    `TENANT  MODEL    REQUESTS  FAILED  CACHED  INPUT  OUTPUT  COST
acme    gpt      2         0       0       2,000  400     $1.75
acme    strange  1         0       0       1,000  200     unknown
beta    gpt      1         0       0       1,000  200     $0.000000
total            4         0       0       4,000  800     at least $1.75
`,
  );
  assert.equal(
    stderr,
    '1 request has no known price and is not in COST. `prices:` in the configuration sets prices.\n',
  );
});

test('usage can be narrowed to a time, a tenant and a model, and grouped by day', async () => {
  using place = filledPlace();
  const day = await place.run(['usage', '--by', 'day', '--since', '2026-11-02', '--until', '2026-11-03']);
  assert.match(day.stdout, /^DAY .*\n2026-11-02 +2 .*\$0\.500000\ntotal +2 .*\n$/);
  assert.equal(day.stderr, '');
  const model = await place.run(['usage', '--tenant', 'acme', '--model', 'strange', '--json']);
  const { by, rows, total } = JSON.parse(model.stdout);
  assert.deepEqual(by, ['tenant', 'model']);
  assert.deepEqual(
    [rows.length, rows[0].model, rows[0].cost, rows[0].unpriced, total.requests, total.cost],
    [1, 'strange', null, 1, 1, null],
  );
});

test('usage as CSV has a head line, and unknown costs as unknown', async () => {
  using place = filledPlace();
  const { stdout } = await place.run(['usage', '--csv', '--by', 'model']);
  assert.equal(
    stdout,
    [
      'model,requests,failed,cacheHits,inputTokens,cachedTokens,cacheWriteTokens,outputTokens,reasoningTokens,cost,unpriced,savedTokens,savedCost,hedges,shadows',
      'gpt,3,0,0,3000,0,0,600,0,1.75,0,0,0,0,0',
      'strange,1,0,0,1000,0,0,200,0,unknown,1,0,0,0,0',
      '',
    ].join('\r\n'),
  );
});

test('without entries usage says so', async () => {
  using place = commandPlace();
  const { exitCode, stdout, stderr } = await place.run(['usage', '--since', '7d']);
  assert.deepEqual([exitCode, stdout, stderr], [0, '', 'Nothing was used in this time.\n']);
});

test('a node that has never been in a mesh has no usage of one to tell', async () => {
  using place = commandPlace();
  const { exitCode, stdout, stderr } = await place.run(['usage', '--mesh']);
  assert.deepEqual(
    [exitCode, stdout, stderr],
    [2, '', 'flowmesh: This node has never been in a mesh: there is only its own usage.\n'],
  );
});

test('what cannot be grouped by or is no time is refused in a sentence', async () => {
  using place = commandPlace();
  const group = await place.run(['usage', '--by', 'modle']);
  assert.deepEqual(
    [group.exitCode, group.stderr],
    [2, "flowmesh: by has 'modle', which is nothing to group by. Did you mean 'model'?\n"],
  );
  const time = await place.run(['usage', '--since', '2026-02-30']);
  assert.equal(time.exitCode, 2);
  assert.match(time.stderr, /^flowmesh: since must be a date such as 2026-11-22/);
  const turned = await place.run(['usage', '--since', '2026-11-03', '--until', '2026-11-02']);
  assert.deepEqual(
    [turned.exitCode, turned.stdout, turned.stderr],
    [2, '', 'flowmesh: until must be later than since.\n'],
  );
});

test('entries are told one by one, as JSON lines or CSV, of the time and the tenant that are asked for', async () => {
  using place = filledPlace();
  const { exitCode, stdout, stderr } = await place.run([
    'usage',
    '--entries',
    '--tenant',
    'acme',
    '--since',
    '2026-11-02',
  ]);
  assert.deepEqual([exitCode, stderr], [0, '']);
  assert.deepEqual(stdout.split('\n').slice(1), ['']);
  const { requestId, startedAt, tags, cost, error } = JSON.parse(stdout);
  assert.deepEqual([requestId, startedAt, tags, cost, error], ['3', '2026-11-02T10:00:00.000Z', {}, 0.5, '']);
  const csv = await place.run(['usage', '--entries', '--csv', '--model', 'strange']);
  assert.equal(
    csv.stdout,
    [
      'requestId,startedAt,tenant,key,tags,operation,prompt,model,status,chain,target,provider,inputTokens,cachedTokens,cacheWriteTokens,outputTokens,reasoningTokens,isEstimated,cost,savedTokens,savedCost,attempts,ttftMs,durationMs,error',
      '2,2026-11-01T10:00:00.000Z,acme,,,openai-chat,,strange,done,,,,1000,0,0,200,0,false,unknown,0,0,1,,,',
      '',
    ].join('\r\n'),
  );
});

test('entries are not grouped, and are those of this node', async () => {
  using place = filledPlace();
  const grouped = await place.run(['usage', '--entries', '--by', 'day']);
  assert.deepEqual(
    [grouped.exitCode, grouped.stdout, grouped.stderr],
    [2, '', 'flowmesh: Entries are not grouped: leave --by out.\n'],
  );
  const mesh = await place.run(['usage', '--entries', '--mesh']);
  assert.deepEqual(
    [mesh.exitCode, mesh.stdout, mesh.stderr],
    [2, '', 'flowmesh: Other nodes tell their sums, and no single entries.\n'],
  );
});
