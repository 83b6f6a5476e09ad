import assert from 'node:assert/strict';
import { test } from 'node:test';
import { estimateInputTokens, estimateTextTokens, estimateUsage } from '../../src/gateway/token-estimate.ts';
import { chatRequest } from './support.ts';

const PROSE = 'The quick brown fox jumps over the lazy dog. ';

test('prose is counted about as a tokenizer counts it', () => {
  // Ten tokens in every current tokenizer.
  const tokens = estimateTextTokens([PROSE.repeat(100)]);
  assert.ok(tokens > 900 && tokens < 1_200, String(tokens));
});

test('nothing is nothing', () => {
  assert.equal(estimateTextTokens([]), 0);
  assert.equal(estimateTextTokens(['']), 0);
});

test('messages, tools, calls and results all count, and a picture counts as one', () => {
  const plain = estimateInputTokens(chatRequest());
  const messages = [
    { role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }] },
    { role: 'assistant', tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }] },
    { role: 'tool', tool_call_id: 'c1', content: PROSE },
  ];
  assert.ok(estimateInputTokens(chatRequest({ messages: messages.slice(0, 1) })) >= 1_000);
  assert.ok(
    estimateInputTokens(chatRequest({ messages })) >
      estimateInputTokens(chatRequest({ messages: messages.slice(0, 1) })) + 10,
  );
  const tools = [{ type: 'function', function: { name: 'f', description: PROSE, parameters: { type: 'object' } } }];
  assert.ok(estimateInputTokens(chatRequest({ tools })) > plain + 10);
});

test('what is too long to be counted is judged by its beginning', () => {
  const counted = estimateTextTokens([PROSE.repeat(5_000)]);
  const judged = estimateTextTokens([PROSE.repeat(50_000)]);
  assert.ok(Math.abs(judged / counted - 10) < 0.01, `${judged} against ${counted}`);
});

test('an estimate is marked as one', () => {
  const usage = estimateUsage(chatRequest(), 'Hello');
  assert.deepEqual(usage, {
    inputTokens: 5,
    cachedInputTokens: 0,
    cacheWriteTokens: 0,
    outputTokens: 1,
    reasoningTokens: 0,
    isEstimated: true,
  });
});
