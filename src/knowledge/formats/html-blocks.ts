// HTML → blocks, in one pass over its tags: headings, paragraphs, lists, tables, code. Tolerates any soup of tags.

import { Parser } from 'htmlparser2';
import { BlockList, oneLine } from './block-list.ts';
import type { Block } from './extracted.ts';
import { headerOf, rowLine } from './records.ts';

/** Not for readers, or around the text of every page alike. */
const SKIPPED: ReadonlySet<string> = new Set([
  ...['script', 'style', 'nav', 'noscript', 'template', 'svg', 'iframe', 'object', 'canvas', 'audio', 'video'],
  ...['button', 'select', 'textarea', 'dialog', 'menu'],
]);
/** They stand within a line. All other tags end a paragraph, also unknown ones of web components. */
const INLINE: ReadonlySet<string> = new Set([
  ...['a', 'abbr', 'acronym', 'b', 'bdi', 'bdo', 'big', 'cite', 'code', 'data', 'del', 'dfn', 'em', 'font', 'i', 'ins'],
  ...['kbd', 'label', 'mark', 'math', 'meter', 'output', 'picture', 'q', 'rp', 'rt', 'ruby', 's', 'samp', 'small'],
  ...['span', 'strike', 'strong', 'sub', 'sup', 'time', 'tt', 'u', 'var', 'wbr', 'img', 'br'],
]);
const LISTS: ReadonlySet<string> = new Set(['ul', 'ol', 'dl']);
const ITEMS: ReadonlySet<string> = new Set(['li', 'dt', 'dd']);
const HEADING = /^h([1-6])$/;
/** Tags that are never closed; skipping until their end would skip the rest. */
const VOID: ReadonlySet<string> = new Set(['br', 'hr', 'img', 'input', 'link', 'meta', 'wbr', 'col', 'source', 'area']);

export interface HtmlText {
  readonly title?: string;
  readonly blocks: readonly Block[];
}

export function htmlBlocks(html: string): HtmlText {
  const reader = new HtmlReader();
  const parser = new Parser(
    {
      onopentag: (name, attributes) => reader.open(name, attributes),
      ontext: (text) => reader.text(text),
      onclosetag: (name) => reader.close(name),
    },
    { decodeEntities: true, lowerCaseTags: true },
  );
  parser.end(html);
  return reader.end();
}

class HtmlReader {
  readonly #list = new BlockList();
  #pieces: string[] = [];
  /** Open tags within something skipped. */
  #skipDepth = 0;
  #listDepth = 0;
  #items: string[] = [];
  #preDepth = 0;
  #table: TableReader | undefined;
  #title = '';
  #isInTitle = false;

  open(name: string, attributes: Readonly<Record<string, string>>): void {
    if (this.#skipDepth > 0 || SKIPPED.has(name) || isHidden(attributes)) {
      if (!VOID.has(name)) this.#skipDepth += 1;
      return;
    }
    if (name === 'title') this.#isInTitle = true;
    if (name === 'img' && attributes.alt) this.#pieces.push(` ${attributes.alt} `);
    if (name === 'br') this.#pieces.push(this.#preDepth > 0 ? '\n' : LINE_BREAK);
    if (INLINE.has(name)) return;
    if (this.#table) {
      this.#pieces.push(' ');
      this.#table.open(name, this.#pieces);
      return;
    }
    this.#flush();
    if (name === 'table') this.#table = new TableReader();
    else if (name === 'pre') this.#preDepth += 1;
    else if (LISTS.has(name)) this.#listDepth += 1;
  }

