// Tool names on their way to narrow wires and back.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cross } from '../../src/dialects/crossing.ts';
import { dialects } from '../../src/dialects/registry.ts';
import { fittedToolName } from '../../src/dialects/tool-names.ts';
import { GatewayError } from '../../src/errors.ts';
import type { ChatRequest, DialectName } from '../../src/model/chat.ts';
import { fc } from '../support/property.ts';

/** What each upstream's servers take; Ollama's take anything. */
const PATTERNS = {
  'openai-chat': /^[a-zA-Z0-9_-]{1,64}$/,
  'openai-responses': /^[a-zA-Z0-9_-]{1,64}$/,
  anthropic: /^[a-zA-Z0-9_-]{1,128}$/,
  gemini: /^[a-zA-Z_][a-zA-Z0-9_.-]{0,62}$/,
} as const satisfies Partial<Record<DialectName, RegExp>>;

for (const [name, pattern] of Object.entries(PATTERNS)) {
  const rule = dialects[name as keyof typeof PATTERNS].upstream!.toolNames!;

  test(`${name}: a name that fits stays, any other becomes one that does`, () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[a-z0-9_./-]{1,150}$/)), (tool) => {
        const fitted = fittedToolName(tool, rule);
        assert.match(fitted, pattern);
        if (pattern.test(tool)) assert.equal(fitted, tool);
        assert.equal(fittedToolName(fitted, rule), fitted);
      }),
    );
  });

  test(`${name}: names that differ only in what is refused stay apart`, () => {
    const names = ['a b', 'a/b', 'a:b', 'ä_b', `${'x'.repeat(200)}1`, `${'x'.repeat(200)}2`, '', '1/'];
    assert.equal(new Set(names.map((tool) => fittedToolName(tool, rule))).size, names.length);
  });
}

test('the same name is rewritten alike in every process', () => {
  const rule = dialects['openai-chat'].upstream!.toolNames!;
  assert.equal(fittedToolName('github.com/issues.list', rule), 'github_com_issues_list_Qpxs3EoDz');
});

const REQUEST: ChatRequest = {
  model: 'm',
  isStream: true,
  sampling: {},
  tools: [
    { name: 'fs/read', parameters: { type: 'object' } },
    { name: 'plain' },
    { name: 'web.search', isHosted: true },
  ],
  toolChoice: { type: 'tool', name: 'fs/read' },
  messages: [
    { role: 'user', parts: [{ type: 'text', text: 'fs/read' }] },
    {
      role: 'assistant',
      parts: [
        { type: 'tool-call', id: 'c1', name: 'fs/read', argumentsJson: '{}' },
        { type: 'tool-call', id: 'c2', name: 'gone.tool', argumentsJson: '{}' },
      ],
    },
    {
      role: 'tool',
      parts: [{ type: 'tool-result', toolCallId: 'c1', name: 'fs/read', parts: [{ type: 'text', text: 'x' }] }],
    },
  ],
  original: { dialect: 'ollama', body: {} },
};

test('a request crosses under names that fit, in tools, choice, calls and results', () => {
  const { request } = cross(REQUEST, dialects.anthropic);
  const rule = dialects.anthropic.upstream!.toolNames!;
  const read = fittedToolName('fs/read', rule);
  assert.deepEqual(
    request.tools.map((tool) => tool.name),
    [read, 'plain', 'web.search'],
  );
  assert.deepEqual(request.toolChoice, { type: 'tool', name: read });
  const parts = request.messages.flatMap((message) => [...message.parts] as any[]);
  assert.deepEqual(
    parts.map((part) => part.name ?? part.text),
    ['fs/read', read, fittedToolName('gone.tool', rule), read],
  );
});

test('the answer calls the client’s own names, of tools offered and of tools gone', () => {
  const crossing = cross(REQUEST, dialects.anthropic);
  const names = crossing.request.messages.flatMap((message) =>
    message.parts.flatMap((part) => (part.type === 'tool-call' ? [part.name] : [])),
  );
  const call = (name: string) => ({ type: 'tool-call-start', choice: 0, index: 0, id: 'c', name }) as const;
  const calls = [...names, 'plain', 'invented'].map(call);
  const inner = { parse: () => ({ events: calls }), end: () => ({ events: [] }) };
  const parser = crossing.translating(inner);
  const own = ['fs/read', 'gone.tool', 'plain', 'invented'];
  assert.deepEqual(
    parser.parse({ data: '' }).events.map((event) => event.type === 'tool-call-start' && event.name),
    own,
  );
  assert.deepEqual(parser.end(), { events: [] });
  assert.deepEqual(crossing.translated({ events: calls }).events, own.map(call));
});

test('where all names fit, where any does, and to the client’s own dialect, the request goes as it is', () => {
  const fitting = { ...REQUEST, tools: [{ name: 'plain' }], messages: REQUEST.messages.slice(0, 1) };
  assert.equal(cross(fitting, dialects.anthropic).request, fitting);
  assert.equal(cross(REQUEST, dialects.ollama).request, REQUEST);
  const own: ChatRequest = { ...REQUEST, original: { dialect: 'anthropic', body: {} } };
  assert.equal(cross(own, dialects.anthropic).request, own);
});

test('what only the client’s own dialect can honour is refused elsewhere, and named', () => {
  const bound: ChatRequest = {
    ...REQUEST,
    untranslatable: ['conversation'],
    original: { dialect: 'openai-responses', body: {} },
  };
  assert.equal(cross(bound, dialects['openai-responses']).request, bound);
  assert.throws(
    () => cross(bound, dialects.gemini),
    (error) => error instanceof GatewayError && error.code === 'unsupported' && error.param === 'conversation',
  );
});
