import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cross } from '../../src/dialects/crossing.ts';
import { dialects } from '../../src/dialects/registry.ts';
import type { DialectName, ResponseFormat } from '../../src/model/chat.ts';
import type { JsonObject } from '../../src/model/json.ts';
import type { Frame, StreamEvent } from '../../src/model/stream.ts';
import { fc } from '../support/property.ts';

function crossed(schema: JsonObject, dialect: DialectName = 'openai-chat') {
  const body = { model: 'm', messages: [{ role: 'user', content: 'Hello' }], format: schema };
  return cross(dialects.ollama.client.parseRequest(body, {}), dialects[dialect]);
}

function schemaFor(schema: JsonObject, dialect?: DialectName): JsonObject {
  return (crossed(schema, dialect).request.responseFormat as Extract<ResponseFormat, { type: 'json-schema' }>).schema;
}

const LIST = { type: 'array', items: { type: 'string' } };

/** What a client sees of an answer that comes in these pieces. */
function seen(pieces: readonly string[], schema: JsonObject = LIST): string {
  const { translated } = crossed(schema);
  const finish: StreamEvent = { type: 'finish', choice: 0, finishReason: { unified: 'stop', raw: 'stop' } };
  const frames: Frame[] = [
    ...pieces.map((text): Frame => ({ events: [{ type: 'text-delta', choice: 0, text }] })),
    { events: [finish] },
  ];
  const events = frames.flatMap((frame) => translated(frame).events);
  assert.deepEqual(events.at(-1), finish);
  return events.flatMap((event) => (event.type === 'text-delta' ? [event.text] : [])).join('');
}

test('a schema whose root is no object gets one around it at OpenAI-like upstreams', () => {
  const object = (answer: JsonObject) => ({
    type: 'object',
    properties: { answer },
    required: ['answer'],
    additionalProperties: false,
  });
  for (const dialect of ['openai-chat', 'openai-responses'] as const) {
    assert.deepEqual(schemaFor(LIST, dialect), object(LIST));
  }
  assert.deepEqual(schemaFor(LIST, 'gemini'), LIST);
  const recursive = {
    $defs: { tree: { type: 'object', properties: { leaves: { $ref: '#' }, next: { $ref: '#/$defs/tree' } } } },
    anyOf: [{ $ref: '#/$defs/tree' }, { type: 'array', items: { $ref: '#/anyOf/0' } }],
  };
  assert.deepEqual(schemaFor(recursive), {
    $defs: {
      tree: { type: 'object', properties: { leaves: { $ref: '#/properties/answer' }, next: { $ref: '#/$defs/tree' } } },
    },
    ...object({
      anyOf: [{ $ref: '#/$defs/tree' }, { type: 'array', items: { $ref: '#/properties/answer/anyOf/0' } }],
    }),
  });
});

test('an object stays as it is, and one that does not say so is called one', () => {
  const properties = { a: { type: 'string' } };
  assert.deepEqual(schemaFor({ type: 'object', properties }), { type: 'object', properties });
  assert.deepEqual(schemaFor({ properties }), { type: 'object', properties });
  assert.equal(seen(['{"answer": 1}'], { properties }), '{"answer": 1}');
});

test('the answer is taken out of its object, however the stream is cut', () => {
  const value = fc.jsonValue();
  const gap = fc.constantFrom('', ' ', '\n  ');
  fc.assert(
    fc.property(
      value,
      fc.array(gap, { minLength: 6, maxLength: 6 }),
      fc.integer({ min: 1, max: 9 }),
      (json, gaps, size) => {
        const inner = JSON.stringify(json, null, 2);
        const [a, b, c, d, e, f] = gaps;
        const wire = `${a}{${b}"answer"${c}:${d}${inner}${e}}${f}`;
        assert.equal(seen(wire.match(new RegExp(`[\\s\\S]{1,${size}}`, 'g')) ?? []), inner);
      },
    ),
  );
});

test('an answer that is not as it was asked for is told as it came, and a cut one as far as it got', () => {
  for (const plain of ['["a"]', 'Sorry.', '{"answers": 1}', '{"other": []}', '']) {
    assert.equal(seen([...plain]), plain);
    assert.equal(seen([plain]), plain);
  }
  assert.equal(seen(['{"answer": ["a", "b']), '["a", "b');
  assert.equal(seen(['{"ans']), '');
  assert.equal(seen(['{"answer": ["a"], "more": {"b": 1}}']), '["a"]');
});
