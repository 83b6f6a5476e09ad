// One row a model: what all its answers come to.

import type { Answered, Comparison, Cost } from './comparison.ts';
import { meanOf, type ShareInterval, type Spread, spreadOf, wilsonInterval } from './statistics.ts';

export interface JudgedCounts {
  readonly wins: number;
  readonly ties: number;
  readonly losses: number;
  readonly unjudged: number;
  /** Of the judged pairs, a tie as half a win; 0.5 is as good as the baseline. Undefined when none was judged. */
  readonly winRate: ShareInterval | undefined;
}

export interface ModelSummary {
  readonly model: string;
  readonly isBaseline: boolean;
  /** Who really answered, in the order they first did. */
  readonly targets: readonly string[];
  readonly answers: number;
  readonly failures: number;
  readonly ttftMs: Spread | undefined;
  readonly totalMs: Spread | undefined;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Tokens of at least one answer were counted by the node because the upstream told nothing. */
  readonly isUsageEstimated: boolean;
  readonly cost: Cost;
  readonly likenessToBaseline: number | undefined;
  readonly likenessToExpected: number | undefined;
  /** Absent without a judge and for the baseline. */
  readonly judged?: JudgedCounts;
}

export function summarise(comparison: Comparison): ModelSummary[] {
  return comparison.models.map((model, index) => summaryOf(comparison, model, index === 0));
}

function summaryOf(comparison: Comparison, model: string, isBaseline: boolean): ModelSummary {
  const own = comparison.answers.filter((answer) => answer.model === model);
  const answered = own.filter((answer) => answer.type === 'answered');
  const likenesses = comparison.likenesses.filter((likeness) => likeness.model === model);
  return {
    model,
    isBaseline,
    targets: [...new Set(answered.flatMap(({ target }) => target ?? []))],
    answers: answered.length,
    failures: own.length - answered.length,
    ttftMs: spreadOf(answered.flatMap(({ ttftMs }) => ttftMs ?? [])),
    totalMs: spreadOf(answered.map(({ totalMs }) => totalMs)),
    inputTokens: total(answered.map(({ usage }) => usage?.inputTokens ?? 0)),
    outputTokens: total(answered.map(({ usage }) => usage?.outputTokens ?? 0)),
    isUsageEstimated: answered.some(({ usage }) => usage?.isEstimated === true),
    cost: sumCosts(answered),
    likenessToBaseline: meanOf(likenesses.flatMap(({ toBaseline }) => toBaseline?.score ?? [])),
    likenessToExpected: meanOf(likenesses.flatMap(({ toExpected }) => toExpected?.score ?? [])),
    ...(comparison.judge && !isBaseline && { judged: countVerdicts(comparison, model) }),
  };
}

function countVerdicts({ verdicts }: Comparison, model: string): JudgedCounts {
  const own = verdicts.filter((verdict) => verdict.model === model);
  const winners = own.flatMap((verdict) => (verdict.type === 'judged' ? verdict.winner : []));
  const wins = winners.filter((winner) => winner === 'candidate').length;
  const ties = winners.filter((winner) => winner === 'tie').length;
  return {
    wins,
    ties,
    losses: winners.length - wins - ties,
    unjudged: own.length - winners.length,
    winRate: wilsonInterval(wins + ties / 2, winners.length),
  };
}

export function sumCosts(answers: readonly Pick<Answered, 'cost'>[]): Cost {
  const known = answers.flatMap(({ cost }) => cost ?? []);
  return { known: total(known), answersPriced: known.length, answersUnpriced: answers.length - known.length };
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
