import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { UnreadableFile } from '../../../src/knowledge/formats/extracted.ts';
import { contentHashOf } from '../../../src/knowledge/ingest/content-hash.ts';
import { DocumentReader, type ReaderLimits } from '../../../src/knowledge/ingest/reader.ts';
import { pdfFile } from '../../support/documents.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const LIMITS: ReaderLimits = { fileMs: 60_000, idleMs: 5_000, memoryMb: 256, queueMax: 2 };
/** Bytes of a PDF, by their places, that make pdf.js read its table of objects twice and forget the first time. */
const FORGETTING = [
  [437, 199],
  [487, 190],
  [203, 48],
  [222, 81],
] as const;
const MEBIBYTE = 1024 ** 2;
const directory = mkdtempSync(join(tmpdir(), 'flowmesh-reader-'));

after(() => rmSync(directory, { recursive: true, force: true }));

function fileOf(name: string, content: string): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

async function using<Result>(
  limits: Partial<ReaderLimits>,
  work: (reader: DocumentReader, clock: ManualClock) => Promise<Result>,
): Promise<Result> {
  const clock = new ManualClock();
  const reader = new DocumentReader(clock, { ...LIMITS, ...limits });
  try {
    return await work(reader, clock);
  } finally {
    await reader.close();
  }
}

describe('the reader', () => {
  test('hashes and prepares files and bytes alike', async () => {
    const text = '# Pump\n\nIt is oiled.\n';
    const path = fileOf('pump.md', text);
    await using({}, async (reader) => {
      const expected = {
        title: 'Pump',
        mimeType: 'text/markdown',
        contentHash: contentHashOf(bytesOf(text)),
        passages: [{ text: 'It is oiled.', headings: ['Pump'], start: 6, end: 18 }],
      };
      assert.equal(await reader.hash(path, MEBIBYTE), expected.contentHash);
      assert.deepEqual(await reader.preparePath(path, MEBIBYTE), expected);
      assert.deepEqual(await reader.prepareBytes(bytesOf(text), 'upload', 'text/markdown'), expected);
    });
  });

  for (const [what, path, reason] of [
    ['is missing', join(directory, 'none.md'), 'does not exist'],
    ['is a folder', directory, 'is no regular file'],
    ['is too large', fileOf('large.md', 'x'.repeat(2_000)), 'is larger than 1000 bytes (knowledge.fileBytesMax)'],
  ] as const) {
    test(`says that a file ${what}`, async () => {
      await using({}, (reader) => assert.rejects(reader.hash(path, 1_000), new UnreadableFile(reason)));
    });
  }

  test('gives up a file that takes too long, and reads the next one', async () => {
    await using({}, async (reader, clock) => {
      const slow = reader.prepareBytes(bytesOf('slow'), 'slow.txt');
      const next = reader.prepareBytes(bytesOf('next'), 'next.txt');
      clock.advance(LIMITS.fileMs);
      await assert.rejects(slow, new UnreadableFile('takes too long to read'));
      assert.equal((await next).passages[0]?.text, 'next');
    });
  });

  test('gives up a file that needs too much memory, and reads the next one', async () => {
    await using({ memoryMb: 24 }, async (reader) => {
      const hungry = JSON.stringify(Array.from({ length: 400_000 }, (_, index) => ({ a: [index, { b: `${index}` }] })));
      await assert.rejects(reader.prepareBytes(bytesOf(hungry), 'a.json'), /needs too much memory/);
      assert.equal((await reader.prepareBytes(bytesOf('next'), 'next.txt')).passages[0]?.text, 'next');
    });
  });

  test('a file whose parser forgets a failed promise is told by what was awaited, and the next one is read', async () => {
    const forgotten = pdfFile([[{ text: 'One', size: 20 }, { text: 'two' }], [{ text: 'three' }]], 'T');
    for (const [place, byte] of FORGETTING) forgotten[place] = byte;
    await using({}, async (reader) => {
      const damaged = assert.rejects(
        reader.prepareBytes(forgotten, 'a.pdf'),
        new UnreadableFile('has no text; it may be a scan'),
      );
      assert.equal((await reader.prepareBytes(bytesOf('next'), 'next.txt')).passages[0]?.text, 'next');
      await damaged;
    });
  });

  test('refuses more than it has room for', async () => {
    await using({}, async (reader) => {
      const kept = ['one', 'two', 'three'].map((text) => reader.prepareBytes(bytesOf(text), 'a.txt'));
      await assert.rejects(reader.prepareBytes(bytesOf('four'), 'a.txt'), { code: 'overloaded' });
      assert.equal((await Promise.all(kept)).length, 3);
    });
  });

  test('ends its thread when idle, and starts another one when there is something to read', async () => {
    await using({}, async (reader, clock) => {
      await reader.prepareBytes(bytesOf('one'), 'a.txt');
      assert.equal(clock.timerCount, 1);
      clock.advance(LIMITS.idleMs);
      assert.equal(clock.timerCount, 0);
      assert.equal((await reader.prepareBytes(bytesOf('two'), 'a.txt')).passages[0]?.text, 'two');
    });
  });

  test('refuses what waits when it is closed', async () => {
    const reader = new DocumentReader(new ManualClock(), LIMITS);
    const refused = assert.rejects(reader.prepareBytes(bytesOf('one'), 'a.txt'), { code: 'unavailable' });
    await reader.close();
    await refused;
    await assert.rejects(reader.prepareBytes(bytesOf('two'), 'a.txt'), { code: 'unavailable' });
  });
});
