import assert from 'node:assert/strict';
import { test } from 'node:test';
import { searchQuery } from '../../src/knowledge/augment-query.ts';
import type { Message } from '../../src/model/chat.ts';

const say = (role: Message['role'], text: string): Message => ({ role, parts: [{ type: 'text', text }] });
const LONG = 'How long does the battery of the pump last in winter?';

test('the last question of a user is searched for', () => {
  assert.equal(searchQuery([say('system', 's'), say('user', 'one'), say('assistant', 'two'), say('user', LONG)]), LONG);
});

test('a short follow-up is searched for together with the question before it', () => {
  const messages = [say('user', LONG), say('assistant', 'Two years.'), say('user', 'And in summer?')];
  assert.equal(searchQuery(messages), `${LONG}\nAnd in summer?`);
  assert.equal(searchQuery([say('user', 'And in summer?')]), 'And in summer?');
});

test('results of tools are not what was asked', () => {
  const result: Message = { role: 'user', parts: [{ type: 'tool-result', toolCallId: 'c', parts: [] }] };
  assert.equal(searchQuery([say('user', LONG), say('assistant', 'x'), result]), LONG);
});

test('of a long message both ends are searched for', () => {
  const query = searchQuery([say('user', `begin ${'x'.repeat(5_000)} end`)]);
  assert.equal(query.length, 1_201);
  assert.match(query, /^begin [\s\S]* end$/);
});

test('where nobody has written anything there is no question', () => {
  assert.equal(searchQuery([say('system', 's'), say('assistant', 'a')]), '');
});
