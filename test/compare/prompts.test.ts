import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PROMPTS_MAX, readPrompts, textOf } from '../../src/compare/prompts.ts';

function told(text: string, file: string): unknown[] {
  return readPrompts(text, file).map(({ messages, ...rest }) => ({
    said: messages.map((message) => `${message.role}: ${textOf(message)}`),
    ...rest,
  }));
}

test('plain text has one prompt a line, empty lines aside', () => {
  assert.deepEqual(told('\uFEFFOne?\r\n\r\n  Two?  \n', 'p.txt'), [{ said: ['user: One?'] }, { said: ['user: Two?'] }]);
});

const ENTRIES = [
  { said: ['system: Be brief.', 'user: One?'], expected: '1' },
  { said: ['user: a', 'assistant: b', 'user: c'], expected: '{"x":1}' },
  { said: ['user: Three?'] },
];

test('JSON lines hold prompts or conversations, with system text and the expected answer', () => {
  const text = [
    '{"prompt":"One?","system":"Be brief.","expected":"1"}',
    '{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}],"expected":{"x":1}}',
    '"Three?"',
  ].join('\n');
  assert.deepEqual(told(text, 'p.jsonl'), ENTRIES);
  assert.deepEqual(told(text, 'standard input'), ENTRIES);
});

test('a YAML list holds the same', () => {
  const text = `- {prompt: "One?", system: Be brief., expected: "1"}
- messages:
    - {role: user, content: a}
    - {role: assistant, content: b}
    - {role: user, content: c}
  expected: {x: 1}
- Three?
`;
  assert.deepEqual(told(text, 'p.yaml'), ENTRIES);
});

const wrong: [text: string, file: string, message: string][] = [
  [' \n', 'p.txt', 'p.txt: there is no prompt in it.'],
  ['{"prompt":"a"}\n{"prompt":', 'p.jsonl', 'p.jsonl: line 2 is not JSON.'],
  ['7', 'p.jsonl', 'p.jsonl: line 1 is neither a text nor an object.'],
  ['{"prompt":""}', 'p.jsonl', "p.jsonl: line 1: 'prompt' is to be a text that is not empty."],
  ['{"promt":"a"}', 'p.jsonl', "p.jsonl: line 1 has 'promt'; known are prompt, messages, system and expected."],
  ['{"prompt":"a","messages":[]}', 'p.jsonl', "p.jsonl: line 1 needs either 'prompt' or 'messages'."],
  ['{"messages":[]}', 'p.jsonl', "p.jsonl: line 1: 'messages' is to be a list of messages."],
  [
    '{"messages":[{"role":"tool","content":"a"}]}',
    'p.jsonl',
    "p.jsonl: line 1: message 1 needs a 'role': system, user or assistant.",
  ],
  ['a: 1', 'p.yml', 'p.yml: a list of prompts is expected.'],
  ['x\n'.repeat(PROMPTS_MAX + 1), 'p.txt', 'p.txt: it has 1001 prompts, and 1000 is the most one comparison takes.'],
];

for (const [text, file, message] of wrong) {
  test(`refused: ${message}`, () => {
    assert.throws(() => readPrompts(text, file), { message, code: 'bad_request' });
  });
}
