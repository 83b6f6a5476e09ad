// PDF: text in reading order with its page. Paragraphs and headings are told by gaps and sizes, as nothing else says.

import { BlockList, oneLine } from './block-list.ts';
import { FORMAT_LIMITS, type Format, UnreadableFile } from './extracted.ts';
import { type PageLine, pageLines, type TextItem } from './pdf-lines.ts';

/** A heading is at least so much larger than the text. */
const HEADING_RATIO = 1.15;
const HEADING_LENGTH_MAX = 150;
/** Between lines of a paragraph there is less, in heights of a line. */
const PARAGRAPH_GAP = 1.6;

export const pdf: Format = {
  mimeTypes: ['application/pdf'],
  extensions: ['pdf'],
  async extract({ bytes }) {
    const { title, pages } = await readPages(bytes);
    const bodySize = commonestSize(pages.flat());
    const levels = headingLevels(pages.flat(), bodySize);
    const list = new BlockList();
    for (const [index, lines] of pages.entries()) {
      list.page = index + 1;
      addPage(lines, levels, list);
    }
    return { mimeType: pdf.mimeTypes[0], blocks: list.blocks, ...(title !== '' && { title }) };
  },
};

async function readPages(bytes: Uint8Array): Promise<{ readonly title: string; readonly pages: PageLine[][] }> {
  const { getDocumentProxy } = await import('unpdf');
  // The library takes the bytes over; what was given stays whole.
  const document = await getDocumentProxy(new Uint8Array(bytes), {
    stopAtErrors: false,
    verbosity: 0,
  }).catch((error: Error) => {
    const reason = error.name === 'PasswordException' ? 'needs a password' : `is a damaged PDF: ${error.message}`;
    throw new UnreadableFile(reason, { cause: error });
  });
  try {
    if (document.numPages > FORMAT_LIMITS.pagesMax) throw new UnreadableFile('has too many pages');
    const pages: PageLine[][] = [];
    for (let number = 1; number <= document.numPages; number += 1) {
      const page = await document.getPage(number);
      const { items } = await page.getTextContent();
      pages.push(pageLines(items.filter((item): item is TextItem & typeof item => 'str' in item)));
      page.cleanup();
    }
    const { info } = await document.getMetadata();
    return { title: titleOf(info), pages };
  } finally {
    await document.loadingTask.destroy();
  }
}

/** Programs write the name of their file there when the author wrote nothing. */
function titleOf(info: object): string {
  const title = 'Title' in info && typeof info.Title === 'string' ? oneLine(info.Title) : '';
  return /^(untitled|microsoft word - .*|.*\.(docx?|pdf|indd|tex|qxd))$/i.test(title) ? '' : title;
}

function addPage(lines: readonly PageLine[], levels: ReadonlyMap<number, number>, list: BlockList): void {
  let paragraph: PageLine[] = [];
  const flush = (): void => {
    const [first] = paragraph;
    const text = joinLines(paragraph);
    const level = first && levels.get(first.size);
    if (level !== undefined && text.length <= HEADING_LENGTH_MAX) list.heading(level, text);
    else list.prose(text);
    paragraph = [];
  };
  for (const line of lines) {
    const last = paragraph.at(-1);
    if (last && (last.size !== line.size || !isNext(last, line))) flush();
    paragraph.push(line);
  }
  flush();
}

/** Does the line follow the other one as the next of its paragraph? */
function isNext(line: PageLine, next: PageLine): boolean {
  const gap = line.y - next.y;
  return gap >= 0 ? gap <= line.size * PARAGRAPH_GAP : Math.abs(gap) > line.size * PARAGRAPH_GAP;
}

/** Words divided at the end of a line are put together again. */
function joinLines(lines: readonly PageLine[]): string {
  return lines.reduce((text, { text: next }) => {
    if (text === '') return next;
    const isDivided = /\p{Ll}[-\u2010]$/u.test(text) && /^\p{Ll}/u.test(next);
    return isDivided ? text.slice(0, -1) + next : `${text} ${next}`;
  }, '');
}

function commonestSize(lines: readonly PageLine[]): number {
  const lengths = new Map<number, number>();
  for (const { size, text } of lines) lengths.set(size, (lengths.get(size) ?? 0) + text.length);
  return [...lengths].reduce((most, entry) => (entry[1] > most[1] ? entry : most), [0, 0])[0];
}

/** The largest size is level 1; at most six levels. */
function headingLevels(lines: readonly PageLine[], bodySize: number): ReadonlyMap<number, number> {
  const sizes = [...new Set(lines.map(({ size }) => size))].filter((size) => size >= bodySize * HEADING_RATIO);
  sizes.sort((a, b) => b - a);
  return new Map(sizes.map((size, index) => [size, Math.min(index + 1, 6)]));
}
