import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { GATEWAY_MIGRATIONS } from '../../src/node-files.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { RESPONSE_HISTORY_MIGRATIONS, ResponseHistory } from '../../src/storage/response-history.ts';
import { TENANCY_MIGRATIONS } from '../../src/tenancy/migrations.ts';
import { ManualClock } from '../support/manual-clock.ts';

const DAY_MS = 86_400_000;
const TENANT = 'acme';

function setup(limits = { retentionDays: 30, entriesMax: 1_000 }) {
  const clock = new ManualClock();
  const history = new ResponseHistory(openDatabase(':memory:', GATEWAY_MIGRATIONS), clock, () => limits);
  return { clock, history };
}

function entry(text: string) {
  return { items: [{ type: 'message', role: 'user', content: text }], response: { id: text, output: [] } };
}

test('what is put can be got and deleted', () => {
  const { history } = setup();
  history.put(TENANT, 'resp_1', entry('one 漢字'));
  assert.deepEqual(history.get(TENANT, 'resp_1'), entry('one 漢字'));
  assert.equal(history.get(TENANT, 'resp_2'), undefined);
  assert.equal(history.delete(TENANT, 'resp_1'), true);
  assert.equal(history.delete(TENANT, 'resp_1'), false);
  assert.equal(history.get(TENANT, 'resp_1'), undefined);
});

test('a second answer of the same name replaces the first', () => {
  const { history } = setup();
  history.put(TENANT, 'resp_1', entry('one'));
  history.put(TENANT, 'resp_1', entry('two'));
  assert.deepEqual(history.get(TENANT, 'resp_1'), entry('two'));
});

test('an entry is gone when its time is over, before it is even deleted', () => {
  const { clock, history } = setup();
  history.put(TENANT, 'resp_1', entry('one'));
  clock.advance(30 * DAY_MS);
  assert.ok(history.get(TENANT, 'resp_1'));
  clock.advance(1);
  assert.equal(history.get(TENANT, 'resp_1'), undefined);
});

test('of more than the bound the newest are kept, also when all came in the same millisecond', () => {
  for (const stepMs of [1, 0]) {
    const { clock, history } = setup({ retentionDays: 30, entriesMax: 10 });
    for (let index = 0; index <= 100; index += 1) {
      history.put(TENANT, `resp_${String(index).padStart(3, '0')}`, entry(String(index)));
      clock.advance(stepMs);
    }
    const kept = Array.from({ length: 101 }, (_, index) =>
      history.get(TENANT, `resp_${String(index).padStart(3, '0')}`),
    ).filter((found) => found !== undefined);
    assert.equal(kept.length, 10);
    if (stepMs > 0) assert.deepEqual(kept.at(-1), entry('100'));
  }
});

test('items of answers are found by their own ids, as long as their answer is kept', () => {
  const { clock, history } = setup();
  const item = { id: 'msg_1', type: 'message', role: 'assistant', content: [] };
  const response = { id: 'resp_1', output: [{ id: 'rs_1', type: 'reasoning', summary: [] }, item] };
  history.put(TENANT, 'resp_1', { items: [], response });
  assert.deepEqual(history.item(TENANT, 'msg_1'), item);
  assert.equal(history.item(TENANT, 'msg_2'), undefined);
  history.put(TENANT, 'resp_2', { items: [], response: { id: 'resp_2', output: [{ ...item, id: 'msg_2' }] } });
  history.delete(TENANT, 'resp_1');
  assert.equal(history.item(TENANT, 'msg_1'), undefined);
  assert.equal(history.item(TENANT, 'msg_2')?.id, 'msg_2');
  clock.advance(30 * DAY_MS + 1);
  assert.equal(history.item(TENANT, 'msg_2'), undefined);
});

test('no tenant can read, name, replace or delete what is another one’s, even under the same id', () => {
  const { history } = setup();
  const withItem = (text: string) => ({
    items: [{ text }],
    response: { id: 'resp_1', output: [{ id: 'msg_1', text }] },
  });
  history.put(TENANT, 'resp_1', withItem('of acme'));
  assert.equal(history.get('other', 'resp_1'), undefined);
  assert.equal(history.item('other', 'msg_1'), undefined);
  assert.equal(history.delete('other', 'resp_1'), false);
  history.put('other', 'resp_1', withItem('of other'));
  assert.deepEqual(history.get(TENANT, 'resp_1'), withItem('of acme'));
  assert.deepEqual(history.item('other', 'msg_1'), { id: 'msg_1', text: 'of other' });
  assert.equal(history.delete('other', 'resp_1'), true);
  assert.deepEqual(history.item(TENANT, 'msg_1'), { id: 'msg_1', text: 'of acme' });
});

test('what was stored before answers had an owner stays the default tenant’s only where there were no keys', () => {
  for (const hasKey of [false, true]) {
    const directory = mkdtempSync(join(tmpdir(), 'flowmesh-history-'));
    try {
      const path = join(directory, 'gateway.db');
      const old = openDatabase(path, { responses: RESPONSE_HISTORY_MIGRATIONS, tenancy: TENANCY_MIGRATIONS });
      old.exec(`INSERT INTO response_history VALUES ('resp_1', 1, '[]', '{"output":[{"id":"msg_1"},{"type":"x"}]}');
        INSERT INTO response_item VALUES ('msg_1', 'resp_1')`);
      if (hasKey) {
        old.exec(`INSERT INTO tenant (id, created_at) VALUES ('acme', 1);
          INSERT INTO virtual_key (id, tenant, name, secret_hash, created_at) VALUES ('k', 'acme', 'n', 'h', 1)`);
      }
      old.close();
      const database = openDatabase(path, GATEWAY_MIGRATIONS);
      const limits = { retentionDays: 30, entriesMax: 10 };
      const history = new ResponseHistory(database, new ManualClock(2), () => limits);
      assert.equal(history.get('default', 'resp_1') === undefined, hasKey);
      assert.deepEqual(history.item('default', 'msg_1'), hasKey ? undefined : { id: 'msg_1' });
      database.close();
    } finally {
      rmSync(directory, { recursive: true });
    }
  }
});
