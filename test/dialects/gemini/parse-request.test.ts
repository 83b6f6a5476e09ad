// Client bodies → ChatRequest.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gemini } from '../../../src/dialects/gemini/index.ts';
import { madeToolCallId, packToolCallId } from '../../../src/dialects/tool-call-id.ts';
import { GatewayError } from '../../../src/errors.ts';
import type { JsonObject } from '../../../src/model/json.ts';

const route = { model: 'gemini-3.8-flash', isStream: true };
const parse = (body: JsonObject) => gemini.client.parseRequest(body, route);

test('a whole request is read, and its body kept as the original', () => {
  const body: JsonObject = {
    systemInstruction: { parts: [{ text: 'Be short.' }] },
    contents: [
      { parts: [{ text: 'Hi' }] },
      { role: 'model', parts: [{ text: 'Hello' }] },
      { role: 'user', parts: [{ text: 'Go' }] },
    ],
    tools: [
      {
        functionDeclarations: [
          { name: 'f', description: 'd', parameters: { type: 'OBJECT', properties: { a: { type: 'STRING' } } } },
          { name: 'g', parametersJsonSchema: { type: 'object', properties: {} } },
        ],
      },
      { googleSearch: {} },
    ],
    toolConfig: { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['f'] } },
    generationConfig: {
      temperature: 0,
      topP: 0.5,
      topK: 3,
      candidateCount: 2,
      maxOutputTokens: 100,
      stopSequences: ['x'],
      seed: 7,
      presencePenalty: 0.1,
      frequencyPenalty: 0.2,
      responseLogprobs: true,
      logprobs: 4,
      responseMimeType: 'application/json',
      responseSchema: { type: 'OBJECT', title: 'Answer', properties: { a: { type: 'INTEGER' } } },
      thinkingConfig: { thinkingBudget: 512, includeThoughts: true },
    },
    safetySettings: [{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'BLOCK_NONE' }],
  };
  assert.deepEqual(parse(body), {
    model: 'gemini-3.8-flash',
    isStream: true,
    messages: [
      { role: 'system', parts: [{ type: 'text', text: 'Be short.' }] },
      { role: 'user', parts: [{ type: 'text', text: 'Hi' }] },
      { role: 'assistant', parts: [{ type: 'text', text: 'Hello' }] },
      { role: 'user', parts: [{ type: 'text', text: 'Go' }] },
    ],
    tools: [
      { name: 'f', description: 'd', parameters: { type: 'object', properties: { a: { type: 'string' } } } },
      { name: 'g', parameters: { type: 'object', properties: {} } },
      { name: 'googleSearch', isHosted: true, extensions: { gemini: { googleSearch: {} } } },
    ],
    toolChoice: { type: 'tool', name: 'f' },
    sampling: {
      temperature: 0,
      topP: 0.5,
      topK: 3,
      candidateCount: 2,
      maxOutputTokens: 100,
      stop: ['x'],
      seed: 7,
      presencePenalty: 0.1,
      frequencyPenalty: 0.2,
      logprobs: true,
      topLogprobs: 4,
    },
    responseFormat: {
      type: 'json-schema',
      name: 'Answer',
      schema: { type: 'object', title: 'Answer', properties: { a: { type: 'integer' } } },
    },
    reasoning: { budgetTokens: 512, isSummaryWanted: true },
    original: { dialect: 'gemini', body },
  });
});

test('snake_case fields mean the same, and names that belong to the user are left alone', () => {
  const { original: _, ...request } = parse({
    system_instruction: 'Be short.',
    contents: [
      { role: 'model', parts: [{ function_call: { name: 'f', args: { some_key: 1 } }, thought_signature: 'sig' }] },
      { role: 'function', parts: [{ function_response: { name: 'f', response: { other_key: 2 } } }] },
      { role: 'user', parts: [{ inline_data: { mime_type: 'image/png', data: 'AA==' } }] },
    ],
    tools: [
      {
        function_declarations: [
          { name: 'f', parameters: { type: 'OBJECT', properties: { some_key: { type: 'NUMBER' } } } },
        ],
      },
    ],
    tool_config: { function_calling_config: { mode: 'NONE' } },
    generation_config: { max_output_tokens: 5, thinking_config: { thinking_level: 'LOW' } },
  });
  const id = packToolCallId(madeToolCallId(0, 'f{"some_key":1}'), 'sig');
  assert.deepEqual(request, {
    model: 'gemini-3.8-flash',
    isStream: true,
    messages: [
      { role: 'system', parts: [{ type: 'text', text: 'Be short.' }] },
      { role: 'assistant', parts: [{ type: 'tool-call', id, name: 'f', argumentsJson: '{"some_key":1}' }] },
      {
        role: 'tool',
        parts: [{ type: 'tool-result', toolCallId: id, name: 'f', parts: [{ type: 'text', text: '{"other_key":2}' }] }],
      },
      {
        role: 'user',
        parts: [{ type: 'media', kind: 'image', mimeType: 'image/png', source: { type: 'base64', data: 'AA==' } }],
      },
    ],
    tools: [{ name: 'f', parameters: { type: 'object', properties: { some_key: { type: 'number' } } } }],
    toolChoice: { type: 'none' },
    sampling: { maxOutputTokens: 5 },
    reasoning: { effort: 'low' },
  });
});

