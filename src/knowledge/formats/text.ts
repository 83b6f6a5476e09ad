// Plain text and source code. Paragraphs are told by blank lines, headings by how people write them.

import { BlockList } from './block-list.ts';
import { decodeText } from './decode.ts';
import type { Extracted, Format } from './extracted.ts';

const CODE_EXTENSIONS: ReadonlySet<string> = new Set([
  ...['ts', 'tsx', 'js', 'jsx', 'mjs', 'cjs', 'mts', 'cts', 'py', 'rb', 'go', 'rs', 'java', 'kt', 'kts', 'scala', 'c'],
  ...['h', 'cc', 'cpp', 'cxx', 'hpp', 'hh', 'cs', 'fs', 'swift', 'm', 'mm', 'php', 'pl', 'pm', 'lua', 'r', 'jl', 'sh'],
  ...['bash', 'zsh', 'fish', 'ps1', 'sql', 'css', 'scss', 'less', 'vue', 'svelte', 'yaml', 'yml', 'toml', 'ini', 'cfg'],
  ...['conf', 'xml', 'xsd', 'proto', 'graphql', 'gradle', 'cmake', 'dockerfile', 'tf', 'hs', 'ml', 'ex', 'exs', 'erl'],
  ...['clj', 'el', 'lisp', 'scm', 'vim', 'asm', 's', 'zig', 'nim', 'dart', 'log', 'env', 'properties', 'tex', 'bib'],
]);

export const text: Format = {
  mimeTypes: ['text/plain'],
  extensions: ['txt', 'text', 'rst', 'adoc', 'asciidoc', 'org', 'srt', 'vtt', ...CODE_EXTENSIONS],
  extract({ name, bytes }) {
    const written = decodeText(bytes);
    const extension = /\.(\w+)$/.exec(name)?.[1]?.toLowerCase() ?? '';
    return CODE_EXTENSIONS.has(extension) ? codeText(written) : plainText(written);
  },
};

/** Blank lines part what belongs together. */
function codeText(written: string): Extracted {
  const list = new BlockList();
  for (const part of paragraphsOf(written)) list.lines(part.join('\n'));
  return { mimeType: text.mimeTypes[0], blocks: list.blocks };
}

function plainText(written: string): Extracted {
  const list = new BlockList();
  for (const lines of paragraphsOf(written)) addParagraph(lines, list);
  const [first] = list.blocks;
  return {
    mimeType: text.mimeTypes[0],
    blocks: list.blocks,
    ...(first?.kind === 'heading' && { title: first.text }),
  };
}

function addParagraph(lines: readonly string[], list: BlockList): void {
  const [first = '', second] = lines;
  if (second !== undefined && isUnderline(second) && first.trim().length <= HEADING_LENGTH_MAX) {
    list.heading(second.trim().startsWith('=') ? 1 : 2, first);
    if (lines.length > 2) addParagraph(lines.slice(2), list);
    return;
  }
  const level = lines.length === 1 ? headingLevel(first.trim()) : undefined;
  if (level !== undefined) list.heading(level, first);
  else if (isWrapped(lines)) list.prose(lines.map((line) => line.trim()).join(' '));
  else list.lines(lines.join('\n'));
}

const HEADING_LENGTH_MAX = 100;

function isUnderline(line: string): boolean {
  return /^\s*(={3,}|-{3,}|~{3,})\s*$/.test(line);
}

/** A line of its own that reads like a heading: `2.1 Results`, `CHAPTER ONE`, `Chapter 3: The sea`. */
function headingLevel(line: string): number | undefined {
  if (line.length > HEADING_LENGTH_MAX || /[.,;!?]$/.test(line) || !/\p{L}/u.test(line)) return undefined;
  const numbered = /^(\d{1,3}(?:\.\d{1,3}){0,4})[.)]?\s+\p{Lu}/u.exec(line)?.[1];
  if (numbered !== undefined) return numbered.split('.').length;
  if (/^(chapter|part|section|appendix|kapitel|teil|abschnitt|chapitre|capítulo)\s+[\p{L}\d]+\b/iu.test(line)) return 1;
  const isShouted = line === line.toUpperCase() && line !== line.toLowerCase() && line.length >= 4;
  return isShouted ? 1 : undefined;
}

/** Lines that an editor has broken: all but the last are long, and none is indented or an item. */
function isWrapped(lines: readonly string[]): boolean {
  if (lines.length === 1) return true;
  return lines.every((line, index) => {
    const isLong = index === lines.length - 1 || line.length >= 40;
    return isLong && (index === 0 || !/^\s*(?:[-*+•]|\d{1,3}[.)])\s|^\s{4,}|^\t/.test(line));
  });
}

function paragraphsOf(written: string): string[][] {
  const paragraphs: string[][] = [];
  let lines: string[] = [];
  for (const line of written.split(/\r\n|[\n\r\f]/)) {
    if (line.trim() !== '') {
      lines.push(line.trimEnd());
    } else if (lines.length > 0) {
      paragraphs.push(lines);
      lines = [];
    }
  }
  if (lines.length > 0) paragraphs.push(lines);
  return paragraphs;
}
