import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ChatResponse, Choice, FinishReason, Part, Usage } from '../../src/model/chat.ts';
import { ResponseCollector, responseEvents } from '../../src/model/collect.ts';
import type { StreamEvent } from '../../src/model/stream.ts';
import { fc } from '../support/property.ts';

function collect(events: readonly StreamEvent[]): ChatResponse {
  const collector = new ResponseCollector();
  for (const event of events) collector.add({ events: [event] });
  return collector.response();
}

const STOP: FinishReason = { unified: 'stop', raw: 'stop' };
const START: StreamEvent = { type: 'response-start', id: 'r1', model: 'm1' };

const usage: fc.Arbitrary<Usage> = fc.record({
  inputTokens: fc.nat(),
  cachedInputTokens: fc.nat(),
  cacheWriteTokens: fc.nat(),
  outputTokens: fc.nat(),
  reasoningTokens: fc.nat(),
  isEstimated: fc.boolean(),
});
const finishReason: fc.Arbitrary<FinishReason> = fc.record({
  unified: fc.constantFrom('stop', 'length', 'tool-calls', 'content-filter', 'other'),
  raw: fc.string(),
});
const signature = fc.record({ dialect: fc.constant('anthropic' as const), value: fc.string() });
const annotation = fc.record({ url: fc.webUrl(), start: fc.nat() }, { requiredKeys: ['url'] });
const logprobs = fc.array(fc.record({ token: fc.string(), logprob: fc.integer() }), { minLength: 1, maxLength: 3 });
const words = fc.string({ minLength: 1 });

const anyPart: fc.Arbitrary<Part> = fc.oneof(
  fc.record(
    {
      type: fc.constant('text' as const),
      text: words,
      annotations: fc.array(annotation, { minLength: 1, maxLength: 2 }),
    },
    { requiredKeys: ['type', 'text'] },
  ),
  fc.record({
    type: fc.constant('media' as const),
    kind: fc.constant('image' as const),
    mimeType: fc.constant('image/png'),
    source: fc.record({ type: fc.constant('base64' as const), data: fc.base64String() }),
  }),
  fc.record({ type: fc.constant('refusal' as const), text: words }),
  fc.record({ type: fc.constant('reasoning' as const), text: words }),
  fc.record({ type: fc.constant('reasoning' as const), text: fc.string(), signature }),
  fc.record({
    type: fc.constant('reasoning' as const),
    text: fc.constant(''),
    signature,
    isRedacted: fc.constant(true as const),
  }),
  fc.record(
    {
      type: fc.constant('tool-call' as const),
      id: fc.string(),
      name: fc.string(),
      argumentsJson: words,
      extensions: fc.constant({ gemini: { thoughtSignature: 's' } }),
    },
    { requiredKeys: ['type', 'id', 'name', 'argumentsJson'] },
  ),
);

/** Neighbours that a stream cannot keep apart: texts of one kind, and reasoning after reasoning without signature. */
function areMergedByStream(previous: Part, part: Part): boolean {
  if (previous.type !== part.type) return false;
  if (part.type === 'text' || part.type === 'refusal') return true;
  return previous.type === 'reasoning' && !previous.signature && part.type === 'reasoning' && !part.isRedacted;
}

const parts = fc.array(anyPart, { maxLength: 6 }).map((drawn) => {
  const kept: Part[] = [];
  for (const part of drawn) {
    const previous = kept.at(-1);
    if (!previous || !areMergedByStream(previous, part)) kept.push(part);
  }
  return kept;
});

const choices: fc.Arbitrary<Choice[]> = fc
  .array(fc.record({ parts, finishReason, logprobs }, { requiredKeys: ['parts', 'finishReason'] }), { maxLength: 3 })
  .map((drawn) => drawn.map((choice, index) => ({ index, ...choice })));

const response: fc.Arbitrary<ChatResponse> = fc
  .record(
    { id: fc.string(), model: fc.string(), createdAt: fc.nat(), choices, usage },
    { requiredKeys: ['id', 'model', 'choices'] },
  )
  // fast-check also draws objects without prototype, which deepEqual would tell apart.
  .map((drawn) => structuredClone(drawn));

/** Cuts every text of the events in pieces, as an upstream would send it. */
function inPieces(events: readonly StreamEvent[], length: number): StreamEvent[] {
  return events.flatMap((event): StreamEvent[] => {
    switch (event.type) {
      case 'text-delta':
      case 'refusal-delta':
      case 'reasoning-delta':
        return [{ ...event, text: '' }, ...pieces(event.text, length).map((text) => ({ ...event, text }))];
      case 'tool-call-delta':
        return pieces(event.argumentsDelta, length).map((argumentsDelta) => ({ ...event, argumentsDelta }));
      default:
        return [event];
    }
  });
}

function pieces(text: string, length: number): string[] {
  const result: string[] = [];
  for (let at = 0; at < text.length; at += length) result.push(text.slice(at, at + length));
  return result;
}

