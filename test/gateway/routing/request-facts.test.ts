import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { factsOf, type Surroundings } from '../../../src/gateway/routing/request-facts.ts';
import type { ChatRequest, Message } from '../../../src/model/chat.ts';

const surroundings: Surroundings = { headers: {}, inputTokens: 9, keyTags: [], minuteOfDay: 0, weekday: 'sun' };

function request(known: Partial<ChatRequest> = {}): ChatRequest {
  return { model: 'm', isStream: false, messages: [], tools: [], sampling: {}, ...known };
}

const text = (role: Message['role'], words: string): Message => ({ role, parts: [{ type: 'text', text: words }] });
const image = { type: 'media', kind: 'image', source: { type: 'url', url: 'https://example.org/a.png' } } as const;

describe('the facts of a request', () => {
  test('are those of a plain question', () => {
    const { affinity, ...plain } = factsOf(request({ messages: [text('user', 'Who are you?')] }), surroundings);
    assert.equal(affinity?.kind, 'prefix');
    assert.deepEqual(plain, {
      ...surroundings,
      model: 'm',
      needs: [],
      isReasoningAsked: false,
      turns: 1,
      userText: 'Who are you?',
      userTokens: 3,
      toolCount: 0,
      imageCount: 0,
      documentCount: 0,
      metadata: {},
    });
  });

  test('tell what the upstream must be able to do, in tool results too', () => {
    const messages: Message[] = [
      { role: 'user', parts: [image, { ...image, kind: 'document' }] },
      { role: 'tool', parts: [{ type: 'tool-result', toolCallId: '1', parts: [{ ...image, kind: 'audio' }, image] }] },
    ];
    const { needs, imageCount, documentCount } = factsOf(
      request({
        messages,
        tools: [{ name: 'look' }],
        responseFormat: { type: 'json-schema', name: 'r', schema: {} },
      }),
      surroundings,
    );
    assert.deepEqual(needs, ['images', 'documents', 'audio', 'tools', 'json-schema']);
    assert.deepEqual([imageCount, documentCount], [2, 1]);
  });

  test('count what people said as turns, not what tools brought', () => {
    const messages = [
      text('system', 's'),
      text('user', 'one'),
      text('assistant', 'a'),
      { role: 'user', parts: [{ type: 'tool-result', toolCallId: '1', parts: [] }] } as const,
      text('user', 'two'),
      { role: 'user', parts: [{ type: 'tool-result', toolCallId: '2', parts: [] }] } as const,
    ];
    const { turns, userText } = factsOf(request({ messages }), surroundings);
    assert.deepEqual([turns, userText], [2, 'two']);
  });

  test('look at both ends of a long message', () => {
    const long = `BEGIN${'x'.repeat(50_000)}END`;
    const { userText, userTokens } = factsOf(request({ messages: [text('user', long)] }), surroundings);
    assert.equal(userText.length, 16_385);
    assert.ok(userText.startsWith('BEGIN') && userText.endsWith('END'));
    assert.equal(userTokens, 12_502);
  });

  test('count a token for each Chinese character', () => {
    assert.equal(factsOf(request({ messages: [text('user', '请问去火车站怎么走')] }), surroundings).userTokens, 9);
  });

  test('know whether reasoning is asked for', () => {
    const asked = (reasoning: NonNullable<ChatRequest['reasoning']>) =>
      factsOf(request({ reasoning }), surroundings).isReasoningAsked;
    assert.deepEqual(
      [asked({ effort: 'low' }), asked({ effort: 'none' }), asked({ budgetTokens: 0 }), asked({ budgetTokens: 99 })],
      [true, false, false, true],
    );
  });
});
