// What Gemini answers → events.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gemini } from '../../../src/dialects/gemini/index.ts';
import { madeToolCallId, packToolCallId } from '../../../src/dialects/tool-call-id.ts';
import { ResponseCollector } from '../../../src/model/collect.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import type { StreamEvent } from '../../../src/model/stream.ts';

const upstream = gemini.upstream!;
const HEAD = { responseId: 'r1', modelVersion: 'gemini-3.8-flash' };
const START: StreamEvent = { type: 'response-start', id: 'r1', model: 'gemini-3.8-flash' };
const END: StreamEvent = { type: 'response-end' };

function eventsOf(...chunks: JsonObject[]): StreamEvent[] {
  const parser = upstream.streamParser();
  const events = chunks.flatMap((chunk) => [...parser.parse({ data: JSON.stringify({ ...HEAD, ...chunk }) }).events]);
  return [...events, ...(parser.end()?.events ?? [])];
}
const chunk = (parts: JsonObject[], more: JsonObject = {}): JsonObject => ({
  candidates: [{ content: { parts, role: 'model' }, index: 0, ...more }],
});
const finish = (
  unified: 'stop' | 'length' | 'tool-calls' | 'content-filter' | 'other',
  raw: string,
  choice = 0,
): StreamEvent => ({
  type: 'finish',
  choice,
  finishReason: { unified, raw },
});
const call = (index: number, id: string, name: string, args: string, choice = 0): StreamEvent[] => [
  { type: 'tool-call-start', choice, index, id, name },
  { type: 'tool-call-delta', choice, index, argumentsDelta: args },
];

test('thoughts, text and usage of a stream', () => {
  assert.deepEqual(
    eventsOf(
      chunk([{ text: 'hm', thought: true }]),
      chunk([{ text: 'Hel' }]),
      chunk([{ text: 'lo', thoughtSignature: 's' }], { finishReason: 'STOP' }),
      {
        usageMetadata: {
          promptTokenCount: 10,
          toolUsePromptTokenCount: 2,
          cachedContentTokenCount: 4,
          candidatesTokenCount: 5,
          thoughtsTokenCount: 7,
          totalTokenCount: 24,
        },
      },
    ),
    [
      START,
      { type: 'reasoning-delta', choice: 0, text: 'hm' },
      { type: 'text-delta', choice: 0, text: 'Hel' },
      { type: 'text-delta', choice: 0, text: 'lo' },
      {
        type: 'usage',
        usage: {
          inputTokens: 12,
          cachedInputTokens: 4,
          cacheWriteTokens: 0,
          outputTokens: 12,
          reasoningTokens: 7,
          isEstimated: false,
        },
      },
      finish('stop', 'STOP'),
      END,
    ],
  );
});

test('every frame keeps its bytes', () => {
  const data = '{"candidates": [ {"content":{"parts":[{"text":"x"}]}} ]}';
  const frame = upstream.streamParser().parse({ data });
  assert.deepEqual(frame.original, { dialect: 'gemini', data, value: JSON.parse(data) });
});

test('parallel calls in several chunks count on, carry their signature in the id, and finish as tool calls', () => {
  assert.deepEqual(
    eventsOf(
      chunk([{ functionCall: { name: 'f', args: { a: 1 } }, thoughtSignature: 'sig' }]),
      chunk([{ functionCall: { id: 'own', name: 'g', args: {} } }]),
      chunk([{ text: '' }], { finishReason: 'STOP' }),
    ),
    [
      START,
      ...call(0, packToolCallId(madeToolCallId(0, 'r1 0 f {"a":1}'), 'sig'), 'f', '{"a":1}'),
      ...call(1, 'own', 'g', '{}'),
      finish('tool-calls', 'STOP'),
      END,
    ],
  );
});

