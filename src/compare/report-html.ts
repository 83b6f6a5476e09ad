// The report as one file: no scripts, nothing loaded from anywhere, readable in light and dark and on paper.

import { type BarChart, renderBarChart } from './bar-chart.ts';
import { type Answer, type AnswerPlace, type Comparison, isAt, type Prompt, type Verdict } from './comparison.ts';
import {
  columnsFor,
  costPerAnswer,
  formatCost,
  formatCostPerAnswer,
  formatDollars,
  formatMs,
  formatShare,
  UNKNOWN,
} from './format.ts';
import { escapeHtml } from './html.ts';
import { textOf } from './prompts.ts';
import { STYLE } from './report-style.ts';
import { type ModelSummary, summarise } from './summary.ts';

export function renderReport(comparison: Comparison): string {
  const summaries = summarise(comparison);
  const title = comparison.models.join(' · ');
  const prompts = comparison.prompts.map((prompt, index) => renderPrompt(comparison, prompt, index)).join('\n');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escapeHtml(title)}</h1>
<p class="facts">${escapeHtml(factsOf(comparison))}</p>
<div class="wide">${renderTable(summaries)}</div>
<section class="charts">${chartsFor(comparison, summaries).map(renderBarChart).join('\n')}</section>
<h2>Prompts and answers</h2>
${prompts}
</body>
</html>
`;
}

function factsOf({ startedAt, prompts, repeat, models, judge }: Comparison): string {
  const facts = [
    startedAt,
    `${prompts.length} prompt${prompts.length === 1 ? '' : 's'}${repeat > 1 ? `, each asked ${repeat} times` : ''}`,
    `baseline ${models[0] ?? ''}`,
    judge
      ? `judged by ${judge.model}, in both orders (${formatCost(judge.cost)})`
      : 'not judged: compared by similarity',
  ];
  return facts.join(' · ');
}

function renderTable(summaries: readonly ModelSummary[]): string {
  const columns = columnsFor(summaries);
  const head = columns.map(({ title }) => `<th scope="col">${escapeHtml(title)}</th>`).join('');
  const rows = summaries.map((summary) => {
    const [name = '', ...cells] = columns.map(({ cell }) => escapeHtml(cell(summary)));
    const targets = summary.targets.map((target) => `<small>${escapeHtml(target)}</small>`).join('');
    return `<tr><th scope="row">${name}${targets}</th>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
  });
  return `<table><thead><tr>${head}</tr></thead><tbody>${rows.join('')}</tbody></table>`;
}

function chartsFor({ judge }: Comparison, summaries: readonly ModelSummary[]): BarChart[] {
  const time = (title: string, spread: (summary: ModelSummary) => ModelSummary['ttftMs']): BarChart => ({
    title,
    note: 'median; the line reaches to the 95th percentile',
    bars: summaries.map((summary, colour) => {
      const { median, p95 } = spread(summary) ?? {};
      const text = median === undefined ? UNKNOWN : `${formatMs(median)} (${formatMs(p95)})`;
      const whisker = median !== undefined && p95 !== undefined ? { low: median, high: p95 } : undefined;
      return { label: summary.model, colour, value: median, text, ...(whisker && { whisker }) };
    }),
  });
  return [
    ...(judge ? [winRateChart(summaries)] : []),
    ...likenessCharts(summaries),
    {
      title: 'Cost of an answer',
      note: 'US dollars; unknown where a price or the tokens are',
      bars: summaries.map(({ model, cost }, colour) => ({
        label: model,
        colour,
        value: costPerAnswer(cost),
        text: formatCostPerAnswer(cost),
      })),
    },
    time('Time to first token', ({ ttftMs }) => ttftMs),
    time('Total time', ({ totalMs }) => totalMs),
  ];
}

function winRateChart(summaries: readonly ModelSummary[]): BarChart {
  return {
    title: 'Win rate over the baseline',
    note: 'a tie is half a win; the line is the 95 % interval, the dashes are "as good as the baseline"',
    maximum: 1,
    mark: 0.5,
    bars: summaries.flatMap(({ model, isBaseline, judged }, colour) => {
      if (isBaseline) return [];
      const rate = judged?.winRate;
      return {
        label: model,
        colour,
        value: rate?.share,
        text: formatShare(rate?.share),
        ...(rate && { whisker: rate }),
      };
    }),
  };
}

