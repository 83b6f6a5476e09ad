import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { GatewayError } from '../../../src/errors.ts';
import {
  errorFrame,
  parseChat,
  parseError,
  parseFrames,
  renderError,
  renderFrames,
} from '../../../src/mesh/forward/wire.ts';
import type { Frame } from '../../../src/model/stream.ts';
import { fc } from '../../support/property.ts';

const END: Frame = { events: [{ type: 'response-end' }] };

async function* bytesOf(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function collected(text: string, size = 7): Promise<readonly Frame[][]> {
  const batches: Frame[][] = [];
  for await (const batch of parseFrames(bytesOf(text, size))) batches.push([...batch]);
  return batches;
}

const NO_NULL_PROTOTYPE = { noNullPrototype: true };
const frames = fc.array(
  fc.record(
    {
      events: fc.array(
        fc.record(
          {
            type: fc.constant('text-delta' as const),
            choice: fc.constant(0),
            text: fc.string({ unit: 'grapheme' }),
          },
          NO_NULL_PROTOTYPE,
        ),
        { maxLength: 3 },
      ),
    },
    NO_NULL_PROTOTYPE,
  ),
  { maxLength: 4 },
);

describe('an answer on its way between nodes', () => {
  test('comes out as it went in, however its bytes are cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(frames, { maxLength: 4 }), fc.integer({ min: 1, max: 40 }), async (batches, size) => {
        const all = [...batches, [END]];
        const text = all.map((batch) => renderFrames(batch, undefined)).join('');
        assert.deepEqual(await collected(text, size), all);
      }),
    );
  });

  test("originals go along in the client's dialect alone", async () => {
    const original = {
      dialect: 'anthropic',
      data: '{"type":"ping","x":1}',
      event: 'ping',
      value: { type: 'ping', x: 1 },
    };
    const frame = { events: [], original } as Frame;
    const [own] = await collected(renderFrames([frame], 'anthropic') + renderFrames([END], 'anthropic'));
    assert.deepEqual(own, [frame]);
    const [foreign] = await collected(renderFrames([frame], 'gemini') + renderFrames([END], 'gemini'));
    assert.deepEqual(foreign, [{ events: [] }]);
  });

  test('that ends without its end was cut', async () => {
    const delta: Frame = { events: [{ type: 'text-delta', choice: 0, text: 'Hel' }] };
    const [first, last] = await collected(`${renderFrames([delta], undefined)}[{"events":[{"ty`);
    assert.deepEqual(first, [delta]);
    assert.equal(last?.[0]?.events[0]?.type, 'error');
    assert.match(JSON.stringify(last), /upstream_cut/);
  });

  test('that is unreadable is an error, and nothing after it is read', async () => {
    for (const line of ['{}', '[1]', 'null', '[{"events":1}]', '<html>']) {
      const batches = await collected(`${line}\n${renderFrames([END], undefined)}`);
      assert.equal(batches.length, 1, line);
      assert.match(JSON.stringify(batches), /upstream_garbage/, line);
    }
  });

  test('nothing is read after its end', async () => {
    assert.deepEqual(await collected(renderFrames([END], undefined) + renderFrames([END], undefined)), [[END]]);
    const error = errorFrame({ code: 'upstream_error', message: 'm' });
    assert.deepEqual(await collected(renderFrames([error], undefined) + renderFrames([END], undefined)), [[error]]);
  });
});

test("another node's error keeps what its client needs; what is final only there is none here", () => {
  const carried = (error: GatewayError) => parseError(JSON.stringify(renderError(error)));
  const original = { dialect: 'anthropic', status: 400, body: { type: 'error' } };
  assert.deepEqual(
    carried(new GatewayError('bad_request', 'm', { param: 'messages[1]', original, retryAfterMs: 5, status: 418 })),
    { code: 'bad_request', message: 'm', param: 'messages[1]', original, retryAfterMs: 5, status: 418 },
  );
  assert.deepEqual(carried(new GatewayError('model_not_found', 'm')), { code: 'unavailable', message: 'm' });
  assert.equal(parseError('{"code":"constructor","message":"m"}').code, 'upstream_garbage');
  assert.equal(parseError('').code, 'upstream_garbage');
});

test('what is no forwarded request is refused', () => {
  const chat = {
    request: { model: 'm', messages: [], tools: [], sampling: {} },
    principal: { tenant: 't', tags: {}, scopes: {}, accounts: {}, limits: [] },
    requestId: 'r',
    attempt: 1,
    remainingMs: 5,
  };
  const parsed = (value: unknown) => parseChat(Buffer.from(JSON.stringify(value)));
  assert.deepEqual(parsed(chat), chat);
  for (const field of Object.keys(chat))
    assert.throws(() => parsed({ ...chat, [field]: undefined }), /not a forwarded request/);
  for (const field of Object.keys(chat.principal)) {
    assert.throws(
      () => parsed({ ...chat, principal: { ...chat.principal, [field]: undefined } }),
      /not a forwarded request/,
    );
  }
});
