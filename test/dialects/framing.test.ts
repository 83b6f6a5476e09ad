import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { WireMessage } from '../../src/dialects/dialect.ts';
import {
  decoderFor,
  FRAME_LENGTH_MAX,
  type FrameDecoder,
  ndjsonDecoder,
  sseDecoder,
} from '../../src/dialects/framing.ts';
import { GatewayError } from '../../src/errors.ts';
import { fc } from '../support/property.ts';

const encoder = new TextEncoder();

function decodeChunks(decoder: FrameDecoder, chunks: readonly Uint8Array[]): WireMessage[] {
  return [...chunks.flatMap((chunk) => decoder.decode(chunk)), ...decoder.flush()];
}

function decodeWhole(decoder: FrameDecoder, text: string): WireMessage[] {
  return decodeChunks(decoder, [encoder.encode(text)]);
}

function cutAtEveryPosition(bytes: Uint8Array, check: (chunks: readonly Uint8Array[]) => void): void {
  for (let at = 0; at <= bytes.length; at += 1) check([bytes.subarray(0, at), bytes.subarray(at)]);
  check([...bytes].map((byte) => Uint8Array.of(byte)));
}

const SSE_CASES: readonly { readonly name: string; readonly text: string; readonly messages: WireMessage[] }[] = [
  {
    name: "old llama.cpp's error lines",
    text: 'data: error: 1\n\nerror: {"code":500}\n\n',
    messages: [{ data: 'error: 1' }, { event: 'error', data: '{"code":500}' }],
  },
  { name: 'an error line at the start', text: 'error: {}\r\n\r\n', messages: [{ event: 'error', data: '{}' }] },
  {
    name: 'a whole body of JSON',
    text: '\r\n{"error":\n {"message":"ü"}}\n',
    messages: [{ data: '\r\n{"error":\n {"message":"ü"}}\n', isWhole: true }],
  },
  { name: 'nothing but blank lines', text: '\n\n \n', messages: [] },
  { name: 'lines ending with LF', text: 'data: 1\n\ndata: 2\n\n', messages: [{ data: '1' }, { data: '2' }] },
  { name: 'lines ending with CRLF', text: 'data: 1\r\n\r\ndata: 2\r\n\r\n', messages: [{ data: '1' }, { data: '2' }] },
  { name: 'lines ending with CR', text: 'data: 1\r\rdata: 2\r\r', messages: [{ data: '1' }, { data: '2' }] },
  {
    name: 'line ends of all kinds mixed',
    text: 'event: a\r\ndata: 1\r\rdata: 2\n\r\nevent: b\rdata: 3\n\n',
    messages: [{ event: 'a', data: '1' }, { data: '2' }, { event: 'b', data: '3' }],
  },
  { name: 'comments', text: ': keep\n\n:\ndata: 1\n: OPENROUTER\n\n', messages: [{ data: '1' }] },
  {
    name: 'an event name without data',
    text: 'event: ping\n\nevent: end\ndata: 1\n\n',
    messages: [{ event: 'end', data: '1' }],
  },
  { name: 'a bare data line', text: 'data:\n\ndata\n\ndata: 1\n\n', messages: [{ data: '1' }] },
  {
    name: 'ids, retry times and unknown fields',
    text: 'id: 7\nretry: 10\nfoo: bar\ndata: 1\n\n',
    messages: [{ data: '1' }],
  },
  { name: 'a byte order mark', text: '\u{feff}data: 1\n\n', messages: [{ data: '1' }] },
  { name: 'no blank after the colon', text: 'data:1\n\n', messages: [{ data: '1' }] },
  { name: 'data of two lines', text: 'data: {"a":\ndata: 1}\n\n', messages: [{ data: '{"a":\n1}' }] },
  { name: 'text outside ASCII', text: 'data: "Grüße 🌍 世界"\n\n', messages: [{ data: '"Grüße 🌍 世界"' }] },
  { name: 'a missing blank line at the end', text: 'event: e\ndata: 1\n', messages: [{ event: 'e', data: '1' }] },
  {
    name: 'a missing newline at the end',
    text: 'data: 1\n\ndata: [DONE]',
    messages: [{ data: '1' }, { data: '[DONE]' }],
  },
  { name: 'a lone CR at the end', text: 'data: 1\r', messages: [{ data: '1' }] },
  { name: 'a missing blank line after CRLF', text: 'data: 1\r\n', messages: [{ data: '1' }] },
  { name: 'an unfinished event without data', text: 'data: 1\n\nevent: message_stop\n', messages: [{ data: '1' }] },
  { name: 'nothing', text: '', messages: [] },
];

