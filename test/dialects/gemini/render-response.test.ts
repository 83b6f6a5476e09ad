// Answers → what Gemini clients get, whole and streamed; read back by Google's own SDK.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { ApiError, GoogleGenAI } from '@google/genai';
import { renderGrounding } from '../../../src/dialects/gemini/grounding.ts';
import { gemini } from '../../../src/dialects/gemini/index.ts';
import { packToolCallId } from '../../../src/dialects/tool-call-id.ts';
import { GatewayError } from '../../../src/errors.ts';
import type { ChatResponse, Part } from '../../../src/model/chat.ts';
import { ResponseCollector, responseEvents } from '../../../src/model/collect.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import type { StreamEvent } from '../../../src/model/stream.ts';
import { fc } from '../../support/property.ts';

const request = gemini.client.parseRequest({ contents: 'x' }, { model: 'asked', isStream: true });
const arrayRequest = gemini.client.parseRequest(
  { contents: 'x' },
  { model: 'asked', isStream: true, isArrayStream: true },
);
const identity = { id: 'ours', createdAt: 1 };
const usage = {
  inputTokens: 10,
  cachedInputTokens: 4,
  cacheWriteTokens: 0,
  outputTokens: 7,
  reasoningTokens: 2,
  isEstimated: false,
};

const answer: ChatResponse = {
  id: 'r1',
  model: 'claude',
  choices: [
    {
      index: 0,
      parts: [
        { type: 'reasoning', text: 'hm', signature: { dialect: 'anthropic', value: 'theirs' } },
        { type: 'text', text: 'é source', annotations: [{ url: 'https://a.test', title: 'A', start: 2, end: 8 }] },
        { type: 'tool-call', id: packToolCallId('c1', 'sig'), name: 'f', argumentsJson: '{"a":1}' },
        { type: 'tool-call', id: 'c2', name: 'g', argumentsJson: '{broken' },
      ],
      finishReason: { unified: 'tool-calls', raw: 'tool_use' },
    },
  ],
  usage,
};
const groundingMetadata = {
  groundingChunks: [{ web: { uri: 'https://a.test', title: 'A' } }],
  groundingSupports: [{ segment: { startIndex: 3, endIndex: 9, text: 'source' }, groundingChunkIndices: [0] }],
};
const usageMetadata = {
  promptTokenCount: 10,
  cachedContentTokenCount: 4,
  candidatesTokenCount: 5,
  thoughtsTokenCount: 2,
  totalTokenCount: 17,
};
const calls = [
  { functionCall: { id: 'c1', name: 'f', args: { a: 1 } }, thoughtSignature: 'sig' },
  { functionCall: { id: 'c2', name: 'g', args: { invalid_arguments: '{broken' } } },
];

test('a whole answer of another dialect is rendered', () => {
  assert.deepEqual(JSON.parse(gemini.client.renderResponse(answer, request)), {
    candidates: [
      {
        content: { parts: [{ text: 'hm', thought: true }, { text: 'é source' }, ...calls], role: 'model' },
        finishReason: 'STOP',
        index: 0,
        groundingMetadata,
      },
    ],
    usageMetadata,
    modelVersion: 'claude',
    responseId: 'r1',
  });
});

test('a stream of another dialect shows text at once, calls when complete, and ends with reason and usage', () => {
  const renderer = gemini.client.streamRenderer(request, identity);
  const written = responseEvents(answer).map((event) => renderer.render({ events: [event] }));
  const message = (candidate: JsonObject, more: JsonObject = {}) =>
    `data: ${JSON.stringify({ candidates: [candidate], ...more, modelVersion: 'claude', responseId: 'r1' })}\n\n`;
  const content = (...parts: JsonObject[]) => ({ content: { parts, role: 'model' }, index: 0 });
  assert.deepEqual(
    written.filter((text) => text !== ''),
    [
      message(content({ text: 'hm', thought: true })),
      message(content({ text: 'é source' })),
      message(content(...calls)),
      message({ ...content({ text: '' }), finishReason: 'STOP', groundingMetadata }, { usageMetadata }),
    ],
  );
});

test('frames of Gemini’s own pass verbatim, and their end adds nothing', () => {
  const parser = gemini.upstream!.streamParser();
  const renderer = gemini.client.streamRenderer(request, identity);
  const data = [
    '{"candidates": [{"content":{"parts":[{"text":"a","newField":1}]}}]}',
    '{"candidates": [{"content":{"parts":[{"functionCall":{"name":"f"}}]},"finishReason":"STOP"}]}',
    '{"usageMetadata": {"promptTokenCount": 1}}',
  ];
  assert.deepEqual(
    data.map((line) => renderer.render(parser.parse({ data: line }))),
    data.map((line) => `data: ${line}\n\n`),
  );
  assert.equal(renderer.render(parser.end()!), '');
});

