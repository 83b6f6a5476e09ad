// Collects blocks while a format is read: cleans their text, drops empty ones, and stops a file that has too many.

import { type Block, FORMAT_LIMITS, UnreadableFile } from './extracted.ts';

export class BlockList {
  readonly blocks: Block[] = [];
  #length = 0;
  #page: number | undefined;

  /** Blocks from now on are on this page. */
  set page(page: number) {
    this.#page = page;
  }

  heading(level: number, text: string): void {
    const line = oneLine(text);
    if (line === '') return;
    this.#add({ kind: 'heading', level: Math.max(level, 1), text: line, ...this.#place() });
  }

  prose(text: string): void {
    const cleaned = cleanText(text).trim();
    if (cleaned !== '') this.#add({ kind: 'prose', text: cleaned, ...this.#place() });
  }

  lines(text: string): void {
    // The first line keeps its indentation.
    const cleaned = cleanText(text)
      .replace(/^(?:[^\S\n]*\n)+/, '')
      .trimEnd();
    if (cleaned !== '') this.#add({ kind: 'lines', text: cleaned, ...this.#place() });
  }

  break(): void {
    const last = this.blocks.at(-1);
    if (last !== undefined && last.kind !== 'break') this.blocks.push({ kind: 'break' });
  }

  append(blocks: readonly Block[]): void {
    for (const block of blocks) {
      if (block.kind === 'break') this.break();
      else this.#add(block);
    }
  }

  #place(): { readonly page?: number } {
    return this.#page === undefined ? {} : { page: this.#page };
  }

  #add(block: Exclude<Block, { kind: 'break' }>): void {
    this.#length += block.text.length;
    if (this.#length > FORMAT_LIMITS.textLengthMax) throw new UnreadableFile(TOO_LONG);
    this.blocks.push(block);
    if (this.blocks.length > FORMAT_LIMITS.blocksMax) throw new UnreadableFile('has more than a million paragraphs');
  }
}

export const TOO_LONG = `has more than ${FORMAT_LIMITS.textLengthMax / 1_000_000} million characters of text; split it`;

/** What storage and search agree on: line feeds, no control characters, no half surrogates, composed letters. */
function cleanText(text: string): string {
  return text
    .replace(/\r\n?|[\u2028\u2029]/g, '\n')
    .replace(/[^\P{Cc}\n\t]|[\u00ad\ufeff\ufffe\uffff]/gu, '')
    .replaceAll('\u00a0', ' ')
    .toWellFormed()
    .normalize('NFC');
}

/** A heading or title: white space is one space, and its length has an end. */
export function oneLine(text: string): string {
  const line = cleanText(text).replace(/\s+/g, ' ').trim();
  return line.length <= FORMAT_LIMITS.headingLengthMax
    ? line
    : `${line
        .slice(0, FORMAT_LIMITS.headingLengthMax - 1)
        .toWellFormed()
        .replace(/\ufffd$/, '')}…`;
}
