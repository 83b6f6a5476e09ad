// Numbers of 64 bits go through a whole node with all their digits, whichever dialects meet.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JSON_HEADERS } from '../support/chat-wire.ts';
import { startNode } from '../support/node.ts';
import { startRawUpstream } from '../support/raw-upstream.ts';

const ID = '1234567890123456789';
const MAXIMUM = '9223372036854775807';

/** Texts, not objects: a test's own JSON would round them. */
const CALL = `{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"finish_reason":"tool_calls",
  "message":{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function",
    "function":{"name":"read","arguments":"{\\"post\\":${ID}}"}}]}}],
  "usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}`;
const SCHEMA = `{"type":"object","properties":{"post":{"type":"integer","maximum":${MAXIMUM}}}}`;

async function exchange(path: string, body: string): Promise<{ readonly sent: string; readonly answer: string }> {
  await using upstream = await startRawUpstream((response) => response.writeHead(200, JSON_HEADERS).end(CALL));
  const node = await startNode({ accounts: { a: { url: upstream.url, models: ['m'] } }, chains: { main: ['a/m'] } });
  try {
    const response = await fetch(node.url + path, { method: 'POST', headers: JSON_HEADERS, body });
    return { answer: await response.text(), sent: upstream.requests[0]?.body ?? '' };
  } finally {
    await node.stop();
  }
}

test('seeds and bounds in a body of the upstream’s own dialect', async () => {
  const { sent } = await exchange(
    '/v1/chat/completions',
    `{"model":"main","messages":[{"role":"user","content":"Hi"}],"seed":${MAXIMUM},"tools":[{"type":"function",
      "function":{"name":"read","parameters":${SCHEMA}}}]}`,
  );
  assert.ok(sent.includes(`"seed":${MAXIMUM}`), sent);
  assert.ok(sent.includes(`"parameters":${SCHEMA}`), sent);
});

test('tool calls and schemas of another dialect, there and back', async () => {
  const { sent, answer } = await exchange(
    '/v1/messages',
    `{"model":"main","max_tokens":9,"tools":[{"name":"read","input_schema":${SCHEMA}}],"messages":[
      {"role":"user","content":"Hi"},
      {"role":"assistant","content":[{"type":"tool_use","id":"t1","name":"read","input":{"post": ${ID}}}]},
      {"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"ok"}]}]}`,
  );
  assert.ok(sent.includes(`"arguments":"{\\"post\\":${ID}}"`), sent);
  assert.ok(sent.includes(`"parameters":${SCHEMA}`), sent);
  assert.ok(answer.includes(`"input":{"post":${ID}}`), answer);
});
