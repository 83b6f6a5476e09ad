// How far an import is: a bar that redraws itself in a terminal, plain lines of what changed elsewhere.

import type { FileReport } from '../knowledge/ingest/ingest.ts';
import { counted, harmless, note } from './terminal.ts';

const BAR_WIDTH = 24;
const CLEAR_LINE = '\r\u001b[2K';

export class Progress {
  /** Undefined when nobody can know it before. */
  readonly #total: number | undefined;
  readonly #stream: NodeJS.WriteStream;
  #done = 0;
  #passages = 0;

  constructor(total: number | undefined, stream: NodeJS.WriteStream = process.stderr) {
    this.#total = total;
    this.#stream = stream;
  }

  add(report: FileReport): void {
    this.#done += 1;
    if (report.outcome !== 'unreadable') this.#passages += report.passages;
    if (!this.#stream.isTTY) {
      if (report.outcome !== 'unchanged') note(lineOf(report));
      return;
    }
    if (report.outcome === 'unreadable') this.#stream.write(`${CLEAR_LINE}${lineOf(report)}\n`);
    this.#draw(report.source);
  }

  /** Leaves the terminal's line empty. */
  end(): void {
    if (this.#stream.isTTY) this.#stream.write(CLEAR_LINE);
  }

  #bar(): string {
    if (this.#total === undefined) return String(this.#done);
    const filled = Math.round((this.#done / Math.max(this.#total, 1)) * BAR_WIDTH);
    return `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)} ${this.#done}/${this.#total}`;
  }

  #draw(source: string): void {
    const passages = `${this.#passages.toLocaleString('en')} passages  `;
    const text = `${this.#bar()} documents, ${passages}`;
    const room = Math.max(this.#stream.columns - text.length - 1, 0);
    this.#stream.write(`${CLEAR_LINE}${text}${room < 8 ? '' : tail(harmless(source), room)}`);
  }
}

export function lineOf(report: FileReport): string {
  const source = harmless(report.source);
  if (report.outcome === 'unreadable') return `skipped: ${source} ${harmless(report.reason)}`;
  return `${report.outcome}: ${source} (${counted(report.passages, 'passage')})`;
}

/** The end of a path says more than its beginning. */
function tail(text: string, width: number): string {
  return text.length <= width ? text : `…${text.slice(1 - width)}`;
}
