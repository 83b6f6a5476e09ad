// Files that want to do harm, or have come to harm: each ends in a sentence, never in another error.

import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { strToU8, zipSync } from 'fflate';
import { UnreadableFile } from '../../../src/knowledge/formats/extracted.ts';
import { extract } from '../../../src/knowledge/formats/formats.ts';
import { DocumentReader } from '../../../src/knowledge/ingest/reader.ts';
import { docxFile, docxParagraph, epubFile, pdfFile } from '../../support/documents.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { fc } from '../../support/property.ts';
import { blocksOf } from './support.ts';

const WHOLE: Readonly<Record<string, Uint8Array>> = {
  'a.md': strToU8('---\ntitle: x\n---\n# A\n\ntext `code`\n\n```\nx\n```\n\n| a |\n|---|\n| 1 |\n\n<div>z'),
  'a.html': strToU8('<html><head><title>t</title><body><table><tr><th>a<th>b<tr><td>1<td>2</table><ul><li>x<pre>y'),
  'a.txt': strToU8('Title\n=====\n\n1. One\n\ntext text'),
  'a.csv': strToU8('a,b\n1,"two\nlines"\n'),
  'a.json': strToU8('[{"name":"x","b":[1,{"c":null}]}]'),
  'a.jsonl': strToU8('{"a":1}\n{"b":"x"}\n'),
  'a.pdf': pdfFile([[{ text: 'One', size: 20 }, { text: 'two' }], [{ text: 'three' }]], 'T'),
  'a.docx': docxFile(docxParagraph('One', 'Heading1') + docxParagraph('two'), 'T'),
  'a.epub': epubFile('T', ['<h1>One</h1><p>two</p>']),
};

/** Files are parsed where a node parses them: some parsers leave errors behind that nobody awaits. */
const reader = new DocumentReader(new ManualClock());
after(() => reader.close());

/** Either it can be read, or it is said why not. */
async function isHandled(name: string, bytes: Uint8Array): Promise<void> {
  try {
    await reader.prepareBytes(bytes, name);
  } catch (error) {
    assert.ok(error instanceof UnreadableFile, `${name}: ${error}`);
  }
}

for (const [name, whole] of Object.entries(WHOLE)) {
  describe(`a damaged ${name}`, () => {
    test('cut anywhere', async () => {
      await fc.assert(
        fc.asyncProperty(fc.nat(whole.length), (length) => isHandled(name, whole.slice(0, length))),
        { numRuns: 40 },
      );
    });

    test('with other bytes in it', async () => {
      const places = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 12 });
      await fc.assert(
        fc.asyncProperty(places, (changes) => {
          const bytes = whole.slice();
          for (const [place, byte] of changes) bytes[place] = byte;
          return isHandled(name, bytes);
        }),
        { numRuns: 60 },
      );
    });

    test('of random bytes after its beginning', async () => {
      const bytes = fc.uint8Array({ maxLength: 500 });
      await fc.assert(
        fc.asyncProperty(bytes, (rest) => isHandled(name, new Uint8Array([...whole.slice(0, 8), ...rest]))),
        { numRuns: 40 },
      );
    });
  });
}

describe('a file that wants to do harm', () => {
  test('a bomb is refused before it is unpacked', async () => {
    const bomb = zipSync({ 'word/document.xml': new Uint8Array(64 * 1024 ** 2) }, { level: 9 });
    await assert.rejects(blocksOf('a.docx', bomb), new UnreadableFile('unpacks to far too much'));
  });

  test('an archive of endless entries is refused', async () => {
    const entries = Object.fromEntries(
      Array.from({ length: 20_001 }, (_, index) => [`${index}.xml`, new Uint8Array(0)]),
    );
    await assert.rejects(blocksOf('a.docx', zipSync(entries, { level: 0 })), /too many entries/);
  });

  test('JSON nested without end is refused', async () => {
    const deep = `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`;
    await assert.rejects(blocksOf('a.json', deep), /nested too deeply/);
  });

  test('HTML nested without end is read', async () => {
    assert.deepEqual(await blocksOf('a.html', `${'<div>'.repeat(50_000)}text`), ['prose: text']);
  });

  test('Markdown nested without end ends in a sentence or a text', async () => {
    await isHandled('a.md', strToU8(`${'> '.repeat(5_000)}x`));
    await isHandled('a.md', strToU8(`${'- '.repeat(5_000)}x`));
  });

  test('entities that multiply are not expanded', async () => {
    const document =
      '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>&b;</w:t></w:r></w:p></w:body></w:document>';
    const bytes = zipSync({ 'word/document.xml': strToU8(document) });
    await isHandled('a.docx', bytes);
  });

  test('a book that points out of its archive finds nothing there', async () => {
    const bytes = zipSync({
      'META-INF/container.xml': strToU8('<container><rootfile full-path="a.opf"/></container>'),
      'a.opf': strToU8('<package><item id="x" href="../../etc/passwd"/><itemref idref="x"/></package>'),
    });
    await assert.rejects(blocksOf('a.epub', bytes), new UnreadableFile('has no text'));
  });

  test('what is neither text nor a known format is refused, whatever it calls itself', async () => {
    const bytes = Uint8Array.from({ length: 2_000 }, (_, index) => (index * 97) % 256);
    for (const name of ['a.bin', 'a.txt', 'a.md', 'a']) {
      await assert.rejects(blocksOf(name, bytes), new UnreadableFile('is neither text nor a format that can be read'));
    }
    await assert.rejects(blocksOf('a.zip', zipSync({ x: strToU8('y') })), /neither a Word document nor a book/);
  });

  test('an empty file has no text', async () => {
    await assert.rejects(extract({ name: 'a.txt', bytes: new Uint8Array(0) }), new UnreadableFile('has no text'));
  });
});
