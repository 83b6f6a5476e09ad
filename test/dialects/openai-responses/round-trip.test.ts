// Laws: what one side writes, the other side reads as the same.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openaiResponses } from '../../../src/dialects/openai-responses/index.ts';
import { openSignature, sealSignature } from '../../../src/dialects/sealed-signature.ts';
import type { ChatRequest, ChatResponse, Message, Part } from '../../../src/model/chat.ts';
import { responseEvents } from '../../../src/model/collect.ts';
import { fc } from '../../support/property.ts';
import { collect, parse, parseStream, renderEvents } from './wire.ts';

const word = fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' });
const argumentsJson = fc.dictionary(fc.string(), fc.jsonValue()).map((value) => JSON.stringify(value));
const text: fc.Arbitrary<Part> = word.map((value) => ({ type: 'text', text: value }));
const reasoning: fc.Arbitrary<Part> = word.map((value) => ({
  type: 'reasoning',
  text: value,
  signature: { dialect: 'openai-responses', value: `E${value}`, id: 'rs_1' },
}));
const refusal: fc.Arbitrary<Part> = word.map((value) => ({ type: 'refusal', text: value }));

/** Neighbouring texts would be read as one. */
function withoutTwins(parts: Part[]): Part[] {
  return parts.filter((part, index) => part.type === 'tool-call' || part.type !== parts[index - 1]?.type);
}

const assistantParts = fc
  .array(
    fc.oneof(
      text,
      reasoning,
      refusal,
      argumentsJson.map((json): Part => ({ type: 'tool-call', id: '', name: 'f', argumentsJson: json })),
    ),
    { minLength: 1, maxLength: 8 },
  )
  .map((parts) => withoutTwins(parts.map((part, i) => (part.type === 'tool-call' ? { ...part, id: `c${i}` } : part))));

test('an answer rendered as a stream and parsed again is the same answer', () => {
  fc.assert(
    fc.property(assistantParts, fc.constantFrom('stop', 'length', 'content-filter'), (parts, unified) => {
      const usage = {
        inputTokens: 5,
        cachedInputTokens: 1,
        cacheWriteTokens: 2,
        outputTokens: 4,
        reasoningTokens: 3,
        isEstimated: false,
      };
      const answer: ChatResponse = {
        id: 'resp_x',
        model: 'up',
        createdAt: 3,
        usage,
        choices: [{ index: 0, parts, finishReason: { unified, raw: '' } }],
      };
      const parsed = collect(parseStream(renderEvents(responseEvents(answer))));
      const hasCalls = parts.some((part) => part.type === 'tool-call');
      const [choice] = parsed.choices;
      assert.equal(choice?.finishReason.unified, unified === 'stop' && hasCalls ? 'tool-calls' : unified);
      assert.deepEqual(choice?.parts.map(unsealed), parts);
      assert.deepEqual(parsed.usage, usage);
      assert.equal(parsed.id, 'resp_x');
      assert.equal(parsed.createdAt, 3);
    }),
    { numRuns: 200 },
  );
});

/** The client's side of the seal: what it sends back is opened when it is parsed. */
function unsealed(part: Part): Part {
  if (part.type !== 'reasoning' || !part.signature) return part;
  const signature = openSignature(part.signature.value)?.signature;
  return signature ? { ...part, signature } : part;
}

test('a conversation rendered as items and parsed again is the same conversation', () => {
  const turn: fc.Arbitrary<Message[]> = fc.tuple(word, assistantParts).map(([question, parts]) => [
    { role: 'user', parts: [{ type: 'text', text: question }] },
    { role: 'assistant', parts },
    ...parts.flatMap((part): Message[] =>
      part.type === 'tool-call'
        ? [
            {
              role: 'tool',
              parts: [{ type: 'tool-result', toolCallId: part.id, parts: [{ type: 'text', text: question }] }],
            },
          ]
        : [],
    ),
  ]);
  fc.assert(
    fc.property(fc.array(turn, { minLength: 1, maxLength: 3 }), word, (turns, instructions) => {
      const messages: Message[] = [{ role: 'system', parts: [{ type: 'text', text: instructions }] }, ...turns.flat()];
      const request: ChatRequest = { model: 'm', isStream: false, messages, tools: [], sampling: {} };
      const call = openaiResponses.upstream!.renderRequest(request, { model: 'm', isStream: false, traits: {} });
      const parsed = parse(call.body).messages.map(({ role, parts }) => ({ role, parts }));
      assert.deepEqual(parsed, messages);
    }),
    { numRuns: 200 },
  );
});

test('a sealed signature opens to the same signature', () => {
  fc.assert(
    fc.property(fc.string(), fc.option(fc.string(), { nil: undefined }), fc.boolean(), (value, id, isRedacted) => {
      const signature = { dialect: 'gemini', value, ...(id !== undefined && { id }) } as const;
      assert.deepEqual(openSignature(sealSignature(signature, isRedacted)), { signature, isRedacted });
    }),
  );
});
