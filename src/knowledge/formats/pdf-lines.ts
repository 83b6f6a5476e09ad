// The pieces of text that a PDF page is made of → its lines.

/** As the PDF library gives it. */
export interface TextItem {
  readonly str: string;
  /** Of the text's matrix: its height is in the third and fourth number, its place in the last two. */
  readonly transform: readonly number[];
  readonly width: number;
  readonly hasEOL: boolean;
}

export interface PageLine {
  readonly text: string;
  /** Of its letters, rounded to half a point. */
  readonly size: number;
  /** From the bottom of the page. */
  readonly y: number;
}

export function pageLines(items: readonly TextItem[]): PageLine[] {
  const lines: PageLine[] = [];
  let pieces: string[] = [];
  let size = 0;
  let y = 0;
  const flush = (): void => {
    const text = pieces.join('').replace(/\s+/g, ' ').trim();
    if (text !== '') lines.push({ text, size, y });
    pieces = [];
    size = 0;
  };
  for (const { str, transform, hasEOL } of items) {
    if (str !== '') {
      const [, , skew = 0, height = 0, , bottom = 0] = transform;
      if (pieces.length === 0) y = bottom;
      // The first letters of a line may be larger ones; a footnote's sign is smaller.
      size = Math.max(size, str.trim() === '' ? 0 : Math.round(Math.hypot(skew, height) * 2) / 2);
      pieces.push(str);
    }
    if (hasEOL) flush();
  }
  flush();
  return lines;
}
