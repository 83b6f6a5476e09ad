import assert from 'node:assert/strict';
import { test } from 'node:test';
import { promptName } from '../../src/gateway/prompt-name.ts';
import { chatRequest } from './support.ts';

function nameOf(body: object): string | undefined {
  return promptName(chatRequest(body));
}

test('a prompt goes by its client’s name for it, else by a fingerprint of the system text, else by none', () => {
  const system = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Hello' },
  ];
  assert.equal(nameOf({ metadata: { prompt: 'greeting' }, messages: system }), 'greeting');
  assert.match(nameOf({ messages: system }) ?? '', /^system-[0-9a-f]{12}$/);
  assert.equal(nameOf({}), undefined);
});

test('a key that is sent as a name is not entered', () => {
  assert.equal(nameOf({ metadata: { prompt: 'sk-proj-abcDEF0123456789' } }), '[redacted]');
});