test('arguments in pieces become one JSON object, and the last piece may be missing', () => {
  const pieces = (...partialArgs: JsonObject[]) => chunk([{ functionCall: { partialArgs, willContinue: true } }]);
  const events = eventsOf(
    chunk([{ functionCall: { id: 'c1', name: 'paint', willContinue: true } }]),
    pieces({ jsonPath: '$.place', stringValue: 'New ', willContinue: true }),
    pieces({ jsonPath: '$.place', stringValue: 'York' }, { jsonPath: '$.list[0].n', numberValue: 0.5 }),
    pieces({ jsonPath: "$.list[1]['a b']", boolValue: false }, { jsonPath: '$.none', nullValue: 'NULL_VALUE' }),
    chunk([{ functionCall: { id: 'c2', name: 'next', willContinue: true }, thoughtSignature: 's' }]),
    pieces({ jsonPath: '$.x', stringValue: '1' }),
    chunk([{ functionCall: {} }]),
    chunk([{ functionCall: { id: 'c3', name: 'bare' } }]),
    chunk([], { finishReason: 'STOP' }),
  );
  assert.deepEqual(events, [
    START,
    ...call(0, 'c1', 'paint', '{"place":"New York","list":[{"n":0.5},{"a b":false}],"none":null}'),
    ...call(1, packToolCallId('c2', 's'), 'next', '{"x":"1"}'),
    ...call(2, 'c3', 'bare', '{}'),
    finish('tool-calls', 'STOP'),
    END,
  ]);
});

test('a piece of arguments that fits nowhere is an error, and reaches no prototype', () => {
  const paths = ['$.list[5]', 'place', '$.a[', '$'];
  for (const jsonPath of paths) {
    const last = eventsOf(
      chunk([{ functionCall: { name: 'f', willContinue: true } }]),
      chunk([{ functionCall: { partialArgs: [{ jsonPath, stringValue: 'x' }] } }]),
    ).at(-1);
    assert.equal(last?.type === 'error' && last.error.code, 'upstream_garbage', jsonPath);
  }
  eventsOf(
    chunk([{ functionCall: { name: 'f', args: { a: {} }, willContinue: true } }]),
    chunk([{ functionCall: { partialArgs: [{ jsonPath: '$.a.__proto__.polluted', stringValue: 'x' }] } }]),
  );
  assert.equal('polluted' in {}, false);
});

const REASONS = [
  ['STOP', 'stop'],
  ['MAX_TOKENS', 'length'],
  ['SAFETY', 'content-filter'],
  ['RECITATION', 'content-filter'],
  ['BLOCKLIST', 'content-filter'],
  ['PROHIBITED_CONTENT', 'content-filter'],
  ['SPII', 'content-filter'],
  ['LANGUAGE', 'content-filter'],
  ['IMAGE_SAFETY', 'content-filter'],
  ['constructor', 'other'],
] as const;

for (const [raw, unified] of REASONS) {
  test(`finish reason ${raw} is ${unified}`, () => {
    assert.deepEqual(eventsOf(chunk([{ text: 'x' }], { finishReason: raw })).at(-2), finish(unified, raw));
  });
}

for (const reason of ['MALFORMED_FUNCTION_CALL', 'UNEXPECTED_TOOL_CALL', 'TOO_MANY_TOOL_CALLS', 'MALFORMED_RESPONSE']) {
  test(`${reason} is a failure, told with Google's sentence after the tokens it has cost`, () => {
    const wire = {
      candidates: [{ finishReason: reason, finishMessage: 'The model wrote: print(f())', index: 0 }],
      usageMetadata: { promptTokenCount: 3, totalTokenCount: 3 },
    };
    const events = eventsOf(wire);
    assert.deepEqual(
      events.map(({ type }) => type),
      ['response-start', 'usage', 'error'],
    );
    assert.deepEqual(events.at(-1), {
      type: 'error',
      error: { code: 'upstream_error', message: `The model wrote: print(f()) (${reason})` },
    });
    assert.deepEqual(upstream.parseResponse(JSON.stringify({ ...HEAD, ...wire })).events.at(-1), events.at(-1));
  });
}