test('a whole body in a stream becomes one line', () => {
  const text = JSON.stringify(
    { candidates: [{ content: { parts: [{ text: 'a' }] }, finishReason: 'STOP' }] },
    undefined,
    1,
  );
  const renderer = gemini.client.streamRenderer(request, identity);
  assert.equal(renderer.render(gemini.upstream!.parseResponse(text)), `data: ${JSON.stringify(JSON.parse(text))}\n\n`);
});

test('interleaved calls stay apart, and an unnamed answer gets our names', () => {
  const renderer = gemini.client.streamRenderer(request, identity);
  const events: StreamEvent[] = [
    { type: 'response-start', id: '', model: '' },
    { type: 'tool-call-start', choice: 0, index: 0, id: 'a', name: 'f' },
    { type: 'tool-call-start', choice: 0, index: 1, id: 'b', name: 'g' },
    { type: 'tool-call-delta', choice: 0, index: 0, argumentsDelta: '{"x":' },
    { type: 'tool-call-delta', choice: 0, index: 1, argumentsDelta: '{}' },
    { type: 'tool-call-delta', choice: 0, index: 0, argumentsDelta: '1}' },
    { type: 'finish', choice: 0, finishReason: { unified: 'tool-calls', raw: 'tool_calls' } },
    { type: 'response-end' },
  ];
  assert.deepEqual(JSON.parse(renderer.render({ events }).slice('data: '.length)), {
    candidates: [
      {
        content: {
          parts: [
            { functionCall: { id: 'a', name: 'f', args: { x: 1 } } },
            { functionCall: { id: 'b', name: 'g', args: {} } },
          ],
          role: 'model',
        },
        index: 0,
        finishReason: 'STOP',
      },
    ],
    modelVersion: 'asked',
    responseId: 'ours',
  });
});

test('without alt=sse the stream is one JSON array, with an error as its last element', () => {
  const written = (fails: boolean) => {
    const renderer = gemini.client.streamRenderer(arrayRequest, identity);
    let text = renderer.keepAlive;
    for (const event of responseEvents(answer)) {
      if (event.type === 'finish' && fails)
        return JSON.parse(text + renderer.fail(new GatewayError('upstream_cut', 'cut')));
      text += renderer.render({ events: [event] }) + (event.type === 'response-end' ? '' : renderer.keepAlive);
    }
    return JSON.parse(text);
  };
  assert.deepEqual(
    written(false).map((chunk: JsonObject) => Object.keys(chunk)),
    [
      ['candidates', 'modelVersion', 'responseId'],
      ['candidates', 'modelVersion', 'responseId'],
      ['candidates', 'modelVersion', 'responseId'],
      ['candidates', 'usageMetadata', 'modelVersion', 'responseId'],
    ],
  );
  assert.equal(written(true).at(-1).error.status, 'UNAVAILABLE');
});

const part = fc.oneof(
  fc.record({ type: fc.constant('text' as const), text: fc.string({ minLength: 1 }) }, { noNullPrototype: true }),
  fc.record({ type: fc.constant('reasoning' as const), text: fc.string({ minLength: 1 }) }, { noNullPrototype: true }),
  fc.record(
    {
      type: fc.constant('tool-call' as const),
      id: fc
        .tuple(fc.stringMatching(/^[a-z0-9]{1,9}$/), fc.base64String({ minLength: 4 }))
        .map(([id, signature]) => packToolCallId(id, signature)),
      name: fc.stringMatching(/^[a-z]{1,9}$/),
      argumentsJson: fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), fc.integer()).map((args) => JSON.stringify(args)),
    },
    { noNullPrototype: true },
  ),
);
/** Neighbours of one kind grow together in a stream. */
const parts = fc
  .array(part, { minLength: 1, maxLength: 6 })
  .map((list) => list.filter((item, i) => item.type === 'tool-call' || list[i - 1]?.type !== item.type));

