// Horizontal bars as inline SVG: one a model, its value written beside it, so that colour is never the only carrier.

import { escapeHtml } from './html.ts';

export interface Bar {
  readonly label: string;
  /** Which of the report's colours: a model keeps its own in every chart. */
  readonly colour: number;
  /** Undefined: nothing is drawn, and the text says why. */
  readonly value: number | undefined;
  readonly text: string;
  /** A thin line: from where to where the value could be, or how far the slow ones reach. */
  readonly whisker?: { readonly low: number; readonly high: number };
}

export interface BarChart {
  readonly title: string;
  /** What the thin line and the mark mean. */
  readonly note: string;
  readonly bars: readonly Bar[];
  /** The value at the right edge; absent: the largest there is. */
  readonly maximum?: number;
  /** A dashed line across all bars. */
  readonly mark?: number;
}

const ROW_HEIGHT = 34;
const LABEL_WIDTH = 170;
const BAR_WIDTH = 300;
const TEXT_WIDTH = 170;
const LABEL_CHARACTERS_MAX = 24;

export function renderBarChart({ title, note, bars, maximum, mark }: BarChart): string {
  const largest = maximum ?? Math.max(0, ...bars.map(({ value = 0, whisker }) => Math.max(value, whisker?.high ?? 0)));
  const scale = (value: number): number => (largest === 0 ? 0 : (Math.min(value, largest) / largest) * BAR_WIDTH);
  const height = bars.length * ROW_HEIGHT;
  const rows = bars.map((bar, index) => renderBar(bar, index, scale)).join('');
  const line =
    mark === undefined
      ? ''
      : `<line class="mark" x1="${at(scale(mark))}" x2="${at(scale(mark))}" y1="0" y2="${height}"/>`;
  const width = LABEL_WIDTH + BAR_WIDTH + TEXT_WIDTH;
  const name = escapeHtml(`${title}: ${bars.map(({ label, text }) => `${label} ${text}`).join(', ')}`);
  return `<figure><figcaption>${escapeHtml(title)}<small>${escapeHtml(note)}</small></figcaption><svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${name}">${rows}${line}</svg></figure>`;
}

function renderBar(
  { label, colour, value, text, whisker }: Bar,
  index: number,
  scale: (value: number) => number,
): string {
  const top = index * ROW_HEIGHT;
  const middle = top + ROW_HEIGHT / 2;
  const short = label.length > LABEL_CHARACTERS_MAX ? `${label.slice(0, LABEL_CHARACTERS_MAX - 1)}…` : label;
  const width = Number(scale(value ?? 0).toFixed(1));
  const reach =
    whisker === undefined
      ? ''
      : `<line class="whisker" x1="${at(scale(whisker.low))}" x2="${at(scale(whisker.high))}" y1="${middle}" y2="${middle}"/>`;
  return [
    `<text class="label" x="${LABEL_WIDTH - 10}" y="${middle}">${escapeHtml(short)}<title>${escapeHtml(label)}</title></text>`,
    `<rect class="m${colour}" x="${LABEL_WIDTH}" y="${top + 7}" width="${width}" height="${ROW_HEIGHT - 14}" rx="3"/>`,
    reach,
    `<text class="value" x="${LABEL_WIDTH + BAR_WIDTH + 10}" y="${middle}">${escapeHtml(text)}</text>`,
  ].join('');
}

function at(offset: number): string {
  return (LABEL_WIDTH + offset).toFixed(1);
}
