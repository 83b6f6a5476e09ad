import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ollama } from '../../../src/dialects/ollama/index.ts';
import { GatewayError } from '../../../src/errors.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { parsed } from './support.ts';

const PNG = 'iVBORw0KGgoAAAANSUhEUg==';

function refuses(body: JsonObject, param: string): void {
  assert.throws(
    () => parsed(body),
    (error) => error instanceof GatewayError && error.code === 'bad_request' && error.param === param,
  );
}

describe('a client request', () => {
  test('streams unless told not to', () => {
    assert.equal(parsed({}).isStream, true);
    assert.equal(parsed({ stream: false }).isStream, false);
    assert.equal(parsed({ stream: null }).isStream, true);
  });

  test('keeps its original', () => {
    const body = { model: 'm', keep_alive: '5m', options: { num_ctx: 8_192 } };
    assert.deepEqual(ollama.client.parseRequest(body, {}).original, { dialect: 'ollama', body });
  });

  test('needs a model', () => {
    assert.throws(
      () => ollama.client.parseRequest({ messages: [] }, {}),
      (error) => error instanceof GatewayError && error.param === 'model',
    );
  });

  test('reads system, user and assistant messages with images and thinking', () => {
    assert.deepEqual(
      parsed({
        messages: [
          { role: 'system', content: 'be kind' },
          { role: 'user', content: 'what is this?', images: [PNG, `data:image/webp;base64,UklGRg==`, 'Qk0='] },
          { role: 'assistant', content: 'a dot', thinking: 'hm' },
        ],
      }).messages,
      [
        { role: 'system', parts: [{ type: 'text', text: 'be kind' }] },
        {
          role: 'user',
          parts: [
            { type: 'text', text: 'what is this?' },
            { type: 'media', kind: 'image', source: { type: 'base64', data: PNG }, mimeType: 'image/png' },
            { type: 'media', kind: 'image', source: { type: 'base64', data: 'UklGRg==' }, mimeType: 'image/webp' },
            { type: 'media', kind: 'image', source: { type: 'base64', data: 'Qk0=' } },
          ],
        },
        {
          role: 'assistant',
          parts: [
            { type: 'reasoning', text: 'hm' },
            { type: 'text', text: 'a dot' },
          ],
        },
      ],
    );
  });

  test('makes ids for calls and matches results to them by tool name, then by order', () => {
    const call = (name: string, city: string) => ({ function: { name, arguments: { city } } });
    const { messages } = parsed({
      messages: [
        {
          role: 'assistant',
          content: '',
          tool_calls: [call('weather', 'Bonn'), call('time', 'Bonn'), call('time', 'Rome')],
        },
        { role: 'tool', content: 'noon', tool_name: 'time' },
        { role: 'tool', content: 'rain' },
        { role: 'tool', content: 'night', tool_name: 'time' },
        { role: 'tool', content: 'nobody asked', tool_name: 'other' },
        { role: 'assistant', tool_calls: [call('weather', 'Bonn')] },
        { role: 'tool', content: 'sun', tool_name: 'weather' },
      ],
    });
    const callIds = messages.flatMap(({ parts }) =>
      parts.flatMap((part) => (part.type === 'tool-call' ? [part.id] : [])),
    );
    const results = messages.flatMap(({ parts }) =>
      parts.flatMap((part) => (part.type === 'tool-result' ? [[part.toolCallId, part.name, part.parts]] : [])),
    );
    const said = (text: string) => [{ type: 'text', text }];
    assert.equal(new Set(callIds).size, 4);
    for (const id of callIds) assert.match(id, /^call_\d_[A-Za-z0-9]{9}$/);
    assert.deepEqual(
      [results[0], results[1], results[2], results[4]],
      [
        [callIds[1], 'time', said('noon')],
        [callIds[0], 'weather', said('rain')],
        [callIds[2], 'time', said('night')],
        [callIds[3], 'weather', said('sun')],
      ],
    );
    const orphan = results[3]?.[0];
    assert.ok(typeof orphan === 'string' && !callIds.includes(orphan));
    assert.deepEqual(parsed({ messages: [] }).messages, []);
  });

  test('makes the same ids whenever the same conversation comes', () => {
    const body = { messages: [{ role: 'assistant', tool_calls: [{ function: { name: 'look', arguments: {} } }] }] };
    assert.deepEqual(parsed(body), parsed(structuredClone(body)));
  });

  test('keeps the ids that the client kept', () => {
    const { messages } = parsed({
      messages: [
        {
          role: 'assistant',
          tool_calls: [
            { id: 'a', function: { name: 'look', arguments: {} } },
            { id: 'b', function: { name: 'look' } },
          ],
        },
        { role: 'tool', content: 'B', tool_call_id: 'b' },
        { role: 'tool', content: 'A', tool_name: 'look' },
      ],
    });
    assert.deepEqual(messages, [
      {
        role: 'assistant',
        parts: [
          { type: 'tool-call', id: 'a', name: 'look', argumentsJson: '{}' },
          { type: 'tool-call', id: 'b', name: 'look', argumentsJson: '{}' },
        ],
      },
      {
        role: 'tool',
        parts: [{ type: 'tool-result', toolCallId: 'b', name: 'look', parts: [{ type: 'text', text: 'B' }] }],
      },
      {
        role: 'tool',
        parts: [{ type: 'tool-result', toolCallId: 'a', name: 'look', parts: [{ type: 'text', text: 'A' }] }],
      },
    ]);
  });

  test('reads tools', () => {
    assert.deepEqual(
      parsed({
        tools: [
          { type: 'function', function: { name: 'look', description: 'Looks.', parameters: { type: 'object' } } },
          { type: 'function', function: { name: 'wait' } },
        ],
      }).tools,
      [{ name: 'look', description: 'Looks.', parameters: { type: 'object' } }, { name: 'wait' }],
    );
  });

  test('reads the options', () => {
    assert.deepEqual(
      parsed({
        options: {
          num_predict: 9,
          temperature: 0,
          top_p: 0.5,
          top_k: 3,
          stop: ['a'],
          seed: 7,
          presence_penalty: 1,
          frequency_penalty: 2,
          num_ctx: 4_096,
        },
        logprobs: true,
        top_logprobs: 2,
      }).sampling,
      {
        maxOutputTokens: 9,
        temperature: 0,
        topP: 0.5,
        topK: 3,
        stop: ['a'],
        seed: 7,
        presencePenalty: 1,
        frequencyPenalty: 2,
        logprobs: true,
        topLogprobs: 2,
      },
    );
    assert.deepEqual(parsed({ options: { num_predict: -1 } }).sampling, {});
  });

  test('reads the format', () => {
    assert.equal(parsed({ format: '' }).responseFormat, undefined);
    assert.deepEqual(parsed({ format: 'json' }).responseFormat, { type: 'json' });
    assert.deepEqual(parsed({ format: { type: 'object' } }).responseFormat, {
      type: 'json-schema',
      name: 'response',
      schema: { type: 'object' },
    });
  });

  test('reads think', () => {
    assert.equal(parsed({}).reasoning, undefined);
    assert.deepEqual(parsed({ think: false }).reasoning, { effort: 'none' });
    assert.deepEqual(parsed({ think: true }).reasoning, { budgetTokens: -1, isSummaryWanted: true });
    assert.deepEqual(parsed({ think: 'low' }).reasoning, { effort: 'low', isSummaryWanted: true });
  });

  test('is refused with the field that is wrong', () => {
    refuses({ messages: {} }, 'messages');
    refuses({ messages: ['hi'] }, 'messages[0]');
    refuses({ messages: [{ role: 'robot', content: '' }] }, 'messages[0].role');
    refuses({ messages: [{ role: 'user', content: ['hi'] }] }, 'messages[0].content');
    refuses({ messages: [{ role: 'user', images: [1] }] }, 'messages[0].images[0]');
    refuses({ messages: [{ role: 'assistant', tool_calls: [{}] }] }, 'messages[0].tool_calls[0].function');
    refuses({ tools: [{ type: 'function', function: {} }] }, 'tools[0].function.name');
    refuses({ options: { temperature: 'hot' } }, 'options.temperature');
    refuses({ format: 'xml' }, 'format');
    refuses({ think: 'hard' }, 'think');
    refuses({ stream: 'yes' }, 'stream');
  });
});
