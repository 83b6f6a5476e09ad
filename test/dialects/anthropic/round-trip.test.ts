// Laws: what one side writes, the other side reads back as the same.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decoderFor } from '../../../src/dialects/framing.ts';
import type { Part } from '../../../src/model/chat.ts';
import { ResponseCollector, responseEvents } from '../../../src/model/collect.ts';
import { fc } from '../../support/property.ts';
import { client, parseAll, renderEvents, request, target, upstream, user } from './support.ts';

const words = fc.string({ unit: 'binary', minLength: 1, maxLength: 12 });
const argumentsJson = fc.dictionary(words, fc.jsonValue()).map((value) => JSON.stringify(value));

const part: fc.Arbitrary<Part> = fc.oneof(
  words.map((text): Part => ({ type: 'text', text })),
  fc
    .tuple(words, words)
    .map(([text, value]): Part => ({ type: 'reasoning', text, signature: { dialect: 'anthropic', value } })),
  words.map(
    (value): Part => ({ type: 'reasoning', text: '', signature: { dialect: 'anthropic', value }, isRedacted: true }),
  ),
  fc
    .tuple(fc.uuid(), words, argumentsJson)
    .map(([id, name, json]): Part => ({ type: 'tool-call', id, name, argumentsJson: json })),
);

/** Neighbouring texts are one text, as a collected answer has it. */
const parts = fc
  .array(part, { minLength: 1, maxLength: 8 })
  .map((list) => list.filter((item, index) => !(item.type === 'text' && list[index - 1]?.type === 'text')));

function answer(list: readonly Part[]) {
  return {
    id: 'msg_1',
    model: 'm',
    choices: [{ index: 0, parts: list, finishReason: { unified: 'stop', raw: 'end_turn' } as const }],
  };
}

function collect(frames: ReturnType<typeof parseAll>): readonly Part[] | undefined {
  const collector = new ResponseCollector();
  for (const frame of frames) collector.add(frame);
  return collector.response().choices[0]?.parts;
}

test('a streamed answer is read back as it was, wherever its bytes are cut', () => {
  fc.assert(
    fc.property(parts, fc.integer({ min: 1, max: 64 }), (list, size) => {
      const bytes = new TextEncoder().encode(renderEvents(responseEvents(answer(list))));
      const decoder = decoderFor('sse');
      const messages = [];
      for (let at = 0; at < bytes.length; at += size) messages.push(...decoder.decode(bytes.subarray(at, at + size)));
      messages.push(...decoder.flush());
      assert.deepEqual(collect(parseAll(messages)), list);
    }),
    { numRuns: 100 },
  );
});

test('a whole answer is read back as it was', () => {
  fc.assert(
    fc.property(parts, (list) => {
      const text = client.renderResponse(answer(list), request());
      const expected = list.map((item) =>
        item.type === 'tool-call' ? { ...item, argumentsJson: JSON.stringify(JSON.parse(item.argumentsJson)) } : item,
      );
      assert.deepEqual(collect([upstream.parseResponse(text)]), expected);
    }),
    { numRuns: 100 },
  );
});

test('an assistant turn sent upstream is read back as it was', () => {
  const visible = parts.filter((list) => list.every((item) => item.type !== 'text' || item.text.trim() !== ''));
  fc.assert(
    fc.property(visible, (list) => {
      const messages = [user('Hi'), { role: 'assistant' as const, parts: list }, user('Go on')];
      const { body } = upstream.renderRequest(request({ messages }), target());
      const parsed = client.parseRequest(body, {}).messages.find((message) => message.role === 'assistant');
      const expected = list.map((item) =>
        item.type === 'tool-call' ? { ...item, argumentsJson: JSON.stringify(JSON.parse(item.argumentsJson)) } : item,
      );
      assert.deepEqual(parsed?.parts, expected);
    }),
    { numRuns: 100 },
  );
});

test('the pieces of parallel calls may come in any order', () => {
  const calls = fc.tuple(argumentsJson, argumentsJson, argumentsJson);
  // Whose turn it is, and how many characters it says.
  const schedule = fc.array(fc.tuple(fc.nat(2), fc.integer({ min: 1, max: 5 })), { maxLength: 60 });
  fc.assert(
    fc.property(calls, schedule, (whole, turns) => {
      const said = [0, 0, 0];
      const pieces = [...turns, ...whole.map((_, index) => [index, Number.POSITIVE_INFINITY] as const)].map(
        ([index, length]) => {
          const from = said[index]!;
          said[index] = from + length;
          return { index, argumentsDelta: whole[index]!.slice(from, from + length) };
        },
      );
      const text = renderEvents([
        { type: 'response-start', id: 'x', model: 'm' },
        ...whole.map(
          (_, index) => ({ type: 'tool-call-start', choice: 0, index, id: `c${index}`, name: 'f' }) as const,
        ),
        ...pieces.map((piece) => ({ type: 'tool-call-delta', choice: 0, ...piece }) as const),
        { type: 'response-end' },
      ]);
      const decoder = decoderFor('sse');
      const collected = collect(parseAll([...decoder.decode(new TextEncoder().encode(text)), ...decoder.flush()]));
      assert.deepEqual(
        collected?.map((item) => (item.type === 'tool-call' ? item.argumentsJson : item)),
        whole,
      );
    }),
    { numRuns: 100 },
  );
});
