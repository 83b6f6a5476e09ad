// What every format turns a file into: its text in blocks, in reading order. The passage splitter knows nothing else.

export type Block =
  /** Opens a section; level 1 is the outermost. */
  | { readonly kind: 'heading'; readonly level: number; readonly text: string; readonly page?: number }
  /** Sentences; may be cut between them. */
  | { readonly kind: 'prose'; readonly text: string; readonly page?: number }
  /** Code, tables, records: kept whole where possible, else cut between lines. */
  | { readonly kind: 'lines'; readonly text: string; readonly page?: number }
  /** Opens a section that has no heading: the next record, the next chapter. */
  | { readonly kind: 'break' };

export interface Extracted {
  /** As the document itself says it. */
  readonly title?: string;
  readonly mimeType: string;
  readonly blocks: readonly Block[];
}

export interface SourceFile {
  /** With its extension, which may decide the format; no more than a name. */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** As a client declared it. */
  readonly mimeType?: string | undefined;
}

export interface Format {
  /** The first one is what its documents are stored with. */
  readonly mimeTypes: readonly [string, ...string[]];
  /** Lower case, without the dot. */
  readonly extensions: readonly string[];
  extract(file: SourceFile): Extracted | Promise<Extracted>;
}

/** Bounds of what a single file may make of itself. A worker's memory and time limits stand behind them. */
export const FORMAT_LIMITS = {
  /** A shelf of books; beyond it a file is a data set, which belongs into pieces. */
  textLengthMax: 20_000_000,
  blocksMax: 1_000_000,
  zipEntriesMax: 20_000,
  /** Of the entries that are read, together. */
  zipBytesMax: 256 * 1024 ** 2,
  /** Text in a real archive shrinks to a tenth at best; bombs reach a thousandth. Judged from 1 MiB on. */
  zipRatioMax: 200,
  nestingMax: 100,
  pagesMax: 20_000,
  headingLengthMax: 200,
} as const;

/** The file cannot be taken in, and why, in words that follow its name: "has no text". */
export class UnreadableFile extends Error {
  override readonly name = 'UnreadableFile';
}