test('a finish reason in every chunk, as old models send it, finishes once', () => {
  const events = eventsOf(
    chunk([{ text: 'a' }], { finishReason: 'STOP' }),
    chunk([{ text: 'b' }], { finishReason: 'STOP' }),
  );
  assert.deepEqual(events.slice(1), [
    { type: 'text-delta', choice: 0, text: 'a' },
    { type: 'text-delta', choice: 0, text: 'b' },
    finish('stop', 'STOP'),
    END,
  ]);
});

test('a stream in which a candidate never finished was cut', () => {
  const cut = (...chunks: JsonObject[]) => {
    const last = eventsOf(...chunks).at(-1);
    return last?.type === 'error' && last.error.code;
  };
  const second = { candidates: [{ content: { parts: [{ text: 'b' }] }, index: 1 }] };
  assert.equal(cut(), 'upstream_cut');
  assert.equal(cut(chunk([{ text: 'a' }])), 'upstream_cut');
  assert.equal(cut(chunk([{ text: 'a' }], { finishReason: 'STOP' }), second), 'upstream_cut');
});

test('several candidates stay apart', () => {
  assert.deepEqual(
    eventsOf({
      candidates: [
        { content: { parts: [{ functionCall: { id: 'a', name: 'f', args: {} } }] }, finishReason: 'STOP' },
        {
          index: 1,
          content: { parts: [{ functionCall: { id: 'b', name: 'f', args: {} } }] },
          finishReason: 'MAX_TOKENS',
        },
      ],
    }),
    [
      START,
      ...call(0, 'a', 'f', '{}'),
      ...call(0, 'b', 'f', '{}', 1),
      finish('tool-calls', 'STOP'),
      finish('length', 'MAX_TOKENS', 1),
      END,
    ],
  );
});

test('a blocked prompt is an error, and nothing follows', () => {
  assert.deepEqual(eventsOf({ promptFeedback: { blockReason: 'SAFETY' } }), [
    {
      type: 'error',
      error: {
        code: 'content_filtered',
        message: 'The upstream refused the prompt by its content policy. (SAFETY)',
      },
    },
  ]);
});

test('an error inside the stream is an error, plain or in an array', () => {
  const error = { error: { code: 503, message: 'The model is overloaded.', status: 'UNAVAILABLE' } };
  for (const data of [JSON.stringify(error), JSON.stringify([error])]) {
    const parser = upstream.streamParser();
    assert.deepEqual(parser.parse({ data }).events, [
      {
        type: 'error',
        error: {
          code: 'upstream_overloaded',
          message: 'The model is overloaded.',
          status: 503,
          original: { dialect: 'gemini', status: 503, body: error },
        },
      },
    ]);
    assert.equal(parser.end(), undefined);
  }
});

test('bytes that are no JSON are an error', () => {
  const [event] = upstream.streamParser().parse({ data: 'oops' }).events;
  assert.equal(event?.type === 'error' && event.error.code, 'upstream_garbage');
});

test('sounds, drafts of pictures and code that ran count as content of Gemini’s own', () => {
  const sound = { inlineData: { mimeType: 'audio/wav', data: 'AA==' } };
  const draft = { inlineData: { mimeType: 'image/png', data: 'AA==' }, thought: true };
  assert.deepEqual(eventsOf(chunk([sound, draft, { executableCode: {} }])).slice(1, 4), [
    { type: 'opaque-delta' },
    { type: 'opaque-delta' },
    { type: 'opaque-delta' },
  ]);
});

test('a picture is media, with the signature that belongs to it', () => {
  const part = { inlineData: { mimeType: 'image/png', data: 'AA==' }, thoughtSignature: 's' };
  assert.deepEqual(eventsOf(chunk([part])).slice(1, 2), [
    {
      type: 'media-add',
      choice: 0,
      media: {
        type: 'media',
        kind: 'image',
        mimeType: 'image/png',
        source: { type: 'base64', data: 'AA==' },
        extensions: { gemini: { thoughtSignature: 's' } },
      },
    },
  ]);
});

