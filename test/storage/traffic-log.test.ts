import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GATEWAY_MIGRATIONS } from '../../src/node-files.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { readTraffic, TrafficLog } from '../../src/storage/traffic-log.ts';
import { ManualClock } from '../support/manual-clock.ts';

const DAY_MS = 86_400_000;

function setUp(bounds = { retentionDays: 7, entriesMax: 1_000, entryBytesMax: 100 }) {
  const clock = new ManualClock();
  const database = openDatabase(':memory:', GATEWAY_MIGRATIONS);
  const failures: unknown[] = [];
  const log = new TrafficLog(database, 'prompt_log', {
    clock,
    bounds: () => bounds,
    onFailure: (error) => void failures.push(error),
  });
  const add = (id: string, tenant = 'acme', name = 'm') => log.add({ id, tenant, name, body: { said: id } });
  const idsOf = (query: Partial<Parameters<typeof readTraffic>[2]> = {}) => {
    log.flush();
    return readTraffic(database, 'prompt_log', { limit: 100, ...query }).map(({ id }) => id);
  };
  return { clock, database, log, failures, add, idsOf };
}

test('what is added is read in its order, the newest so many, of one tenant or name', () => {
  const { clock, database, add, idsOf } = setUp();
  const start = clock.now();
  add('1');
  clock.advance(1_000);
  add('2', 'other');
  add('3', 'acme', 'n');
  assert.deepEqual(idsOf(), ['1', '2', '3']);
  assert.deepEqual(idsOf({ limit: 2 }), ['2', '3']);
  assert.deepEqual(idsOf({ tenant: 'acme' }), ['1', '3']);
  assert.deepEqual(idsOf({ name: 'n' }), ['3']);
  assert.deepEqual(idsOf({ since: start + 1 }), ['2', '3']);
  assert.deepEqual(idsOf({ exceptIds: '2' }), ['1', '3']);
  assert.deepEqual(readTraffic(database, 'prompt_log', { limit: 1 }), [
    { id: '3', at: start + 1_000, tenant: 'acme', name: 'n', body: { said: '3' } },
  ]);
  assert.deepEqual(readTraffic(database, 'shadow_log', { limit: 100 }), []);
});

test('entries of one id are all kept, for clients may choose it', () => {
  const { add, idsOf } = setUp();
  add('same');
  add('same', 'other');
  add('same');
  assert.deepEqual(idsOf(), ['same', 'same~2', 'same~3']);
  assert.deepEqual(idsOf({ tenant: 'acme' }), ['same', 'same~3']);
});

test('what came while the clock was ahead goes when it is due, and nothing goes for a clock that is set back', () => {
  const { clock, log, add, idsOf } = setUp();
  add('before');
  clock.setForward(400 * DAY_MS);
  add('ahead');
  log.flush();
  clock.setForward(-400 * DAY_MS);
  log.prune();
  assert.deepEqual(idsOf(), ['before', 'ahead']);
  clock.advance(7 * DAY_MS + 1);
  log.prune();
  assert.deepEqual(idsOf(), []);
});

test('what is too large, measured in bytes, is not kept', () => {
  const { log, idsOf } = setUp();
  const addText = (id: string, text: string) => log.add({ id, tenant: 't', name: 'm', body: { text } });
  const room = 100 - '{"text":""}'.length;
  assert.equal(addText('fits', 'x'.repeat(room)), true);
  assert.equal(addText('over', 'x'.repeat(room + 1)), false);
  assert.equal(addText('wide', '漢'.repeat(room / 2)), false);
  assert.deepEqual(idsOf(), ['fits']);
});

test('what is too old or too much is forgotten, also when nothing is added any more', () => {
  const { clock, log, add, idsOf } = setUp({ retentionDays: 7, entriesMax: 2, entryBytesMax: 100 });
  const stop = log.keepPruned();
  for (const id of ['1', '2', '3']) add(id);
  assert.deepEqual(idsOf(), ['1', '2', '3']);
  clock.advance(6 * 3_600_000);
  assert.deepEqual(idsOf(), ['2', '3']);
  clock.advance(7 * DAY_MS);
  assert.deepEqual(idsOf(), []);
  stop();
  assert.equal(clock.timerCount, 0);
});

test('a disk that takes no more is told of, and costs nobody an answer', () => {
  const { log, database, failures, add } = setUp();
  add('1');
  database.close();
  log.flush();
  assert.equal(failures.length, 1);
});