describe('sseDecoder', () => {
  for (const { name, text, messages } of SSE_CASES) {
    test(`reads ${name}, wherever the bytes are cut`, () => {
      assert.deepEqual(decodeWhole(sseDecoder(), text), messages);
      cutAtEveryPosition(encoder.encode(text), (chunks) => {
        assert.deepEqual(decodeChunks(sseDecoder(), chunks), messages);
      });
    });
  }

  test('delivers an event as soon as its blank line is there, without waiting for the next', () => {
    const decoder = sseDecoder();
    assert.deepEqual(decoder.decode(encoder.encode('data: 1\n')), []);
    assert.deepEqual(decoder.decode(encoder.encode('\ndata: 2')), [{ data: '1' }]);
    assert.deepEqual(decoder.decode(encoder.encode('\r\r')), [{ data: '2' }]);
  });

  test('delivers nothing twice', () => {
    const decoder = sseDecoder();
    assert.deepEqual(decoder.decode(encoder.encode('data: 1\n\n')), [{ data: '1' }]);
    assert.deepEqual(decoder.decode(new Uint8Array()), []);
    assert.deepEqual(decoder.flush(), []);
  });

  test('reads a line of one megabyte that comes in chunks of 1,000 bytes', () => {
    const data = 'é'.repeat(500_000);
    const bytes = encoder.encode(`data: ${data}\n\n`);
    const chunks = Array.from({ length: Math.ceil(bytes.length / 1_001) }, (_, i) =>
      bytes.subarray(i * 1_001, (i + 1) * 1_001),
    );
    assert.deepEqual(decodeChunks(sseDecoder(), chunks), [{ data }]);
  });

  test('refuses an unfinished line over the limit', () => {
    assertRefusesEndlessFrame(sseDecoder(), 'data: ', 'a');
  });

  test('refuses an unfinished event of many lines over the limit', () => {
    assertRefusesEndlessFrame(sseDecoder(), '', 'data: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n');
  });

  test('gives the same messages for any events, line ends and cuts', () => {
    const lineEnd = fc.constantFrom('\n', '\r\n', '\r');
    const value = fc.string({ unit: 'grapheme', minLength: 1 }).map((text) => text.replaceAll(/[\r\n]/g, '_'));
    const event = fc.record(
      { event: value.filter((text) => text.trim() === text), data: fc.array(value, { minLength: 1, maxLength: 3 }) },
      { requiredKeys: ['data'] },
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 5 }), lineEnd, fc.array(fc.nat(300)), (events, end, cuts) => {
        const text = events
          .map(({ event: name, data }) =>
            [...(name === undefined ? [] : [`event: ${name}`]), ...data.map((line) => `data: ${line}`), '', ''].join(
              end,
            ),
          )
          .join('');
        const messages = events.map(({ event: name, data }) => ({
          ...(name !== undefined && { event: name }),
          data: data.join('\n'),
        }));
        assert.deepEqual(decodeChunks(sseDecoder(), cutAt(encoder.encode(text), cuts)), messages);
      }),
    );
  });
});

