// Electronic books: the chapters of an EPUB in the order of its spine, each read as HTML.

import { posix } from 'node:path';
import { Parser } from 'htmlparser2';
import { BlockList, oneLine } from './block-list.ts';
import { decodeText } from './decode.ts';
import { type Format, UnreadableFile } from './extracted.ts';
import { htmlBlocks } from './html-blocks.ts';
import { unzip } from './zip.ts';

export const epub: Format = {
  mimeTypes: ['application/epub+zip'],
  extensions: ['epub'],
  extract({ bytes }) {
    const parts = unzip(bytes, (name) => /\.(xml|opf|x?html?)$/i.test(name));
    const book = packageOf(parts);
    const list = new BlockList();
    for (const path of book.chapters) {
      const chapter = parts.get(path);
      if (!chapter) continue;
      list.break();
      list.append(htmlBlocks(decodeText(chapter)).blocks);
    }
    const title = oneLine(book.title);
    return { mimeType: epub.mimeTypes[0], blocks: list.blocks, ...(title !== '' && { title }) };
  },
};

interface BookPackage {
  readonly title: string;
  /** Paths inside the archive. */
  readonly chapters: readonly string[];
}

function packageOf(parts: ReadonlyMap<string, Uint8Array>): BookPackage {
  const container = elementsOf(parts.get('META-INF/container.xml'));
  const path = container.find(({ name }) => name === 'rootfile')?.attributes['full-path'];
  const document = path === undefined ? undefined : parts.get(path);
  if (path === undefined || !document) throw new UnreadableFile('is an EPUB without a table of its parts');
  const elements = elementsOf(document);
  const directory = posix.dirname(path);
  const places = new Map(
    elements
      .filter(({ name }) => name === 'item')
      .map(({ attributes: { id = '', href = '' } }) => [id, posix.join(directory, decoded(href))]),
  );
  const chapters = elements
    .filter(({ name, attributes }) => name === 'itemref' && attributes.linear !== 'no')
    .flatMap(({ attributes }) => places.get(attributes.idref ?? '') ?? []);
  return { title: elements.find(({ name }) => name === 'dc:title')?.text ?? '', chapters: [...new Set(chapters)] };
}

interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  text: string;
}

/** All of them in order, without their nesting. The prefix of OPF's own names is left out. */
function elementsOf(bytes: Uint8Array | undefined): XmlElement[] {
  const elements: XmlElement[] = [];
  if (!bytes) return elements;
  const parser = new Parser(
    {
      onopentag: (name, attributes) => elements.push({ name: name.replace(/^opf:/, ''), attributes, text: '' }),
      ontext: (text) => {
        const last = elements.at(-1);
        if (last) last.text += text;
      },
    },
    { xmlMode: true },
  );
  parser.end(decodeText(bytes));
  return elements;
}

function decoded(href: string): string {
  try {
    return decodeURIComponent(href);
  } catch {
    // Written as it is, with a stray percent sign.
    return href;
  }
}
