import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dialects } from '../../src/dialects/registry.ts';

/** What an upstream is sent for an Ollama client that wants JSON. */
function sent(upstream: 'openai-chat' | 'openai-responses', content: string): any {
  const body = { model: 'm', messages: [{ role: 'user', content }], format: 'json' };
  const request = dialects.ollama.client.parseRequest(body, {});
  return dialects[upstream].upstream?.renderRequest(request, { model: 'up', isStream: false, traits: {} }).body;
}

test('OpenAI is told of the JSON that is wanted where no message says so', () => {
  assert.deepEqual(sent('openai-chat', 'A list.').messages, [
    { role: 'system', content: 'Answer with a single JSON object.' },
    { role: 'user', content: 'A list.' },
  ]);
  assert.equal(sent('openai-chat', 'A Json list.').messages.length, 1);
  assert.equal(sent('openai-responses', 'A list.').instructions, 'Answer with a single JSON object.');
  assert.equal('instructions' in sent('openai-responses', 'A JSON list.'), false);
});