  text(text: string): void {
    if (this.#skipDepth > 0) return;
    if (this.#isInTitle) this.#title += text.slice(0, 1_000);
    else this.#pieces.push(text);
  }

  close(name: string): void {
    if (this.#skipDepth > 0) {
      if (!VOID.has(name)) this.#skipDepth -= 1;
      return;
    }
    if (name === 'title') this.#isInTitle = false;
    if (INLINE.has(name)) return;
    if (this.#table) {
      this.#pieces.push(' ');
      if (this.#table.close(name, this.#pieces)) this.#endTable(this.#table);
      return;
    }
    const level = HEADING.exec(name)?.[1];
    if (level !== undefined) this.#heading(Number(level));
    else this.#flush(ITEMS.has(name));
    if (name === 'pre' && this.#preDepth > 0) this.#preDepth -= 1;
    else if (LISTS.has(name) && this.#listDepth > 0) this.#leaveList();
  }

  end(): HtmlText {
    if (this.#table) this.#endTable(this.#table);
    this.#flush();
    this.#flushItems();
    const title = oneLine(this.#title);
    return { blocks: this.#list.blocks, ...(title !== '' && { title }) };
  }

  #heading(level: number): void {
    this.#flushItems();
    this.#list.heading(level, this.#pieces.join('').replaceAll(LINE_BREAK, ' '));
    this.#pieces = [];
  }

  #flush(isItem = false): void {
    const text = this.#pieces.join('');
    this.#pieces = [];
    if (this.#preDepth > 0) {
      this.#flushItems();
      this.#list.lines(text);
      return;
    }
    const paragraph = inlineText(text);
    if (paragraph === '') return;
    if (isItem || this.#listDepth > 0) this.#items.push(`- ${paragraph.replaceAll('\n', ' ')}`);
    else this.#list.prose(paragraph);
  }

  #leaveList(): void {
    this.#listDepth -= 1;
    if (this.#listDepth === 0) this.#flushItems();
  }

  #flushItems(): void {
    this.#list.lines(this.#items.join('\n'));
    this.#items = [];
  }

  #endTable(table: TableReader): void {
    this.#table = undefined;
    table.finish(this.#pieces);
    this.#pieces = [];
    this.#flushItems();
    this.#list.lines(table.lines().join('\n'));
  }
}

/** One table; tables inside it are text of their cell. */
class TableReader {
  #rows: string[][] = [];
  #row: string[] | undefined;
  #depth = 1;

  open(name: string, pieces: string[]): void {
    if (name === 'table') this.#depth += 1;
    if (this.#depth > 1) return;
    if (name === 'tr') this.#endRow(pieces);
    if (name === 'td' || name === 'th') this.#endCell(pieces);
    if (name === 'tr') this.#row = [];
  }

  /** Was this the table's own end? */
  close(name: string, pieces: string[]): boolean {
    if (name === 'table') this.#depth -= 1;
    if (this.#depth > 1) return false;
    if (name === 'td' || name === 'th') {
      this.#row ??= [];
      this.#row.push(takeText(pieces));
    } else if (name === 'tr') {
      this.#endRow(pieces);
    } else if (name === 'caption') {
      this.#rows.push([takeText(pieces)]);
    }
    return this.#depth === 0;
  }

  finish(pieces: string[]): void {
    this.#endRow(pieces);
  }

  lines(): string[] {
    const captions = this.#rows.filter((row) => row.length === 1).length;
    const first = this.#rows.findIndex((row) => row.length > 1);
    const header = captions <= 1 && this.#rows.length > first + 1 ? headerOf(this.#rows[first] ?? []) : undefined;
    return this.#rows
      .filter((_, index) => header === undefined || index !== first)
      .map((row) => rowLine(row, row.length === 1 ? undefined : header))
      .filter((line) => line !== '');
  }

  #endRow(pieces: string[]): void {
    this.#endCell(pieces);
    if (this.#row && this.#row.length > 0) this.#rows.push(this.#row);
    this.#row = undefined;
  }

  /** Text between cells, as browsers would show it before the table. */
  #endCell(pieces: string[]): void {
    const stray = takeText(pieces);
    if (stray !== '') this.#rows.push([stray]);
  }
}

function takeText(pieces: string[]): string {
  return inlineText(pieces.splice(0).join('')).replaceAll('\n', ' ');
}

/** A private-use character that stands for `<br>` until white space has been joined. */
const LINE_BREAK = '\ue000';

function inlineText(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(new RegExp(` ?${LINE_BREAK} ?`, 'g'), '\n')
    .replace(/\n{2,}/g, '\n')
    .trim();
}

function isHidden(attributes: Readonly<Record<string, string>>): boolean {
  return 'hidden' in attributes || attributes['aria-hidden'] === 'true' || attributes.role === 'navigation';
}
