import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compactJson } from '../../src/cache/compact-json.ts';
import { compactText } from '../../src/cache/compact-text.ts';
import { compactRequest } from '../../src/cache/compaction.ts';
import { dialects } from '../../src/dialects/registry.ts';
import type { ChatRequest, Message } from '../../src/model/chat.ts';
import { fc } from '../support/property.ts';

const ON = { isEnabled: true, isDeduplicating: false };

describe('white space that says nothing is left out', () => {
  for (const [name, before, after] of [
    ['at the end of a line before a blank one', 'One.   \n\nTwo. \nThree', 'One.\n\nTwo.\nThree'],
    ['on blank lines', 'One.\n   \n\t\nTwo.', 'One.\n\n\nTwo.'],
    ['of more than two blank lines', 'One.\n\n\n\n\n\nTwo.', 'One.\n\n\nTwo.'],
    ['after a full stop', 'This is one.  And this is the other.', 'This is one. And this is the other.'],
    [
      'between words of a sentence',
      'So many    words stand in this one line.',
      'So many words stand in this one line.',
    ],
    ['with line ends of Windows', 'One.  \r\n\r\n\r\n\r\n\r\nTwo', 'One.\r\n\r\n\r\nTwo'],
  ] as const) {
    test(name, () => assert.equal(compactText(before), after));
  }
});

describe('what may mean something stays', () => {
  for (const [name, text] of [
    ['a fence', 'Look:\n```py\nx  =  1   \n\n\n\n\ny = 2\n```\nend'],
    ['a fence of tildes with a fence inside', '~~~\n```\na   \n\n\n\n\nb\n```\nc   \n\n~~~\nend'],
    ['a fence that does not end', 'Look:\n```\na   \n\n\n\n\nb'],
    ['a fence in a list', '- one\n  ```\n  a   \n\n\n\n  b\n  ```\nend'],
    ['indented code', 'Look:\n\n    if x:   \n\n\n\n\n        y  =  1  \n\nend'],
    ['indentation', 'def f():\n  return  1\n\tx  y\nend'],
    ['nested lists', '- a\n  - b  c\n    - d\nend'],
    ['line breaks of Markdown', 'One line  \nthe next'],
    ['a table', 'Name  |  Age of that person in years  |  x\nend'],
    ['aligned columns', 'Name of it    Age of it    More of it\nada one two   36 one two   x y z\nend'],
    ['short lines', 'key:   value\nend'],
    ['inline code', 'Here you must write `a  b` with two of the spaces\nend'],
    ['quoted text', 'She said "two  spaces" to all of the people there\nend'],
    ['a quotation over several lines', 'She said "one   \n\n\n\n\n two" and left\nend'],
    ['a quotation of three marks', '"""\na   \n\n\n\n\nb\n"""\nend'],
    ['preformatted HTML', '<pre>\na   \n\n\n\n\nb\n</pre>\nend'],
    ['the end of the text', 'A text that may be glued to another one  \n  '],
  ] as const) {
    test(name, () => assert.equal(compactText(text), text));
  }
});

describe('JSON', () => {
  test('loses the white space between its tokens and nothing else', () => {
    const text = '{ "a" : [ 1.0, 12345678901234567890 , "b  c\\" :  d" ],\n  "a": null,\n\t"é": -0e5 }\n';
    assert.equal(compactJson(text), '{"a":[1.0,12345678901234567890,"b  c\\" :  d"],"a":null,"é":-0e5}');
  });

  test('stays when it is none, or no object or array', () => {
    for (const text of ['{ "a": 1', '  "a  b"', '[1, 2] and more', ' 12 ', '{ a: 1 }'])
      assert.equal(compactJson(text), text);
  });
});

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

/** Texts made of what makes compaction think. */
const pieces = fc.array(
  fc.constantFrom(
    'word',
    'Two words.',
    ' ',
    '  ',
    '    ',
    '\n',
    '\n\n\n\n',
    '  \n',
    '\t',
    '\r\n',
    '```',
    '~~~',
    '"',
    '`',
    '|',
    '- ',
    '> ',
    "it's",
    '“',
    '”',
    '<pre>',
    '日本',
    '\u00a0',
    '😀',
  ),
  { maxLength: 60 },
);
const anyText = fc.oneof(
  pieces.map((list) => list.join('')),
  fc.string({ unit: 'binary', maxLength: 200 }),
);

test('the words of a text are the same after it, in the same order, and a second time changes nothing', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const compacted = compactText(text);
      assert.deepEqual(words(compacted), words(text));
      assert.equal(compacted.length <= text.length, true);
      assert.equal(compactText(compacted), compacted);
    }),
    { numRuns: 3_000 },
  );
});

