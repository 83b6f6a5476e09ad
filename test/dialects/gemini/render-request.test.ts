// ChatRequest → what Gemini gets.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UpstreamTarget } from '../../../src/dialects/dialect.ts';
import { gemini } from '../../../src/dialects/gemini/index.ts';
import { packToolCallId } from '../../../src/dialects/tool-call-id.ts';
import { GatewayError } from '../../../src/errors.ts';
import type {
  ChatRequest,
  MediaPart,
  Message,
  ReasoningRequest,
  ToolCallPart,
  ToolResultPart,
} from '../../../src/model/chat.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { fc } from '../../support/property.ts';

const upstream = gemini.upstream!;
const target = (model = 'gemini-2.5-flash', traits: UpstreamTarget['traits'] = {}): UpstreamTarget => ({
  model,
  isStream: false,
  traits,
});
const request = (messages: readonly Message[], more: Partial<ChatRequest> = {}): ChatRequest => ({
  model: 'm',
  isStream: false,
  messages,
  tools: [],
  sampling: {},
  ...more,
});
const user = (text: string): Message => ({ role: 'user', parts: [{ type: 'text', text }] });
const render = (chat: ChatRequest, model?: string) => upstream.renderRequest(chat, target(model)).body;

test('the path names the model and the method', () => {
  const path = (model: string, isStream: boolean) =>
    upstream.renderRequest(request([user('x')]), { model, isStream, traits: {} }).path;
  assert.equal(path('gemini-x', false), '/models/gemini-x:generateContent');
  assert.equal(path('models/gemini-x', true), '/models/gemini-x:streamGenerateContent?alt=sse');
  assert.equal(path('tunedModels/mine', false), '/tunedModels/mine:generateContent');
});

test('no model name reaches another host, path or query', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      const { path } = upstream.renderRequest(request([user('x')]), { model: name, isStream: false, traits: {} });
      const url = new URL(`https://host.test/v1beta${path}`);
      assert.equal(url.host, 'host.test');
      assert.match(url.pathname, /^\/v1beta\/(models|tunedModels)\/[^/]*:generateContent$/);
      assert.equal(url.search + url.hash, '');
    }),
  );
});

test('a request of Gemini’s own goes as it came, but for its path and refused fields', () => {
  const body = {
    model: 'models/other',
    contents: [{ role: 'user', parts: [{ text: 'x', some_new_field: 1 }] }],
    safety_settings: [{ category: 'c' }],
    cachedContent: 'cachedContents/1',
    labels: { a: 'b' },
  };
  const parsed = gemini.client.parseRequest(body, { model: 'm' });
  assert.deepEqual(upstream.renderRequest(parsed, target('gemini-2.5-pro', { refusedFields: ['labels'] })).body, {
    contents: body.contents,
    safety_settings: body.safety_settings,
    cachedContent: 'cachedContents/1',
  });
});

test('an edited conversation is rendered afresh beside the other fields of the original', () => {
  const parsed = gemini.client.parseRequest(
    {
      system_instruction: { parts: [{ text: 'old' }] },
      contents: [{ role: 'model', parts: [{ text: 'a', thoughtSignature: 's' }] }],
      safetySettings: [],
    },
    { model: 'm' },
  );
  const edited: ChatRequest = {
    ...parsed,
    messages: [user('before'), ...parsed.messages.slice(1)],
    original: { ...parsed.original!, isConversationEdited: true },
  };
  assert.deepEqual(render(edited), {
    safetySettings: [],
    contents: [
      { role: 'user', parts: [{ text: 'before' }] },
      { role: 'model', parts: [{ text: 'a', thoughtSignature: 's' }] },
    ],
  });
});

test('shorthands that Google refuses are written out', () => {
  const parsed = gemini.client.parseRequest({ systemInstruction: 'short', contents: 'hello' }, { model: 'm' });
  assert.deepEqual(render(parsed), {
    systemInstruction: { parts: [{ text: 'short' }] },
    contents: [{ role: 'user', parts: [{ text: 'hello' }] }],
  });
});