test('sources become annotations once, with places in UTF-16 where Gemini counts bytes', () => {
  const groundingMetadata = {
    groundingChunks: [{ web: { uri: 'https://a.test', title: 'A' } }, { web: { uri: 'https://b.test', title: 'B' } }],
    groundingSupports: [{ segment: { startIndex: 5, endIndex: 9, text: 'tail' }, groundingChunkIndices: [0] }],
  };
  const events = eventsOf(
    chunk([{ text: '😀 tail' }], { groundingMetadata }),
    chunk([], { groundingMetadata, finishReason: 'STOP' }),
  );
  assert.deepEqual(
    events.flatMap((event) => (event.type === 'annotation-add' ? [event.annotation] : [])),
    [
      { url: 'https://a.test', title: 'A', quote: 'tail', start: 3, end: 7 },
      { url: 'https://b.test', title: 'B' },
    ],
  );
});

test('log probabilities are read with their alternatives', () => {
  const events = eventsOf(
    chunk([{ text: 'a' }], {
      logprobsResult: {
        chosenCandidates: [{ token: 'a', logProbability: -0.5 }],
        topCandidates: [{ candidates: [{ token: 'b', logProbability: -1 }] }],
      },
    }),
  );
  assert.deepEqual(events[2], {
    type: 'logprobs-add',
    choice: 0,
    logprobs: [{ token: 'a', logprob: -0.5, topLogprobs: [{ token: 'b', logprob: -1 }] }],
  });
});

test('a whole answer is one frame that ends', () => {
  const text = JSON.stringify({ ...HEAD, ...chunk([{ text: 'x' }], { finishReason: 'STOP' }) }, undefined, 2);
  const frame = upstream.parseResponse(text);
  assert.deepEqual(frame, {
    events: [START, { type: 'text-delta', choice: 0, text: 'x' }, finish('stop', 'STOP'), END],
    original: { dialect: 'gemini', data: text, value: JSON.parse(text), isWhole: true },
  });
  const collector = new ResponseCollector();
  collector.add(frame);
  assert.equal(
    gemini.client.renderResponse(collector.response(), gemini.client.parseRequest({ contents: 'x' }, { model: 'm' })),
    text,
  );
});

test('a whole answer that is an error, blocked, empty or no JSON never ends well', () => {
  const codeOf = (text: string) => {
    const last = upstream.parseResponse(text).events.at(-1);
    return last?.type === 'error' ? last.error.code : last?.type;
  };
  assert.equal(codeOf('{"error":{"code":400,"message":"bad","status":"INVALID_ARGUMENT"}}'), 'bad_request');
  assert.equal(codeOf('{"promptFeedback":{"blockReason":"OTHER"}}'), 'content_filtered');
  assert.equal(codeOf('{"usageMetadata":{"promptTokenCount":3}}'), 'upstream_garbage');
  assert.equal(codeOf('<html>'), 'upstream_garbage');
});

test('a stream that comes as one JSON array, as after a proxy that lost `alt=sse`, is read to its end', () => {
  const chunks = [
    { ...HEAD, ...chunk([{ text: 'Hel' }]) },
    { ...HEAD, ...chunk([{ text: 'lo' }], { finishReason: 'STOP' }) },
  ];
  assert.deepEqual(upstream.parseResponse(JSON.stringify(chunks)), {
    events: [
      START,
      { type: 'text-delta', choice: 0, text: 'Hel' },
      { type: 'text-delta', choice: 0, text: 'lo' },
      finish('stop', 'STOP'),
      END,
    ],
  });
  const cut = upstream.parseResponse(JSON.stringify(chunks.slice(0, 1))).events.at(-1);
  assert.equal(cut?.type === 'error' && cut.error.code, 'upstream_cut');
  const failed = upstream.parseResponse('[{"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}]');
  assert.deepEqual(
    failed.events.map((event) => event.type === 'error' && event.error.code),
    ['upstream_overloaded'],
  );
});
