// Numbers of a comparison as people read them. What is unknown is called so and never shown as zero.

import type { Cost } from './comparison.ts';
import type { ModelSummary } from './summary.ts';

export const UNKNOWN = 'unknown';

export function formatMs(ms: number | undefined): string {
  if (ms === undefined) return UNKNOWN;
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}

export function formatShare(share: number | undefined): string {
  return share === undefined ? UNKNOWN : `${Math.round(share * 100)} %`;
}

/** Answers cost fractions of a cent: three significant digits. */
export function formatDollars(dollars: number | undefined): string {
  if (dollars === undefined) return UNKNOWN;
  if (dollars === 0) return '$0';
  const digits = Math.max(2, 2 - Math.floor(Math.log10(Math.abs(dollars))));
  return `$${dollars.toFixed(Math.min(digits, 12))}`;
}

/** A sum of which a part is unknown says so: it is at least that much. */
export function formatCost({ known, answersPriced, answersUnpriced }: Cost): string {
  if (answersPriced === 0) return UNKNOWN;
  if (answersUnpriced === 0) return formatDollars(known);
  return `${formatDollars(known)} + ${answersUnpriced} ${UNKNOWN}`;
}

/** Dollars an answer; undefined while a part of it is unknown. */
export function costPerAnswer({ known, answersPriced, answersUnpriced }: Cost): number | undefined {
  return answersPriced === 0 || answersUnpriced > 0 ? undefined : known / answersPriced;
}

export function formatCostPerAnswer(cost: Cost): string {
  return formatDollars(costPerAnswer(cost));
}

export interface Column {
  readonly title: string;
  cell(summary: ModelSummary): string;
}

/** The columns of the side by side table; those of a quality nobody measured are left out. */
export function columnsFor(summaries: readonly ModelSummary[]): Column[] {
  const isJudged = summaries.some(({ judged }) => judged);
  const isExpected = summaries.some(({ likenessToExpected }) => likenessToExpected !== undefined);
  const onlyOthers = (text: (summary: ModelSummary) => string): Column['cell'] => {
    return (summary) => (summary.isBaseline ? 'baseline' : text(summary));
  };
  return [
    { title: 'Model', cell: ({ model }) => model },
    { title: 'Answered', cell: ({ answers, failures }) => `${answers}/${answers + failures}` },
    ...(isJudged
      ? [
          { title: 'Win rate', cell: onlyOthers(formatWinRate) },
          { title: 'Win/tie/loss', cell: onlyOthers(formatVerdicts) },
        ]
      : []),
    ...(isExpected
      ? [{ title: 'Like expected', cell: (summary: ModelSummary) => formatShare(summary.likenessToExpected) }]
      : []),
    { title: 'Like baseline', cell: onlyOthers(({ likenessToBaseline }) => formatShare(likenessToBaseline)) },
    { title: 'Cost', cell: ({ cost }) => formatCost(cost) },
    { title: 'An answer', cell: ({ cost }) => formatCostPerAnswer(cost) },
    { title: 'TTFT', cell: ({ ttftMs }) => formatMs(ttftMs?.median) },
    { title: 'TTFT p95', cell: ({ ttftMs }) => formatMs(ttftMs?.p95) },
    { title: 'Total', cell: ({ totalMs }) => formatMs(totalMs?.median) },
    { title: 'Total p95', cell: ({ totalMs }) => formatMs(totalMs?.p95) },
    { title: 'Tokens in/out', cell: formatTokens },
  ];
}

function formatWinRate({ judged }: ModelSummary): string {
  const rate = judged?.winRate;
  if (!rate) return UNKNOWN;
  return `${formatShare(rate.share)} (${Math.round(rate.low * 100)}–${Math.round(rate.high * 100)})`;
}

function formatVerdicts({ judged }: ModelSummary): string {
  if (!judged) return UNKNOWN;
  const { wins, ties, losses, unjudged } = judged;
  return `${wins}/${ties}/${losses}${unjudged > 0 ? ` (${unjudged} unjudged)` : ''}`;
}

function formatTokens({ inputTokens, outputTokens, isUsageEstimated }: ModelSummary): string {
  return `${isUsageEstimated ? '~' : ''}${inputTokens}/${outputTokens}`;
}
