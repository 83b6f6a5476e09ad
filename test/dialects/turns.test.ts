import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { alternatingTurns, textOf, toolNames } from '../../src/dialects/turns.ts';
import type { Message, Part, ToolCallPart, ToolResultPart } from '../../src/model/chat.ts';
import { fc } from '../support/property.ts';

function text(value: string): Part {
  return { type: 'text', text: value };
}

function call(id: string, name = 'look'): ToolCallPart {
  return { type: 'tool-call', id, name, argumentsJson: '{}' };
}

function result(toolCallId: string, value: string): ToolResultPart {
  return { type: 'tool-result', toolCallId, parts: [{ type: 'text', text: value }] };
}

function message(role: Message['role'], ...parts: Part[]): Message {
  return { role, parts };
}

function unanswered(toolCallId: string): ToolResultPart {
  return { ...result(toolCallId, 'No result: the call was not answered.'), isError: true };
}

const OPENING = { role: 'user', parts: [text('(The conversation begins with the assistant.)')] };

describe('alternatingTurns', () => {
  test('hoists leading system messages in order and keeps later ones in their place', () => {
    assert.deepEqual(
      alternatingTurns([
        message('system', text('a')),
        message('system', text('b')),
        message('user', text('hi')),
        message('system', text('c')),
        message('assistant', text('yes')),
      ]),
      {
        system: [message('system', text('a')), message('system', text('b'))],
        turns: [
          { role: 'user', parts: [text('hi'), text('<system>\nc\n</system>')] },
          { role: 'assistant', parts: [text('yes')] },
        ],
      },
    );
  });

  test('merges neighbours of one role', () => {
    assert.deepEqual(
      alternatingTurns([
        message('user', text('a')),
        message('user', text('b')),
        message('assistant', text('c')),
        message('assistant', text('d')),
      ]).turns,
      [
        { role: 'user', parts: [text('a'), text('b')] },
        { role: 'assistant', parts: [text('c'), text('d')] },
      ],
    );
  });

  test('gives an empty conversation no turns', () => {
    assert.deepEqual(alternatingTurns([]), { system: [], turns: [] });
  });

  test('lets the last of nothing but system messages be the question', () => {
    assert.deepEqual(alternatingTurns([message('system', text('a')), message('system', text('b'))]), {
      system: [message('system', text('a'))],
      turns: [{ role: 'user', parts: [text('b')] }],
    });
  });

  test('puts a user turn before a conversation that the assistant opens', () => {
    assert.deepEqual(
      alternatingTurns([
        message('system', text('s')),
        message('assistant', text('hello')),
        message('user', text('hi')),
      ]),
      {
        system: [message('system', text('s'))],
        turns: [OPENING, { role: 'assistant', parts: [text('hello')] }, { role: 'user', parts: [text('hi')] }],
      },
    );
  });

  test('drops blank texts and the turns that were nothing else', () => {
    const signed: Part = { type: 'text', text: '', extensions: { gemini: { thoughtSignature: 's' } } };
    assert.deepEqual(
      alternatingTurns([
        message('user', text('a')),
        message('assistant', text(' \n')),
        message('user', text(''), text('b')),
        message('assistant', signed),
      ]).turns,
      [
        { role: 'user', parts: [text('a'), text('b')] },
        { role: 'assistant', parts: [signed] },
      ],
    );
  });

  test('puts the results of parallel calls first, in the order of the calls', () => {
    assert.deepEqual(
      alternatingTurns([
        message('user', text('q')),
        message('assistant', call('1'), call('2')),
        message('tool', result('2', 'two')),
        message('user', text('and?')),
        message('tool', result('1', 'one')),
      ]).turns.at(-1),
      { role: 'user', parts: [result('1', 'one'), result('2', 'two'), text('and?')] },
    );
  });

  test('answers a call that has no result with an error', () => {
    assert.deepEqual(
      alternatingTurns([
        message('user', text('q')),
        message('assistant', call('1'), call('2')),
        message('tool', result('2', 'two')),
      ]).turns.at(-1),
      { role: 'user', parts: [unanswered('1'), result('2', 'two')] },
    );
  });

  test('answers a call that ends the conversation', () => {
    assert.deepEqual(alternatingTurns([message('user', text('q')), message('assistant', call('1'))]).turns.at(-1), {
      role: 'user',
      parts: [unanswered('1')],
    });
  });

  test('turns an orphan result after a text-only answer into text', () => {
    assert.deepEqual(
      alternatingTurns([
        message('user', text('q')),
        message('assistant', text('let me see')),
        message('tool', result('9', 'nine')),
      ]).turns.at(-1),
      { role: 'user', parts: [text('Result of an earlier tool call:'), text('nine')] },
    );
  });

  test('turns a result that opens the conversation into text', () => {
    assert.deepEqual(alternatingTurns([message('tool', result('9', 'nine'))]).turns, [
      { role: 'user', parts: [text('Result of an earlier tool call:'), text('nine')] },
    ]);
  });

  test('matches a late result to nothing: its call was answered with an error already', () => {
    assert.deepEqual(
      alternatingTurns([
        message('user', text('q')),
        message('assistant', call('1')),
        message('user', text('wait')),
        message('assistant', text('waiting')),
        message('tool', result('1', 'one')),
      ]).turns.slice(2),
      [
        { role: 'user', parts: [unanswered('1'), text('wait')] },
        { role: 'assistant', parts: [text('waiting')] },
        { role: 'user', parts: [text('Result of an earlier tool call:'), text('one')] },
      ],
    );
  });

  test('finds the result of a call behind a second assistant message', () => {
    assert.deepEqual(
      alternatingTurns([
        message('user', text('q')),
        message('assistant', call('1')),
        message('assistant', text('wait')),
        message('tool', result('1', 'one')),
      ]).turns.slice(1),
      [
        { role: 'assistant', parts: [call('1'), text('wait')] },
        { role: 'user', parts: [result('1', 'one')] },
      ],
    );
  });

  test('answers calls of equal id in order, and a second result to one call becomes text', () => {
    assert.deepEqual(
      alternatingTurns([
        message('user', text('q')),
        message('assistant', call('1'), call('1')),
        message('tool', result('1', 'a')),
        message('tool', result('1', 'b')),
        message('tool', result('1', 'c')),
      ]).turns.at(-1),
      { role: 'user', parts: [result('1', 'a'), result('1', 'b'), text('Result of an earlier tool call:'), text('c')] },
    );
  });

  test('does not change the messages', () => {
    const messages = [message('user', text('a')), message('user', text('b')), message('assistant', call('1'))];
    const before = structuredClone(messages);
    alternatingTurns(messages);
    assert.deepEqual(messages, before);
  });

  test('always alternates, begins with the user and pairs every call, whatever came in', () => {
    const id = fc.constantFrom('1', '2', '3');
    const part = fc.oneof(
      fc.constantFrom('a', 'b', '', ' ').map(text),
      id.map((value) => call(value)),
      id.map((value) => result(value, value)),
    );
    const role = fc.constantFrom('system', 'user', 'assistant', 'tool');
    const anyMessage = fc.record({ role, parts: fc.array(part, { maxLength: 3 }) }).map(({ role: who, parts }) => ({
      role: who,
      // Only assistants call, only users and tools answer.
      parts: parts.filter(
        ({ type }) => type === 'text' || ((who === 'assistant') === (type === 'tool-call') && who !== 'system'),
      ),
    }));
    fc.assert(
      fc.property(fc.array(anyMessage, { maxLength: 8 }), (messages) => {
        const { turns } = alternatingTurns(messages);
        turns.forEach((turn, i) => {
          assert.equal(turn.role, i % 2 === 0 ? 'user' : 'assistant');
          assert.ok(turn.parts.length > 0);
          const calls = turn.parts.flatMap((item) => (item.type === 'tool-call' ? [item.id] : []));
          const next = turns[i + 1]?.parts ?? [];
          const answers = next.flatMap((item) => (item.type === 'tool-result' ? [item.toolCallId] : []));
          if (turn.role === 'assistant') assert.deepEqual(answers, calls);
          assert.ok(next.slice(answers.length).every((item) => item.type !== 'tool-result'));
        });
        const firstAnswers = (turns[0]?.parts ?? []).filter((item) => item.type === 'tool-result');
        assert.deepEqual(firstAnswers, []);
      }),
    );
  });
});

test('toolNames finds the name of every call', () => {
  assert.deepEqual(
    toolNames([
      message('assistant', call('1', 'look')),
      message('user', text('a')),
      message('assistant', call('2', 'ask')),
    ]),
    new Map([
      ['1', 'look'],
      ['2', 'ask'],
    ]),
  );
});

test('textOf joins the texts and leaves everything else out', () => {
  assert.equal(textOf([text('a'), call('1'), text('b')]), 'a\n\nb');
  assert.equal(textOf([text('a'), text('b')], ''), 'ab');
  assert.equal(textOf([]), '');
});

test('parts without text leave no blank lines in a text', () => {
  const part = (text: string) => ({ type: 'text', text }) as const;
  assert.equal(textOf([part(''), part('A'), part(''), part('B')]), 'A\n\nB');
});
