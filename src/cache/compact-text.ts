// Takes redundant white space out of a text that people wrote, where that changes nothing: no word, no line, no
// indentation, nothing inside code, quotes or tables. In doubt it stays.
//
// A text always becomes the same text, whatever stands around it, so that providers' prompt caches stay warm.

/** Longer texts are data, and would hold up the event loop. */
const LENGTH_MAX = 500_000;
const BLANK_LINES_MAX = 2;
/** A shorter line may be a row of a table that somebody has aligned. */
const PROSE_WORDS_MIN = 6;
/** In these the white space is the content. */
const PREFORMATTED = /<(pre|code|textarea|script|style|xml|svg)\b|<!\[CDATA\[/i;

const FENCE = /^[\s>*+\-\d.)]*(`{3,}|~{3,})/;
const INNER_RUN = /[^\s] {2,}[^\s]/;

export function compactText(text: string): string {
  if (text.length > LENGTH_MAX || !/[ \t]\r?\n|\n[ \t\r]*\n[ \t\r]*\n[ \t\r]*\n| {2}/.test(text)) return text;
  if (PREFORMATTED.test(text)) return text;
  const lines = text.split('\n');
  const isFree = freeLines(lines);
  const kept: string[] = [];
  let blankCount = 0;
  lines.forEach((line, index) => {
    if (!isFree[index]) {
      blankCount = 0;
      kept.push(line);
      return;
    }
    blankCount = isBlankLine(line) && index < lines.length - 1 ? blankCount + 1 : 0;
    if (blankCount > BLANK_LINES_MAX) return;
    kept.push(compactLine(line, lines, index));
  });
  return kept.join('\n');
}

/** Which lines are neither code nor inside a quotation that began on an earlier line. */
function freeLines(lines: readonly string[]): boolean[] {
  let fence: string | undefined;
  let isQuoted = false;
  return lines.map((line, index) => {
    const mark = FENCE.exec(line)?.[1];
    if (fence !== undefined) {
      if (mark?.startsWith(fence) && line.trimEnd().endsWith(mark)) fence = undefined;
      return false;
    }
    if (mark !== undefined) {
      fence = mark;
      return false;
    }
    const wasQuoted = isQuoted;
    if (isQuotationOpen(line)) isQuoted = !isQuoted;
    if (wasQuoted || isQuoted) return false;
    if (isBlankLine(line)) return !isIndented(neighbour(lines, index, -1)) && !isIndented(neighbour(lines, index, 1));
    return !isIndented(line);
  });
}

/** A quotation begins on this line and does not end on it, or the other way round. */
function isQuotationOpen(line: string): boolean {
  const count = (pattern: RegExp): number => line.match(pattern)?.length ?? 0;
  const plain = count(/"/g) + count(/'''/g) + count(/(?<!`)`(?!`)/g);
  return plain % 2 === 1 || count(/[“„«]/g) !== count(/[”»]/g);
}

function isIndented(line: string): boolean {
  return /^[ \t]+\S/.test(line);
}

function isBlankLine(line: string): boolean {
  return line.trim() === '';
}

/** The next line that says something. */
function neighbour(lines: readonly string[], index: number, step: 1 | -1): string {
  let at = index + step;
  while (at >= 0 && at < lines.length && isBlankLine(lines[at] ?? '')) at += step;
  return lines[at] ?? '';
}

function compactLine(line: string, lines: readonly string[], index: number): string {
  const ending = line.endsWith('\r') ? '\r' : '';
  const body = ending === '' ? line : line.slice(0, -1);
  const trimmed = withoutEnd(body);
  // Two spaces at a line's end are a line break in Markdown, when a line of text follows.
  const isBreak = trimmed !== '' && body.endsWith('  ') && isFollowed(lines, index);
  // The text's end may be glued to another text.
  const end = index === lines.length - 1 ? body.slice(trimmed.length) : isBreak ? '  ' : '';
  return `${compactProse(trimmed, lines, index)}${end}${ending}`;
}

/** By a line that says something, or by whatever this text may be glued to. */
function isFollowed(lines: readonly string[], index: number): boolean {
  return index + 1 === lines.length - 1 || !isBlankLine(lines[index + 1] ?? '');
}

/** By hand: a pattern would look at every run of spaces from each of its spaces. */
function withoutEnd(line: string): string {
  let end = line.length;
  while (end > 0 && (line[end - 1] === ' ' || line[end - 1] === '\t')) end -= 1;
  return line.slice(0, end);
}

/** Several spaces between words of a sentence become one. */
function compactProse(line: string, lines: readonly string[], index: number): string {
  if (!INNER_RUN.test(line) || /["'`|\t“”„«»<>=]/.test(line.replace(/(?<=\p{L})'(?=\p{L})/gu, ''))) return line;
  if (line.split(/\s+/).length < PROSE_WORDS_MIN) return line;
  // Columns that somebody has aligned stand in several lines.
  const isColumn = [lines[index - 1], lines[index + 1]].some((other) => other !== undefined && INNER_RUN.test(other));
  if (isColumn) return line;
  return line.replace(/(?<=[\p{L}\p{N}.,;:!?)]) {2,}(?=[\p{L}\p{N}(])/gu, ' ');
}