test('a whole conversation with tools is translated', () => {
  const chat = request(
    [
      { role: 'system', parts: [{ type: 'text', text: 'One.' }] },
      { role: 'system', parts: [{ type: 'text', text: 'Two.' }] },
      user('Weather?'),
      {
        role: 'assistant',
        parts: [
          { type: 'reasoning', text: 'hm', signature: { dialect: 'anthropic', value: 'x' } },
          { type: 'tool-call', id: 'a', name: 'get', argumentsJson: '{"city":"Rome"}' },
          { type: 'tool-call', id: 'b', name: 'find', argumentsJson: 'not json' },
        ],
      },
      {
        role: 'tool',
        parts: [{ type: 'tool-result', toolCallId: 'b', parts: [{ type: 'text', text: 'oops' }], isError: true }],
      },
      { role: 'tool', parts: [{ type: 'tool-result', toolCallId: 'a', parts: [{ type: 'text', text: '{"t":20}' }] }] },
      user('Well?'),
    ],
    {
      tools: [
        { name: 'get', description: 'gets', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
        { name: 'now' },
        { name: 'web_search', isHosted: true, extensions: { 'openai-responses': { type: 'web_search' } } },
        { name: 'urlContext', isHosted: true, extensions: { gemini: { urlContext: {} } } },
      ],
      toolChoice: { type: 'tool', name: 'get' },
      parallelToolCalls: false,
      sampling: {
        temperature: 0,
        maxOutputTokens: 9,
        candidateCount: 2,
        stop: ['', 'x'],
        presencePenalty: 0,
        logprobs: true,
        topLogprobs: 2,
      },
      responseFormat: {
        type: 'json-schema',
        name: 'r',
        schema: { type: 'object', properties: { a: { type: 'string' } }, additionalProperties: false },
        isStrict: true,
      },
    },
  );
  assert.deepEqual(render(chat), {
    systemInstruction: { parts: [{ text: 'One.' }, { text: 'Two.' }] },
    contents: [
      { role: 'user', parts: [{ text: 'Weather?' }] },
      {
        role: 'model',
        parts: [
          { functionCall: { name: 'get', args: { city: 'Rome' } } },
          { functionCall: { name: 'find', args: { invalid_arguments: 'not json' } } },
        ],
      },
      {
        role: 'user',
        parts: [
          { functionResponse: { name: 'get', response: { t: 20 } } },
          { functionResponse: { name: 'find', response: { error: 'oops' } } },
          { text: 'Well?' },
        ],
      },
    ],
    tools: [
      {
        functionDeclarations: [
          {
            name: 'get',
            description: 'gets',
            parameters: { type: 'OBJECT', properties: { city: { type: 'STRING' } } },
          },
          { name: 'now' },
        ],
      },
      { urlContext: {} },
    ],
    toolConfig: { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['get'] } },
    generationConfig: {
      temperature: 0,
      candidateCount: 2,
      maxOutputTokens: 9,
      stopSequences: ['x'],
      responseLogprobs: true,
      logprobs: 2,
      responseMimeType: 'application/json',
      responseSchema: { type: 'OBJECT', properties: { a: { type: 'STRING' } } },
    },
  });
});

test('a tool choice without functions is left out, as Gemini refuses it', () => {
  assert.deepEqual(render(request([user('x')], { toolChoice: { type: 'auto' } })), {
    contents: [{ role: 'user', parts: [{ text: 'x' }] }],
  });
});

const step = (id: string, second = `second_${id}`): Message[] => [
  {
    role: 'assistant',
    parts: [
      { type: 'tool-call', id, name: 'f', argumentsJson: '{}' },
      { type: 'tool-call', id: second, name: 'f', argumentsJson: '{}' },
    ],
  },
  {
    role: 'tool',
    parts: [
      { type: 'tool-result', toolCallId: id, parts: [{ type: 'text', text: 'r' }] },
      { type: 'tool-result', toolCallId: second, parts: [{ type: 'text', text: 'r' }] },
    ],
  },
];
const signaturesOf = (body: JsonObject) =>
  (body.contents as { role: string; parts: { thoughtSignature?: string }[] }[])
    .filter((content) => content.role === 'model')
    .map((content) => content.parts.map((part) => part.thoughtSignature));

test('signatures come out of the ids, and Gemini 3 gets the placeholder on each unsigned step of the current turn', () => {
  const signedStep = step(packToolCallId('c', 'real'), 'c2');
  const chat = request([user('1'), ...step('old'), user('2'), ...signedStep, ...step('d')]);
  assert.deepEqual(signaturesOf(render(chat, 'gemini-3.8-flash')), [
    [undefined, undefined],
    ['real', undefined],
    ['skip_thought_signature_validator', undefined],
  ]);
  assert.deepEqual(signaturesOf(render(chat, 'gemini-2.5-pro'))[2], [undefined, undefined]);
});