test('an answer survives the way to Gemini’s wire and back, whole and streamed', () => {
  fc.assert(
    fc.property(parts, (list: Part[]) => {
      const hasCalls = list.some((item) => item.type === 'tool-call');
      const ordered = [...list.filter((item) => item.type !== 'tool-call')].filter(
        (item, i, all) => all[i - 1]?.type !== item.type,
      );
      const streamable = [...ordered, ...list.filter((item) => item.type === 'tool-call')];
      const response = (content: Part[]): ChatResponse => ({
        id: 'r',
        model: 'm',
        choices: [
          { index: 0, parts: content, finishReason: { unified: hasCalls ? 'tool-calls' : 'stop', raw: 'STOP' } },
        ],
        usage,
      });
      const whole = new ResponseCollector();
      const { events } = gemini.upstream!.parseResponse(gemini.client.renderResponse(response(list), request));
      whole.add({ events });
      assert.deepEqual(whole.response(), response(list));

      const renderer = gemini.client.streamRenderer(request, identity);
      const parser = gemini.upstream!.streamParser();
      const streamed = new ResponseCollector();
      for (const event of responseEvents(response(streamable))) {
        for (const line of renderer
          .render({ events: [event] })
          .split('\n\n')
          .filter(Boolean)) {
          streamed.add({ events: parser.parse({ data: line.slice('data: '.length) }).events });
        }
      }
      streamed.add(parser.end()!);
      assert.deepEqual(streamed.response(), response(streamable));
    }),
    { numRuns: 100 },
  );
});

async function withServer<T>(
  status: number,
  type: string,
  chunks: string[],
  use: (ai: GoogleGenAI) => Promise<T>,
): Promise<T> {
  const server = createServer((_, response) => {
    response.writeHead(status, { 'content-type': type });
    for (const chunk of chunks) response.write(chunk);
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    return await use(new GoogleGenAI({ apiKey: 'k', httpOptions: { baseUrl: `http://127.0.0.1:${port}` } }));
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

test('Google’s SDK reads our stream through keep-alive comments, and remembers the turn', async () => {
  const renderer = gemini.client.streamRenderer(request, identity);
  const chunks = responseEvents(answer).flatMap((event) => [renderer.keepAlive, renderer.render({ events: [event] })]);
  await withServer(200, 'text/event-stream', chunks, async (ai) => {
    const chat = ai.chats.create({ model: 'asked' });
    let text = '';
    const names: (string | undefined)[] = [];
    for await (const chunk of await chat.sendMessageStream({ message: 'hi' })) {
      text +=
        chunk.candidates?.[0]?.content?.parts
          ?.filter((item) => !item.thought)
          .map((item) => item.text ?? '')
          .join('') ?? '';
      names.push(...(chunk.functionCalls ?? []).map((call) => call.name));
    }
    assert.equal(text, 'é source');
    assert.deepEqual(names, ['f', 'g']);
    assert.deepEqual(
      chat.getHistory(true).map((content) => content.role),
      ['user', 'model', 'model', 'model', 'model'],
    );
  });
});

test('Google’s SDK raises its error for a stream that fails', async () => {
  const renderer = gemini.client.streamRenderer(request, identity);
  const chunks = [
    renderer.render({ events: [{ type: 'text-delta', choice: 0, text: 'a' }] }),
    renderer.fail(new GatewayError('upstream_cut', 'The upstream ended its stream.')),
  ];
  await withServer(200, 'text/event-stream', chunks, async (ai) => {
    const stream = await ai.models.generateContentStream({ model: 'm', contents: 'x' });
    await assert.rejects(
      async () => {
        for await (const chunk of stream) assert.ok(chunk.candidates);
      },
      (error) => error instanceof ApiError && error.status === 502 && /UNAVAILABLE/.test(error.message),
    );
  });
});

test('Google’s SDK raises its error with our status for a refused request', async () => {
  const error = new GatewayError('upstream_rate_limited', 'Slow down.', { retryAfterMs: 1_500 });
  const body = JSON.stringify(gemini.client.renderError(error, 'req-1'));
  await withServer(429, 'application/json', [body], async (ai) => {
    await assert.rejects(
      ai.models.generateContent({ model: 'm', contents: 'x' }),
      (thrown) => thrown instanceof ApiError && thrown.status === 429 && /RESOURCE_EXHAUSTED/.test(thrown.message),
    );
  });
});

test('a source without address or title is no web page', () => {
  const annotations = [{ extensions: { 'openai-responses': { type: 'file_path', file_id: 'f' } } }, { title: 'f.pdf' }];
  assert.deepEqual(renderGrounding(annotations, 'x'), { groundingChunks: [{ web: { title: 'f.pdf' } }] });
});
