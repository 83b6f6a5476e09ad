// Markdown: sections by headings, code and tables kept whole. Text stays as it is written, as models read Markdown well.

import { Lexer, type MarkedToken, type Token } from 'marked';
import { BlockList } from './block-list.ts';
import { decodeText } from './decode.ts';
import type { Extracted, Format } from './extracted.ts';
import { htmlBlocks } from './html-blocks.ts';

export const markdown: Format = {
  mimeTypes: ['text/markdown', 'text/x-markdown'],
  extensions: ['md', 'markdown', 'mdown', 'mkd', 'mdx', 'qmd', 'rmd'],
  extract: ({ bytes }) => markdownText(decodeText(bytes)),
};

const TITLE_LINE = /^title:\s*(.+)$/m;

function markdownText(text: string): Extracted {
  const list = new BlockList();
  const { head, body } = splitFrontMatter(text);
  // The title is searched as such: as text it would be a passage that answers nothing.
  list.lines(head.replace(TITLE_LINE, ''));
  // Blocks only: what is inside a paragraph stays as it is written.
  for (const token of new Lexer().blockTokens(body.replace(/\r\n?/g, '\n'), [])) add(token, list);
  const heading = list.blocks.find((block) => block.kind === 'heading');
  const title = TITLE_LINE.exec(head)?.[1]?.replace(/^(["'])(.*)\1\s*$/, '$2') ?? heading?.text;
  return { mimeType: markdown.mimeTypes[0], blocks: list.blocks, ...(title !== undefined && { title }) };
}

function add(generic: Token, list: BlockList): void {
  const token = generic as MarkedToken;
  switch (token.type) {
    case 'heading':
      list.heading(token.depth, withoutMarkup(token.text));
      break;
    case 'code':
    case 'table':
      list.lines(token.raw);
      break;
    case 'list':
      list.lines(unwrappedItems(token.raw));
      break;
    case 'html':
      list.append(htmlBlocks(token.text).blocks);
      break;
    case 'space':
    case 'hr':
    case 'def':
      break;
    default:
      // Lines are wrapped by the writer's editor, not by meaning.
      list.prose(token.raw.replace(/(?<! {2}|\\)\n(?=\S)(?!\s*>)/g, ' '));
  }
}

/** One line an item; code inside an item keeps its lines. */
function unwrappedItems(raw: string): string {
  return raw.includes('```') ? raw : raw.replace(/\n[ \t]+(?![-*+] |\d{1,9}[.)] |[>|#])(?=\S)/g, ' ');
}

/** Settings of a site generator before the text. */
function splitFrontMatter(text: string): { readonly head: string; readonly body: string } {
  const match = /^\ufeff?---[ \t]*\r?\n([\s\S]{0,20000}?)\r?\n(?:---|\.\.\.)[ \t]*(?:\r?\n|$)/.exec(text);
  return match ? { head: match[1] ?? '', body: text.slice(match[0].length) } : { head: '', body: text };
}

function withoutMarkup(heading: string): string {
  return heading
    .replace(/!?\[([^[\]]*)\]\([^()]*\)/g, '$1')
    .replace(/[*`]+|(?<![\p{L}\p{N}])_+|_+(?![\p{L}\p{N}])/gu, '')
    .replace(/\s*\{#[\w-]+\}\s*$/, '');
}