test('a JSON value is the same after it', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(0, 2, '\t'), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      assert.deepEqual(JSON.parse(compactJson(text)), JSON.parse(text));
    }),
  );
});

const LONG = `{ "rows": [ ${'1, '.repeat(300)}1 ] }`;

function conversation(): Message[] {
  const call = (id: string): Message => ({
    role: 'assistant',
    parts: [{ type: 'tool-call', id, name: 'f', argumentsJson: '{}' }],
  });
  const result = (toolCallId: string, text: string): Message => ({
    role: 'tool',
    parts: [{ type: 'tool-result', toolCallId, parts: [{ type: 'text', text }] }],
  });
  return [
    { role: 'system', parts: [{ type: 'text', text: 'Be brief.   \n\nBe kind.' }] },
    { role: 'user', parts: [{ type: 'text', text: 'Do it.\n\n\n\n\n\nNow.' }] },
    { role: 'assistant', parts: [{ type: 'text', text: 'I  will.   \n\n\n\n\n\nNow.' }] },
    call('c1'),
    result('c1', LONG),
    call('c2'),
    result('c2', 'file:\n\n\n\n\n\nend   \n\n'),
    call('c3'),
    result('c3', LONG),
  ];
}

function request(messages: readonly Message[]): ChatRequest {
  return { model: 'm', isStream: false, messages, tools: [], sampling: {} };
}

test('system, user and JSON of tools are compacted; the model’s own words and other outputs are not', () => {
  const before = conversation();
  const compacted = compactRequest(request(before), ON);
  const texts = compacted?.request.messages.map(({ parts }) => JSON.stringify(parts));
  assert.equal(texts?.[0]?.includes('Be brief.\\n\\nBe kind.'), true);
  assert.equal(texts?.[1]?.includes('Do it.\\n\\n\\nNow.'), true);
  for (const index of [2, 3, 5, 6, 7]) assert.equal(compacted?.request.messages[index], before[index]);
  assert.equal(texts?.[4]?.includes(' '), false);
  assert.equal(texts?.[8]?.includes(' '), false);
  assert.deepEqual([compacted?.before.length, compacted?.after.length], [4, 4]);
});

test('a conversation that grows keeps its beginning', () => {
  const all = conversation();
  for (const rule of [ON, { isEnabled: true, isDeduplicating: true }]) {
    const whole = compactRequest(request(all), rule)?.request.messages;
    for (let length = 1; length <= all.length; length += 1) {
      const part = compactRequest(request(all.slice(0, length)), rule)?.request.messages;
      assert.deepEqual(part, whole?.slice(0, length));
    }
  }
});

test('a long output that was there already is referred to, where that is wanted', () => {
  const compacted = compactRequest(request(conversation()), { isEnabled: true, isDeduplicating: true });
  const [first, second] = [4, 8].map((index) => JSON.stringify(compacted?.request.messages[index]?.parts));
  assert.equal(first?.includes('rows'), true);
  assert.equal(second?.includes('[The same output, to the letter, as the earlier result of tool call c1.]'), true);
});

test('nothing is touched where nothing can be saved, or it is switched off', () => {
  const plain = request([{ role: 'user', parts: [{ type: 'text', text: 'Hello.\n\nAll is well.' }] }]);
  assert.equal(compactRequest(plain, ON), undefined);
  assert.equal(compactRequest(request(conversation()), { ...ON, isEnabled: false }), undefined);
});

test('a request of the upstream’s own dialect keeps every other field of its body', () => {
  const body = {
    model: 'm',
    messages: [
      {
        role: 'user',
        content: [{ type: 'text', text: 'Do it.\n\n\n\n\n\nNow.', cache_control: { type: 'ephemeral' } }],
      },
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'Hm.', signature: 'S' },
          { type: 'text', text: 'Ok.' },
        ],
      },
      { role: 'user', content: 'Go on.' },
    ],
    max_tokens: 5,
    container: 'kept',
  };
  const parsed = dialects.anthropic.client.parseRequest(body, {});
  const compacted = compactRequest(parsed, ON);
  const sent = dialects.anthropic.upstream?.renderRequest(compacted?.request ?? parsed, {
    model: 'm',
    isStream: false,
    traits: {},
  });
  assert.deepEqual(sent?.body, {
    ...body,
    messages: [
      { role: 'user', content: [{ type: 'text', text: 'Do it.\n\n\nNow.', cache_control: { type: 'ephemeral' } }] },
      body.messages[1],
      { role: 'user', content: [{ type: 'text', text: 'Go on.' }] },
    ],
  });
});