function likenessCharts(summaries: readonly ModelSummary[]): BarChart[] {
  const chart = (title: string, share: (summary: ModelSummary) => number | undefined): BarChart[] => {
    const bars = summaries.flatMap((summary, colour) => {
      const value = share(summary);
      return value === undefined ? [] : [{ label: summary.model, colour, value, text: formatShare(value) }];
    });
    if (bars.length === 0) return [];
    return [{ title, note: 'similarity of the wording; it does not measure truth', maximum: 1, bars }];
  };
  return [
    ...chart('Likeness to the expected answer', ({ likenessToExpected }) => likenessToExpected),
    ...chart('Likeness to the baseline', ({ likenessToBaseline }) => likenessToBaseline),
  ];
}

function renderPrompt(comparison: Comparison, { messages, expected }: Prompt, index: number): string {
  const last = messages.findLast(({ role }) => role === 'user') ?? messages.at(-1);
  const said = messages.map((message) => `<h3>${escapeHtml(message.role)}</h3>${renderText(textOf(message))}`).join('');
  const wanted = expected === undefined ? '' : `<h3>expected</h3>${renderText(expected)}`;
  const runs = Array.from({ length: comparison.repeat }, (_, run) => {
    const cards = comparison.models.map((model) => renderAnswer(comparison, { prompt: index, run, model })).join('');
    const heading = comparison.repeat > 1 ? `<h3>Run ${run + 1}</h3>` : '';
    return `${heading}<div class="answers">${cards}</div>`;
  });
  const name = `<summary><b>${index + 1}</b> <span dir="auto">${escapeHtml(last ? textOf(last) : '')}</span></summary>`;
  return `<details class="prompt">${name}<div class="asked">${said}${wanted}</div>${runs.join('')}</details>`;
}

function renderAnswer(comparison: Comparison, place: AnswerPlace): string {
  const answer = comparison.answers.find((candidate) => isAt(place, candidate));
  const likeness = comparison.likenesses.find((candidate) => isAt(place, candidate));
  const verdict = comparison.verdicts.find((candidate) => isAt(place, candidate));
  const notes = [
    likeness?.toExpected && `Like expected: ${formatShare(likeness.toExpected.score)} – ${likeness.toExpected.reason}`,
    likeness?.toBaseline && `Like baseline: ${formatShare(likeness.toBaseline.score)} – ${likeness.toBaseline.reason}`,
    ...(verdict ? verdictNotes(verdict) : []),
  ].flatMap((note) => (note === undefined ? [] : `<p class="note" dir="auto">${escapeHtml(note)}</p>`));
  const body = answer ? renderOutcome(answer) : '';
  return `<article><h4>${escapeHtml(place.model)}</h4>${body}${notes.join('')}</article>`;
}

function renderOutcome(answer: Answer): string {
  if (answer.type === 'failed') return `<p class="failed">No answer: ${escapeHtml(answer.reason)}</p>`;
  const { target, ttftMs, totalMs, usage, cost, finish, text } = answer;
  const facts = [
    target,
    `first token ${formatMs(ttftMs)}, total ${formatMs(totalMs)}`,
    usage ? `${usage.inputTokens} tokens in, ${usage.outputTokens} out${usage.isEstimated ? ' (estimated)' : ''}` : '',
    formatDollars(cost),
    finish === undefined || finish === 'stop' ? '' : `ended by ${finish}`,
  ].filter((fact) => fact !== undefined && fact !== '');
  return `<p class="facts">${escapeHtml(facts.join(' · '))}</p>${renderText(text)}`;
}

const WINNERS = { baseline: 'The baseline is better', candidate: 'Better than the baseline', tie: 'Tie' } as const;

function verdictNotes(verdict: Verdict): string[] {
  if (verdict.type === 'unjudged') return [`Unjudged: ${verdict.reason}`];
  const { winner, isOrderDependent, reasons } = verdict;
  const name = isOrderDependent ? 'Tie: the judge changed its mind with the order' : WINNERS[winner];
  return [name, `Baseline first: ${reasons[0]}`, `Baseline second: ${reasons[1]}`];
}

/** Text of unknown language: each paragraph finds its own direction. */
function renderText(text: string): string {
  return `<pre dir="auto">${escapeHtml(text)}</pre>`;
}