test('a Gemini client’s own unsigned call of the current turn gets the placeholder, too', () => {
  const body = {
    contents: [
      { role: 'user', parts: [{ text: 'x' }] },
      { role: 'model', parts: [{ functionCall: { id: 'call_1', name: 'f', args: {} } }] },
      { role: 'user', parts: [{ functionResponse: { id: 'call_1', name: 'f', response: {} } }] },
    ],
  };
  const parsed = gemini.client.parseRequest(body, { model: 'm' });
  assert.deepEqual(render(parsed, 'gemini-3-pro-preview').contents, [
    body.contents[0],
    {
      role: 'model',
      parts: [
        { functionCall: { id: 'call_1', name: 'f', args: {} }, thoughtSignature: 'skip_thought_signature_validator' },
      ],
    },
    body.contents[2],
  ]);
});

const media = (part: Omit<MediaPart, 'type'>): MediaPart => ({ type: 'media', ...part });

test('media go inline, as addresses or as text', () => {
  const parts = [
    media({ kind: 'image', mimeType: 'image/webp', source: { type: 'base64', data: 'AA==' } }),
    media({ kind: 'document', fileName: 'a.PDF', source: { type: 'base64', data: 'AA==' } }),
    media({ kind: 'audio', source: { type: 'base64', data: 'AA==' } }),
    media({ kind: 'image', source: { type: 'url', url: 'https://x.test/y.gif#z' } }),
    media({ kind: 'video', source: { type: 'url', url: 'https://youtu.be/abc' } }),
    media({ kind: 'document', source: { type: 'text', text: 'plain' } }),
    media({ kind: 'document', source: { type: 'file', fileId: 'https://g/files/1', dialect: 'gemini' } }),
  ];
  assert.deepEqual((render(request([{ role: 'user', parts }])).contents as JsonObject[])[0]?.parts, [
    { inlineData: { mimeType: 'image/webp', data: 'AA==' } },
    { inlineData: { mimeType: 'application/pdf', data: 'AA==' } },
    { inlineData: { mimeType: 'audio/wav', data: 'AA==' } },
    { fileData: { mimeType: 'image/gif', fileUri: 'https://x.test/y.gif#z' } },
    { fileData: { mimeType: 'video/mp4', fileUri: 'https://youtu.be/abc' } },
    { text: 'plain' },
    { fileData: { fileUri: 'https://g/files/1' } },
  ]);
});

test('a file of another provider and a wrong media type are refused', () => {
  const file = media({ kind: 'document', source: { type: 'file', fileId: 'file-1', dialect: 'openai-chat' } });
  assert.throws(
    () => render(request([{ role: 'user', parts: [file] }])),
    (error) => error instanceof GatewayError && error.code === 'unsupported' && error.status === 400,
  );
  const wrong = media({ kind: 'image', mimeType: 'picture', source: { type: 'base64', data: '' } });
  assert.throws(
    () => render(request([{ role: 'user', parts: [wrong] }])),
    (error) => error instanceof GatewayError && error.code === 'bad_request',
  );
});

test('pictures in a tool result go inside it for Gemini 3, beside it for older models', () => {
  const chat = request([
    user('x'),
    {
      role: 'assistant',
      parts: [{ type: 'tool-call', id: packToolCallId('a', 's'), name: 'shot', argumentsJson: '{}' }],
    },
    {
      role: 'tool',
      parts: [
        {
          type: 'tool-result',
          toolCallId: packToolCallId('a', 's'),
          parts: [
            { type: 'text', text: 'here' },
            media({ kind: 'image', mimeType: 'image/png', source: { type: 'base64', data: 'AA==' } }),
          ],
        },
      ],
    },
  ]);
  const picture = { inlineData: { mimeType: 'image/png', data: 'AA==' } };
  const partsFor = (model: string) => (render(chat, model).contents as JsonObject[])[2]?.parts;
  assert.deepEqual(partsFor('gemini-3.8-flash'), [
    { functionResponse: { name: 'shot', response: { result: 'here' }, parts: [picture] } },
  ]);
  assert.deepEqual(partsFor('gemini-2.5-flash'), [
    { functionResponse: { name: 'shot', response: { result: 'here' } } },
    picture,
  ]);
});