test('results find their calls by id, else by name in order, and errors are marked', () => {
  const { messages } = parse({
    contents: [
      {
        role: 'model',
        parts: [
          { functionCall: { id: 'one', name: 'f', args: {} } },
          { functionCall: { name: 'g', args: {} } },
          { functionCall: { name: 'g', args: {} } },
        ],
      },
      {
        role: 'user',
        parts: [
          { functionResponse: { name: 'g', response: { result: 'first' } } },
          { functionResponse: { name: 'g', response: { error: 'second' } } },
          { functionResponse: { id: 'one', name: 'f', response: { a: 1 } } },
          { functionResponse: { name: 'lost', response: {} } },
          { text: 'and now?' },
        ],
      },
    ],
  });
  const first = madeToolCallId(1, 'g{}');
  const second = madeToolCallId(2, 'g{}');
  assert.deepEqual(messages.slice(1), [
    {
      role: 'tool',
      parts: [
        { type: 'tool-result', toolCallId: first, name: 'g', parts: [{ type: 'text', text: 'first' }] },
        {
          type: 'tool-result',
          toolCallId: second,
          name: 'g',
          parts: [{ type: 'text', text: 'second' }],
          isError: true,
        },
        { type: 'tool-result', toolCallId: 'one', name: 'f', parts: [{ type: 'text', text: '{"a":1}' }] },
        { type: 'tool-result', toolCallId: 'unknown_lost', name: 'lost', parts: [{ type: 'text', text: '{}' }] },
      ],
    },
    { role: 'user', parts: [{ type: 'text', text: 'and now?' }] },
  ]);
});

test('what a function returned is taken out of the wrapping that Google documents', () => {
  const text = (response: JsonObject) => {
    const part = parse({ contents: [{ parts: [{ functionResponse: { name: 'f', response } }] }] }).messages[0]
      ?.parts[0];
    return part?.type === 'tool-result' ? [part.parts, part.isError ?? false] : undefined;
  };
  assert.deepEqual(text({ output: 'sunny' }), [[{ type: 'text', text: 'sunny' }], false]);
  assert.deepEqual(text({ output: { sky: 'blue' } }), [[{ type: 'text', text: '{"sky":"blue"}' }], false]);
  assert.deepEqual(text({ output: 1, unit: 'C' }), [[{ type: 'text', text: '{"output":1,"unit":"C"}' }], false]);
  assert.deepEqual(text({ error: 'offline' }), [[{ type: 'text', text: 'offline' }], true]);
});

test('thoughts become reasoning; code that Gemini ran stays in the original alone', () => {
  const { messages } = parse({
    contents: [
      { role: 'user', parts: [{ text: 'q' }] },
      {
        role: 'model',
        parts: [
          { text: 'hm', thought: true, thoughtSignature: 's1' },
          { executableCode: { language: 'PYTHON', code: '1' } },
          { text: 'a', thoughtSignature: 's2' },
          { text: '', thoughtSignature: 's3' },
        ],
      },
    ],
  });
  assert.deepEqual(messages[1], {
    role: 'assistant',
    parts: [
      { type: 'reasoning', text: 'hm', signature: { dialect: 'gemini', value: 's1' } },
      { type: 'text', text: 'a', extensions: { gemini: { thoughtSignature: 's2' } } },
    ],
  });
});

test('files at Google stay Google’s, other addresses are plain URLs', () => {
  const { messages } = parse({
    contents: [
      {
        parts: [
          {
            fileData: {
              fileUri: 'https://generativelanguage.googleapis.com/v1beta/files/x',
              mimeType: 'application/pdf',
            },
          },
          { fileData: { fileUri: 'https://x.test/a.png?b=1' }, videoMetadata: { fps: 1 } },
        ],
      },
    ],
  });
  assert.deepEqual(messages[0]?.parts, [
    {
      type: 'media',
      kind: 'document',
      mimeType: 'application/pdf',
      source: { type: 'file', fileId: 'https://generativelanguage.googleapis.com/v1beta/files/x', dialect: 'gemini' },
    },
    {
      type: 'media',
      kind: 'image',
      mimeType: 'image/png',
      source: { type: 'url', url: 'https://x.test/a.png?b=1' },
      extensions: { gemini: { videoMetadata: { fps: 1 } } },
    },
  ]);
});

