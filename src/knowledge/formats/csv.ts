// Tables as CSV or TSV: one line a row, each value with its column's name.

import { parse } from 'csv-parse/sync';
import { BlockList } from './block-list.ts';
import { decodeText } from './decode.ts';
import { type Format, UnreadableFile } from './extracted.ts';
import { headerOf, rowLine } from './records.ts';

const DELIMITERS = [',', ';', '\t', '|'] as const;
const RECORD_LENGTH_MAX = 1_000_000;
/** So that passages of a long table can be cut without looking at all of it. */
const ROWS_A_BLOCK = 50;

export const csv: Format = {
  mimeTypes: ['text/csv', 'text/tab-separated-values', 'application/csv'],
  extensions: ['csv', 'tsv'],
  extract({ bytes }) {
    const written = decodeText(bytes);
    const rows = rowsOf(written, delimiterOf(written));
    const header = rows.length > 1 ? headerOf(rows[0] ?? []) : undefined;
    const lines = rows
      .slice(header ? 1 : 0)
      .map((row) => rowLine(row, header))
      .filter((line) => line !== '');
    const list = new BlockList();
    for (let start = 0; start < lines.length; start += ROWS_A_BLOCK) {
      list.lines(lines.slice(start, start + ROWS_A_BLOCK).join('\n'));
    }
    return { mimeType: csv.mimeTypes[0], blocks: list.blocks };
  },
};

function rowsOf(written: string, delimiter: string): string[][] {
  try {
    return parse(written, {
      delimiter,
      bom: true,
      relaxColumnCount: true,
      relaxQuotes: true,
      skipEmptyLines: true,
      maxRecordSize: RECORD_LENGTH_MAX,
    });
  } catch (error) {
    throw new UnreadableFile(`is no valid CSV: ${(error as Error).message}`, { cause: error });
  }
}

/** The one that the first lines have most alike. */
function delimiterOf(written: string): string {
  const lines = written.slice(0, 20_000).split(/\r?\n/, 10).filter(Boolean);
  const counts = DELIMITERS.map((delimiter) => Math.min(...lines.map((line) => line.split(delimiter).length - 1)));
  const most = Math.max(...counts);
  return most > 0 ? (DELIMITERS[counts.indexOf(most)] ?? ',') : ',';
}