const THINKING: readonly [model: string, reasoning: ReasoningRequest, expected: JsonObject | undefined][] = [
  ['gemini-3.8-flash', { effort: 'high' }, { thinkingLevel: 'HIGH', includeThoughts: true }],
  ['gemini-3.8-flash', { effort: 'none' }, { thinkingLevel: 'LOW' }],
  ['gemini-3-flash-preview', { effort: 'none' }, { thinkingLevel: 'MINIMAL' }],
  ['gemini-3-pro-preview', { effort: 'medium' }, { thinkingLevel: 'HIGH', includeThoughts: true }],
  ['gemini-3.1-pro-preview', { effort: 'minimal' }, { thinkingLevel: 'LOW', includeThoughts: true }],
  ['gemini-flash-latest', { budgetTokens: 9_000 }, { thinkingLevel: 'MEDIUM', includeThoughts: true }],
  ['gemini-3.8-flash', { budgetTokens: -1 }, { includeThoughts: true }],
  ['gemini-2.5-flash', { effort: 'medium' }, { thinkingBudget: 8_192, includeThoughts: true }],
  ['gemini-2.5-flash', { effort: 'none' }, { thinkingBudget: 0 }],
  ['gemini-2.5-pro', { effort: 'none' }, { thinkingBudget: 128 }],
  ['gemini-2.5-pro', { effort: 'max', isSummaryWanted: false }, { thinkingBudget: 32_768 }],
  ['gemini-2.5-flash-lite', { budgetTokens: 100 }, { thinkingBudget: 512, includeThoughts: true }],
  ['gemini-2.5-flash', { isSummaryWanted: true }, { includeThoughts: true }],
  ['gemini-2.0-flash', { effort: 'high' }, undefined],
  ['gemma-3-27b-it', { effort: 'high' }, undefined],
];

for (const [model, reasoning, expected] of THINKING) {
  test(`thinking: ${model} asked for ${JSON.stringify(reasoning)} gets ${JSON.stringify(expected)}`, () => {
    const config = render(request([user('x')], { reasoning }), model).generationConfig as JsonObject | undefined;
    assert.deepEqual(config?.thinkingConfig, expected);
  });
}

const name = fc.stringMatching(/^[a-z]{1,6}$/);
const words = fc.stringMatching(/^[a-z]{1,10}$/);
const exchange = fc.record({
  question: words,
  calls: fc.array(
    fc.record({ name, args: fc.dictionary(name, fc.integer(), { noNullPrototype: true }), result: words }),
    { maxLength: 3 },
  ),
  answer: words,
});

test('a conversation survives the way to Gemini and back', () => {
  fc.assert(
    fc.property(fc.array(exchange, { minLength: 1, maxLength: 4 }), (exchanges) => {
      const messages = exchanges.flatMap(({ question, calls, answer }, round): Message[] => {
        const called: ToolCallPart[] = calls.map((call, i) => ({
          type: 'tool-call',
          id: `${round}_${i}`,
          name: call.name,
          argumentsJson: JSON.stringify(call.args),
        }));
        const results: ToolResultPart[] = calls.map((call, i) => ({
          type: 'tool-result',
          toolCallId: `${round}_${i}`,
          name: call.name,
          parts: [{ type: 'text', text: call.result }],
        }));
        const tools: Message[] = [
          { role: 'assistant', parts: called },
          { role: 'tool', parts: results },
        ];
        return [
          user(question),
          ...(calls.length > 0 ? tools : []),
          { role: 'assistant', parts: [{ type: 'text', text: answer }] },
        ];
      });
      const back = gemini.client.parseRequest(render(request(messages)), { model: 'm' }).messages;
      assert.deepEqual(withoutIds(back), withoutIds(messages));
    }),
  );
});

/** Ids renamed by the order in which their calls appear: Gemini has none. */
function withoutIds(messages: readonly Message[]): unknown {
  const order = new Map<string, number>();
  return messages.map((message) => ({
    role: message.role,
    parts: message.parts.map((part) => {
      if (part.type === 'tool-call') {
        order.set(part.id, order.size);
        return { ...part, id: order.size - 1 };
      }
      return part.type === 'tool-result' ? { ...part, toolCallId: order.get(part.toolCallId) } : part;
    }),
  }));
}

test('tokens are counted over the whole request', () => {
  const chat = request([{ role: 'system', parts: [{ type: 'text', text: 's' }] }, user('x')]);
  assert.deepEqual(upstream.tokenCount?.renderRequest(chat, target('gemini-2.5-pro')), {
    path: '/models/gemini-2.5-pro:countTokens',
    body: {
      generateContentRequest: {
        model: 'models/gemini-2.5-pro',
        systemInstruction: { parts: [{ text: 's' }] },
        contents: [{ role: 'user', parts: [{ text: 'x' }] }],
      },
    },
  });
  assert.equal(upstream.tokenCount?.parseResponse('{"totalTokens": 31}'), 31);
  assert.equal(upstream.tokenCount?.parseResponse('{}'), undefined);
  assert.deepEqual(gemini.client.renderTokenCount?.(31), { totalTokens: 31 });
});