const NDJSON_CASES: readonly { readonly name: string; readonly text: string; readonly messages: WireMessage[] }[] = [
  { name: 'lines ending with LF', text: '{"a":1}\n{"a":2}\n', messages: [{ data: '{"a":1}' }, { data: '{"a":2}' }] },
  {
    name: 'lines ending with CRLF',
    text: '{"a":1}\r\n{"a":2}\r\n',
    messages: [{ data: '{"a":1}' }, { data: '{"a":2}' }],
  },
  { name: 'lines ending with CR', text: '{"a":1}\r{"a":2}\r', messages: [{ data: '{"a":1}' }, { data: '{"a":2}' }] },
  { name: 'blank lines', text: '\n \n{"a":1}\n\r\n\t\n', messages: [{ data: '{"a":1}' }] },
  { name: 'a byte order mark', text: '\u{feff}{"a":1}\n', messages: [{ data: '{"a":1}' }] },
  { name: 'text outside ASCII', text: '"Grüße 🌍 世界"\n', messages: [{ data: '"Grüße 🌍 世界"' }] },
  { name: 'a missing final newline', text: '{"a":1}\n{"a":2}', messages: [{ data: '{"a":1}' }, { data: '{"a":2}' }] },
  {
    name: 'blanks before a line, as some servers send to keep the connection',
    text: '  {"a":1}\n ',
    messages: [{ data: '  {"a":1}' }],
  },
  { name: 'nothing', text: '', messages: [] },
];

describe('ndjsonDecoder', () => {
  for (const { name, text, messages } of NDJSON_CASES) {
    test(`reads ${name}, wherever the bytes are cut`, () => {
      assert.deepEqual(decodeWhole(ndjsonDecoder(), text), messages);
      cutAtEveryPosition(encoder.encode(text), (chunks) => {
        assert.deepEqual(decodeChunks(ndjsonDecoder(), chunks), messages);
      });
    });
  }

  test('delivers a line as soon as its newline is there', () => {
    const decoder = ndjsonDecoder();
    assert.deepEqual(decoder.decode(encoder.encode('{"a"')), []);
    assert.deepEqual(decoder.decode(encoder.encode(':1}\n{')), [{ data: '{"a":1}' }]);
  });

  test('refuses an unfinished line over the limit', () => {
    assertRefusesEndlessFrame(ndjsonDecoder(), '{"a":"', 'a');
  });

  test('gives the same lines for any JSON, line ends and cuts', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.object().map((value) => JSON.stringify(value)),
          { maxLength: 5 },
        ),
        fc.constantFrom('\n', '\r\n', '\r'),
        fc.array(fc.nat(600)),
        (lines, end, cuts) => {
          const bytes = encoder.encode(lines.map((line) => line + end).join(''));
          assert.deepEqual(
            decodeChunks(ndjsonDecoder(), cutAt(bytes, cuts)),
            lines.map((data) => ({ data })),
          );
        },
      ),
    );
  });
});

test('decoderFor picks the decoder of the framing', () => {
  assert.deepEqual(decodeWhole(decoderFor('sse'), 'data: 1\n\n'), [{ data: '1' }]);
  assert.deepEqual(decodeWhole(decoderFor('ndjson'), '1\n'), [{ data: '1' }]);
});

function cutAt(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const positions = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
  return positions.slice(1).map((end, i) => bytes.subarray(positions[i], end));
}

/** Feeds quarter-megabyte chunks; the limit must be kept exactly to the chunk that passes it. */
function assertRefusesEndlessFrame(decoder: FrameDecoder, start: string, repeated: string): void {
  decoder.decode(encoder.encode(start));
  const chunk = encoder.encode(repeated.repeat(Math.floor(262_144 / repeated.length)));
  const chunksMax = Math.floor(FRAME_LENGTH_MAX / chunk.length) - 1;
  for (let i = 0; i < chunksMax; i += 1) assert.deepEqual(decoder.decode(chunk), []);
  assert.throws(
    () => {
      for (let i = 0; i < 10; i += 1) decoder.decode(chunk);
    },
    (error) => error instanceof GatewayError && error.code === 'upstream_garbage',
  );
}