const CHOICES = [
  ['AUTO without names leaves all tools', { mode: 'AUTO' }, ['f', 'g', 'h'], { type: 'auto' }],
  ['ANY without names requires some tool', { mode: 'ANY' }, ['f', 'g', 'h'], { type: 'required' }],
  [
    'ANY with several names keeps only these',
    { mode: 'ANY', allowedFunctionNames: ['f', 'h'] },
    ['f', 'h'],
    { type: 'required' },
  ],
  ['VALIDATED is auto among the allowed', { mode: 'VALIDATED', allowedFunctionNames: ['g'] }, ['g'], { type: 'auto' }],
  ['NONE forbids', { mode: 'NONE' }, ['f', 'g', 'h'], { type: 'none' }],
] as const;

for (const [behaviour, config, names, choice] of CHOICES) {
  test(`tool choice: ${behaviour}`, () => {
    const request = parse({
      contents: 'x',
      tools: [{ functionDeclarations: [{ name: 'f' }, { name: 'g' }, { name: 'h' }] }],
      toolConfig: { functionCallingConfig: config as unknown as JsonObject },
    });
    assert.deepEqual([request.tools.map((tool) => tool.name), request.toolChoice], [names, choice]);
  });
}

test('a token count request is read whether wrapped or not', () => {
  const inner = { model: 'models/m', contents: [{ parts: [{ text: 'x' }] }], tools: [{ googleSearch: {} }] };
  const wrapped = gemini.client.parseRequest({ generateContentRequest: inner }, { model: 'models/m' });
  assert.equal(wrapped.model, 'm');
  assert.equal(wrapped.tools.length, 1);
  assert.equal(wrapped.original?.body, inner);
  assert.deepEqual(gemini.client.parseRequest(inner, {}).messages, wrapped.messages);
});

const WRONG = [
  ['contents are required', {}, 'contents'],
  ['an unknown role is named', { contents: [{ role: 'system', parts: [] }] }, 'contents[0].role'],
  ['a part must be an object', { contents: [{ parts: [1] }] }, 'contents[0].parts[0]'],
  [
    'a media type must be one',
    { contents: [{ parts: [{ inlineData: { mimeType: 'png', data: '' } }] }] },
    'contents[0].parts[0].inlineData.mimeType',
  ],
  [
    'a function call needs a name',
    { contents: [{ role: 'model', parts: [{ functionCall: {} }] }] },
    'contents[0].parts[0].functionCall.name',
  ],
  [
    'temperature must be a number',
    { contents: 'x', generationConfig: { temperature: '1' } },
    'generationConfig.temperature',
  ],
  ['tools must be an array', { contents: 'x', tools: {} }, 'tools'],
] as const;

for (const [behaviour, body, param] of WRONG) {
  test(`a wrong request: ${behaviour}`, () => {
    assert.throws(
      () => parse(body as unknown as JsonObject),
      (error) => error instanceof GatewayError && error.code === 'bad_request' && error.param === param,
    );
  });
}

test('cached content and an answer that goes on stand for what only Google has', () => {
  const cached = (more: JsonObject) => parse({ contents: 'x', ...more }).untranslatable;
  assert.deepEqual(cached({ cachedContent: 'cachedContents/1' }), ['cachedContent']);
  assert.deepEqual(cached({ cached_content: 'cachedContents/1' }), ['cachedContent']);
  assert.deepEqual(cached({ continuationToken: 'dG9rZW4=' }), ['continuationToken']);
  assert.equal(cached({}), undefined);
});

test("an instruction whose parts have no brackets, as in Google's own examples, is heard", () => {
  for (const parts of [{ text: 'Be a cat.' }, [{ text: 'Be a cat.' }], 'Be a cat.']) {
    const { messages } = parse({ system_instruction: { parts }, contents: { parts: { text: 'Hi' } } });
    assert.deepEqual(messages, [
      { role: 'system', parts: [{ type: 'text', text: 'Be a cat.' }] },
      { role: 'user', parts: [{ type: 'text', text: 'Hi' }] },
    ]);
  }
});

test('a result that is no object is told as it is', () => {
  const told = (response: JsonObject[string]) => {
    const contents = [
      { role: 'model', parts: [{ functionCall: { name: 'f', args: {} } }] },
      { role: 'user', parts: [{ functionResponse: { name: 'f', response } }] },
    ];
    const [part] = parse({ contents }).messages[1]?.parts ?? [];
    return part?.type === 'tool-result' && part.parts[0]?.type === 'text' && part.parts[0].text;
  };
  assert.equal(told('sunny'), 'sunny');
  assert.equal(told([1, 2]), '{"result":[1,2]}');
  assert.equal(told(null), '{}');
});
