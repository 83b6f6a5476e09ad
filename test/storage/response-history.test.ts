import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openDatabase } from '../../src/storage/database.ts';
import { RESPONSE_HISTORY_MIGRATIONS, ResponseHistory } from '../../src/storage/response-history.ts';
import { ManualClock } from '../support/manual-clock.ts';

const DAY_MS = 86_400_000;

function setup(limits = { retentionDays: 30, entriesMax: 1_000 }) {
  const clock = new ManualClock();
  const history = new ResponseHistory(openDatabase(':memory:', RESPONSE_HISTORY_MIGRATIONS), clock, () => limits);
  return { clock, history };
}

function entry(text: string) {
  return { items: [{ type: 'message', role: 'user', content: text }], response: { id: text, output: [] } };
}

test('what is put can be got and deleted', () => {
  const { history } = setup();
  history.put('resp_1', entry('one 漢字'));
  assert.deepEqual(history.get('resp_1'), entry('one 漢字'));
  assert.equal(history.get('resp_2'), undefined);
  assert.equal(history.delete('resp_1'), true);
  assert.equal(history.delete('resp_1'), false);
  assert.equal(history.get('resp_1'), undefined);
});

test('a second answer of the same name replaces the first', () => {
  const { history } = setup();
  history.put('resp_1', entry('one'));
  history.put('resp_1', entry('two'));
  assert.deepEqual(history.get('resp_1'), entry('two'));
});

test('an entry is gone when its time is over, before it is even deleted', () => {
  const { clock, history } = setup();
  history.put('resp_1', entry('one'));
  clock.advance(30 * DAY_MS);
  assert.ok(history.get('resp_1'));
  clock.advance(1);
  assert.equal(history.get('resp_1'), undefined);
});

test('of more than the bound the newest are kept, also when all came in the same millisecond', () => {
  for (const stepMs of [1, 0]) {
    const { clock, history } = setup({ retentionDays: 30, entriesMax: 10 });
    for (let index = 0; index <= 100; index += 1) {
      history.put(`resp_${String(index).padStart(3, '0')}`, entry(String(index)));
      clock.advance(stepMs);
    }
    const kept = Array.from({ length: 101 }, (_, index) =>
      history.get(`resp_${String(index).padStart(3, '0')}`),
    ).filter((found) => found !== undefined);
    assert.equal(kept.length, 10);
    if (stepMs > 0) assert.deepEqual(kept.at(-1), entry('100'));
  }
});

test('items of answers are found by their own ids, as long as their answer is kept', () => {
  const { clock, history } = setup();
  const item = { id: 'msg_1', type: 'message', role: 'assistant', content: [] };
  const response = { id: 'resp_1', output: [{ id: 'rs_1', type: 'reasoning', summary: [] }, item] };
  history.put('resp_1', { items: [], response });
  assert.deepEqual(history.item('msg_1'), item);
  assert.equal(history.item('msg_2'), undefined);
  history.put('resp_2', { items: [], response: { id: 'resp_2', output: [{ ...item, id: 'msg_2' }] } });
  history.delete('resp_1');
  assert.equal(history.item('msg_1'), undefined);
  assert.equal(history.item('msg_2')?.id, 'msg_2');
  clock.advance(30 * DAY_MS + 1);
  assert.equal(history.item('msg_2'), undefined);
});
