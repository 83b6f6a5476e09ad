import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shortEndUser } from '../../src/dialects/end-user.ts';

test('an end user of up to 64 characters is told as it is', () => {
  assert.equal(shortEndUser(undefined), undefined);
  assert.equal(shortEndUser('bob@example.org'), 'bob@example.org');
  assert.equal(shortEndUser('x'.repeat(64)), 'x'.repeat(64));
});

test("what is longer, such as Claude Code's, becomes a short name that is the same each time", () => {
  const user = (session: string): string =>
    JSON.stringify({ device_id: 'd'.repeat(64), account_uuid: '', session_id: session });
  assert.match(shortEndUser(user('1')) ?? '', /^user_[A-Za-z0-9]{9}$/);
  assert.equal(shortEndUser(user('1')), shortEndUser(user('1')));
  assert.notEqual(shortEndUser(user('1')), shortEndUser(user('2')));
});
