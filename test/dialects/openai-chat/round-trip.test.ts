import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openaiChat } from '../../../src/dialects/openai-chat/index.ts';
import type { ChatRequest, ChatResponse, Choice, Message, Part } from '../../../src/model/chat.ts';
import { ResponseCollector, responseEvents } from '../../../src/model/collect.ts';
import type { Frame } from '../../../src/model/stream.ts';
import { fc } from '../../support/property.ts';

const upstream = openaiChat.upstream!;
const TARGET = { model: 'u', isStream: false, traits: {} };
const REQUEST: ChatRequest = { model: 'm', isStream: true, messages: [], tools: [], sampling: {}, isUsageWanted: true };

const text = fc.string({ minLength: 1, unit: 'grapheme' });
const name = fc.stringMatching(/^[a-z_]{1,10}$/);
const argumentsJson = fc.dictionary(fc.string(), fc.jsonValue()).map((value) => JSON.stringify(value));
const calls = fc.array(fc.record({ name, argumentsJson }), { maxLength: 4 });

function toolCalls(turn: number, made: readonly { name: string; argumentsJson: string }[]) {
  return made.map((call, i) => ({ type: 'tool-call', id: `call_${turn}_${i}`, ...call }) as const);
}

const conversation = fc
  .array(
    fc.record({ question: text, answer: text, made: calls, results: fc.array(text, { minLength: 4, maxLength: 4 }) }),
    {
      minLength: 1,
      maxLength: 4,
    },
  )
  .map((turns) =>
    turns.flatMap(({ question, answer, made, results }, turn): Message[] => {
      const asked = toolCalls(turn, made);
      return [
        { role: 'user', parts: [{ type: 'text', text: question }] },
        { role: 'assistant', parts: [{ type: 'text', text: answer }, ...asked] },
        ...asked.map(
          (call, i): Message => ({
            role: 'tool',
            parts: [{ type: 'tool-result', toolCallId: call.id, parts: [{ type: 'text', text: results[i]! }] }],
          }),
        ),
      ];
    }),
  );

const choices = fc
  .array(fc.record({ reasoning: fc.option(text), answer: fc.option(text), made: calls }), {
    minLength: 1,
    maxLength: 3,
  })
  .map((drafts) =>
    drafts.map(({ reasoning, answer, made }, index): Choice => {
      const parts: Part[] = [];
      if (reasoning !== null) {
        parts.push({ type: 'reasoning', text: reasoning, signature: { dialect: 'anthropic', value: `s${index}` } });
      }
      if (answer !== null) parts.push({ type: 'text', text: answer });
      parts.push(...toolCalls(index, made));
      const finishReason =
        made.length > 0
          ? ({ unified: 'tool-calls', raw: 'tool_calls' } as const)
          : ({ unified: 'stop', raw: 'stop' } as const);
      return { index, parts, finishReason };
    }),
  );

const response = fc.record({ choices, inputTokens: fc.nat(), outputTokens: fc.nat() }).map(
  ({ choices, inputTokens, outputTokens }): ChatResponse => ({
    id: 'chatcmpl-1',
    model: 'm',
    createdAt: 3,
    choices,
    usage: {
      inputTokens,
      outputTokens,
      cachedInputTokens: 0,
      cacheWriteTokens: 0,
      reasoningTokens: 0,
      isEstimated: false,
    },
  }),
);

function collected(frames: readonly Frame[]): ChatResponse {
  const collector = new ResponseCollector();
  for (const frame of frames) collector.add(frame);
  const { original: _original, ...rest } = collector.response();
  return rest;
}

describe('openai-chat round trips', () => {
  it('keep texts, tool calls and results of a request', () => {
    fc.assert(
      fc.property(conversation, (messages) => {
        const { body } = upstream.renderRequest({ ...REQUEST, messages }, TARGET);
        const wire = JSON.parse(JSON.stringify(body));
        assert.deepEqual(openaiChat.client.parseRequest(wire, {}).messages, messages);
      }),
      { numRuns: 60 },
    );
  });

  it('keep a whole answer', () => {
    fc.assert(
      fc.property(response, (answer) => {
        const frame = upstream.parseResponse(openaiChat.client.renderResponse(answer, REQUEST));
        assert.deepEqual(collected([frame]), answer);
      }),
      { numRuns: 60 },
    );
  });

  it('keep a streamed answer', () => {
    fc.assert(
      fc.property(response, (answer) => {
        const renderer = openaiChat.client.streamRenderer(REQUEST, { id: 'x', createdAt: 1 });
        const wire = responseEvents(answer).map((event) => renderer.render({ events: [event] }));
        const data = wire.join('').split('\n\n').slice(0, -1);
        const parser = upstream.streamParser();
        const frames = data.map((line) => parser.parse({ data: line.slice('data: '.length) }));
        assert.equal(parser.end(), undefined);
        assert.deepEqual(collected(frames), answer);
      }),
      { numRuns: 60 },
    );
  });
});
