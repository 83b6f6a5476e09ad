// What an upstream says back of our credential goes no further.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cutError } from '../../src/dialects/upstream-failure.ts';
import { frameWithoutKey, guardedParser, withoutKey } from '../../src/gateway/key-guard.ts';

const KEY = 'sk-secret-1';

test('every occurrence of the key is hidden, and nothing when there is no key', () => {
  assert.equal(withoutKey(`You sent ${KEY}, yes ${KEY}.`, KEY), 'You sent [redacted], yes [redacted].');
  assert.equal(withoutKey('You sent nothing.', ''), 'You sent nothing.');
});

test('an error inside an answer loses the key, in its message and in the upstream’s own body', () => {
  const original = { dialect: 'openai-chat', status: 200, body: { error: { message: `Bad ${KEY}`, retry: true } } };
  const text = { type: 'text-delta', choice: 0, text: 'Hi' } as const;
  const frame = frameWithoutKey(
    { events: [text, { type: 'error', error: { code: 'upstream_error', message: `Bad ${KEY}`, original } }] },
    KEY,
  );
  const safe = { ...original, body: { error: { message: 'Bad [redacted]', retry: true } } };
  assert.deepEqual(frame.events, [
    text,
    { type: 'error', error: { code: 'upstream_error', message: 'Bad [redacted]', original: safe } },
  ]);
});

test('frames without an error are the same objects', () => {
  const frame = { events: [{ type: 'text-delta', choice: 0, text: KEY }] } as const;
  assert.equal(frameWithoutKey(frame, KEY), frame);
});

test('a guarded parser tells what its parser tells', () => {
  const ending = { events: [{ type: 'error', error: cutError() }] } as const;
  const parser = guardedParser(
    {
      parse: ({ data }) => ({ events: [{ type: 'error', error: { code: 'upstream_garbage', message: data } }] }),
      end: () => ending,
    },
    KEY,
  );
  assert.deepEqual(parser.parse({ data: `x ${KEY}` }).events, [
    { type: 'error', error: { code: 'upstream_garbage', message: 'x [redacted]' } },
  ]);
  assert.equal(parser.end(), ending);
});

test('the filler that a local server is given for a key is no secret: errors stay readable', () => {
  const message = "This model's maximum context length is 4096 tokens.";
  assert.equal(withoutKey(message, 'x'), message);
  const frame = { events: [{ type: 'error', error: { code: 'context_length_exceeded', message } }] } as const;
  assert.equal(frameWithoutKey(frame, 'e'), frame);
});
