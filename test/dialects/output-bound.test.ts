import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withOutputBound } from '../../src/dialects/output-bound.ts';
import { dialects } from '../../src/dialects/registry.ts';
import type { DialectName } from '../../src/model/chat.ts';

const messages = [{ role: 'user', content: 'Hello' }];

function lowered(dialect: DialectName, body: object, most: number | undefined = 16_384) {
  const request = dialects[dialect].client.parseRequest({ model: 'm', messages, ...body }, { model: 'm' });
  const { sampling, original } = withOutputBound(request, most);
  const { model: _model, messages: _messages, input: _input, contents: _contents, ...rest } = original?.body ?? {};
  return { bound: sampling.maxOutputTokens, rest };
}

test('a bound above what the model can write is lowered to that, wherever the wire has it', () => {
  const at = (rest: object) => ({ bound: 16_384, rest });
  assert.deepEqual(lowered('openai-chat', { max_tokens: 64_000, top_p: 1 }), at({ max_tokens: 16_384, top_p: 1 }));
  assert.deepEqual(
    lowered('openai-chat', { max_completion_tokens: 64_000, max_tokens: 5 }),
    at({ max_completion_tokens: 16_384, max_tokens: 5 }),
  );
  assert.deepEqual(
    lowered('openai-responses', { input: 'Hi', max_output_tokens: 64_000 }),
    at({ max_output_tokens: 16_384 }),
  );
  assert.deepEqual(
    lowered('anthropic', { max_tokens: 64_000, thinking: { type: 'enabled', budget_tokens: 32_000 } }),
    at({ max_tokens: 16_384, thinking: { type: 'enabled', budget_tokens: 15_360 } }),
  );
  const contents = [{ role: 'user', parts: [{ text: 'Hi' }] }];
  assert.deepEqual(
    lowered('gemini', { messages: undefined, contents, generation_config: { max_output_tokens: 64_000 } }).rest,
    { generation_config: { max_output_tokens: 16_384 } },
  );
  assert.deepEqual(
    lowered('gemini', { messages: undefined, contents, generationConfig: { maxOutputTokens: 64_000, topP: 1 } }).rest,
    { generationConfig: { maxOutputTokens: 16_384, topP: 1 } },
  );
  assert.deepEqual(lowered('ollama', { options: { num_predict: 64_000 } }), at({ options: { num_predict: 16_384 } }));
});

test('a bound within it, and none at all, stay as they are', () => {
  const request = (body: object) => dialects['openai-chat'].client.parseRequest({ model: 'm', messages, ...body }, {});
  for (const [body, most] of [
    [{ max_tokens: 16_384 }, 16_384],
    [{}, 16_384],
    [{ max_tokens: 64_000 }, undefined],
  ] as const) {
    const sent = request(body);
    assert.equal(withOutputBound(sent, most), sent);
  }
});