describe('ResponseCollector and responseEvents', () => {
  test('are inverses of each other, however the texts are cut', () => {
    fc.assert(
      fc.property(response, fc.integer({ min: 1, max: 5 }), (whole, length) => {
        assert.deepEqual(collect(responseEvents(whole)), whole);
        assert.deepEqual(collect(inPieces(responseEvents(whole), length)), whole);
      }),
    );
  });

  test('tell any collected stream as events that collect to the same', () => {
    const choice = fc.nat(1);
    const text = fc.constantFrom('', 'a', 'bc');
    const event: fc.Arbitrary<StreamEvent> = fc.oneof(
      fc.record({ type: fc.constantFrom('text-delta', 'refusal-delta', 'reasoning-delta'), choice, text }),
      fc.record(
        {
          type: fc.constant('reasoning-signature' as const),
          choice,
          signature,
          isRedacted: fc.constant(true as const),
        },
        { requiredKeys: ['type', 'choice', 'signature'] },
      ),
      fc.record({ type: fc.constant('annotation-add' as const), choice, annotation }),
      fc.record({ type: fc.constant('logprobs-add' as const), choice, logprobs }),
      fc.record({ type: fc.constant('finish' as const), choice, finishReason }),
      fc.record({ type: fc.constant('usage' as const), usage }),
      fc.constant({ type: 'opaque-delta' } as const),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 12 }), (events) => {
        const collected = structuredClone(collect([START, ...events]));
        assert.deepEqual(collect(responseEvents(collected)), collected);
      }),
    );
  });
});

describe('ResponseCollector', () => {
  test('keeps the deltas of interleaved parallel calls apart', () => {
    const collected = collect([
      START,
      { type: 'tool-call-start', choice: 0, index: 0, id: 'a', name: 'look' },
      { type: 'tool-call-start', choice: 0, index: 1, id: 'b', name: 'ask' },
      { type: 'tool-call-delta', choice: 0, index: 0, argumentsDelta: '{"x"' },
      { type: 'tool-call-delta', choice: 0, index: 1, argumentsDelta: '{"y"' },
      { type: 'tool-call-delta', choice: 0, index: 0, argumentsDelta: ':1}' },
      { type: 'tool-call-delta', choice: 0, index: 1, argumentsDelta: ':2}' },
      { type: 'finish', choice: 0, finishReason: STOP },
      { type: 'response-end' },
    ]);
    assert.deepEqual(collected.choices[0]?.parts, [
      { type: 'tool-call', id: 'a', name: 'look', argumentsJson: '{"x":1}' },
      { type: 'tool-call', id: 'b', name: 'ask', argumentsJson: '{"y":2}' },
    ]);
  });

  test('gives a call without arguments an empty object', () => {
    const collected = collect([START, { type: 'tool-call-start', choice: 0, index: 0, id: 'a', name: 'look' }]);
    assert.deepEqual(collected.choices[0]?.parts, [{ type: 'tool-call', id: 'a', name: 'look', argumentsJson: '{}' }]);
  });

  test('sorts the choices by index', () => {
    const collected = collect([
      START,
      { type: 'text-delta', choice: 1, text: 'b' },
      { type: 'text-delta', choice: 0, text: 'a' },
    ]);
    assert.deepEqual(
      collected.choices.map((choice) => [choice.index, choice.parts]),
      [
        [0, [{ type: 'text', text: 'a' }]],
        [1, [{ type: 'text', text: 'b' }]],
      ],
    );
  });

  test('makes no part of empty deltas', () => {
    const collected = collect([
      START,
      { type: 'text-delta', choice: 0, text: '' },
      { type: 'reasoning-delta', choice: 0, text: '' },
      { type: 'reasoning-delta', choice: 0, text: 'hm' },
      { type: 'text-delta', choice: 0, text: 'yes' },
      { type: 'finish', choice: 0, finishReason: STOP },
    ]);
    assert.deepEqual(collected.choices, [
      {
        index: 0,
        parts: [
          { type: 'reasoning', text: 'hm' },
          { type: 'text', text: 'yes' },
        ],
        finishReason: STOP,
      },
    ]);
  });

  test('takes the last usage, also the one told at the start', () => {
    const first: Usage = {
      inputTokens: 5,
      cachedInputTokens: 0,
      cacheWriteTokens: 0,
      outputTokens: 1,
      reasoningTokens: 0,
      isEstimated: false,
    };
    const collector = new ResponseCollector();
    collector.add({ events: [{ ...START, usage: first }] });
    assert.deepEqual(collector.usage, first);
    collector.add({ events: [{ type: 'usage', usage: { ...first, outputTokens: 9 } }] });
    assert.deepEqual(collector.response().usage, { ...first, outputTokens: 9 });
  });

  test('names an unfinished choice as of another reason', () => {
    const collected = collect([START, { type: 'text-delta', choice: 0, text: 'a' }]);
    assert.deepEqual(collected.choices[0]?.finishReason, { unified: 'other', raw: '' });
  });

  test('carries the original of an answer that came whole, and only of such', () => {
    const original = { dialect: 'ollama', data: '{"done":true}', isWhole: true } as const;
    const whole = new ResponseCollector();
    whole.add({ events: [START], original });
    assert.deepEqual(whole.response().original, { dialect: 'ollama', text: '{"done":true}' });

    const streamed = new ResponseCollector();
    streamed.add({ events: [START], original: { dialect: 'ollama', data: '{}' } });
    assert.equal(streamed.response().original, undefined);

    const mixed = new ResponseCollector();
    mixed.add({ events: [{ type: 'text-delta', choice: 0, text: 'a' }] });
    mixed.add({ events: [START], original });
    assert.equal(mixed.response().original, undefined);
  });
});
