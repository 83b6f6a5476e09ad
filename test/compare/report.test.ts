import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answered, Comparison } from '../../src/compare/comparison.ts';
import { columnsFor, formatCost, formatDollars, formatMs } from '../../src/compare/format.ts';
import { escapeHtml } from '../../src/compare/html.ts';
import { renderReport } from '../../src/compare/report-html.ts';
import { summarise } from '../../src/compare/summary.ts';

const HOSTILE = '</pre><script>alert("1")</script>\u0007 & \u202e\'';

const usage = {
  inputTokens: 10,
  outputTokens: 5,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  reasoningTokens: 0,
  isEstimated: false,
};

function answered(model: string, prompt: number, fields: Partial<Answered> = {}): Answered {
  const measured = { target: `x/${model}`, ttftMs: 100, totalMs: 400, usage, cost: 0.001, finish: 'stop' };
  return { type: 'answered', prompt, run: 0, model, text: 'Hi', ...measured, ...fields };
}

const place = { run: 0, model: 'b' };

const comparison: Comparison = {
  startedAt: '2026-11-22T10:00:00.000Z',
  models: ['a', 'b'],
  repeat: 1,
  prompts: [
    { messages: [{ role: 'user', parts: [{ type: 'text', text: HOSTILE }] }], expected: 'Hi' },
    { messages: [{ role: 'user', parts: [{ type: 'text', text: 'Two' }] }] },
    { messages: [{ role: 'user', parts: [{ type: 'text', text: 'Three' }] }] },
  ],
  answers: [
    answered('a', 0),
    answered('b', 0, { text: HOSTILE, ttftMs: 50, totalMs: 1_500, cost: undefined }),
    answered('a', 1, { totalMs: 600 }),
    answered('b', 1, { ttftMs: 70, cost: 0.002 }),
    answered('a', 2),
    { type: 'failed', prompt: 2, run: 0, model: 'b', reason: `<b>${HOSTILE}` },
  ],
  likenesses: [
    { prompt: 0, run: 0, model: 'a', toExpected: { score: 1, reason: 'identical' } },
    { prompt: 0, ...place, toBaseline: { score: 0.5, reason: HOSTILE }, toExpected: { score: 0, reason: 'none' } },
    { prompt: 1, ...place, toBaseline: { score: 1, reason: 'identical' } },
  ],
  verdicts: [
    { prompt: 0, ...place, type: 'judged', winner: 'candidate', isOrderDependent: false, reasons: [HOSTILE, 'y'] },
    { prompt: 1, ...place, type: 'unjudged', reason: 'No verdict.' },
  ],
  judge: { model: 'j', cost: { known: 0.5, answersPriced: 4, answersUnpriced: 0 } },
};

test('a row has everything of its model, and unknown costs stay unknown', () => {
  const summaries = summarise(comparison);
  const columns = columnsFor(summaries);
  const rows = summaries.map((summary) => Object.fromEntries(columns.map(({ title, cell }) => [title, cell(summary)])));
  assert.deepEqual(rows, [
    {
      Model: 'a',
      Answered: '3/3',
      'Win rate': 'baseline',
      'Win/tie/loss': 'baseline',
      'Like expected': '100 %',
      'Like baseline': 'baseline',
      Cost: '$0.00300',
      'An answer': '$0.00100',
      TTFT: '100 ms',
      'TTFT p95': '100 ms',
      Total: '400 ms',
      'Total p95': '600 ms',
      'Tokens in/out': '30/15',
    },
    {
      Model: 'b',
      Answered: '2/3',
      'Win rate': '100 % (21–100)',
      'Win/tie/loss': '1/0/0 (1 unjudged)',
      'Like expected': '0 %',
      'Like baseline': '75 %',
      Cost: '$0.00200 + 1 unknown',
      'An answer': 'unknown',
      TTFT: '60 ms',
      'TTFT p95': '70 ms',
      Total: '950 ms',
      'Total p95': '1.50 s',
      'Tokens in/out': '20/10',
    },
  ]);
});

test('numbers are written for people', () => {
  assert.deepEqual([0, 0.0000123, 0.25, 12.3456, undefined].map(formatDollars), [
    '$0',
    '$0.0000123',
    '$0.250',
    '$12.35',
    'unknown',
  ]);
  assert.deepEqual([0.4, 999, 1_234, 12_345].map(formatMs), ['0 ms', '999 ms', '1.23 s', '12.3 s']);
  assert.equal(formatCost({ known: 0, answersPriced: 0, answersUnpriced: 2 }), 'unknown');
  assert.equal(formatCost({ known: 0, answersPriced: 2, answersUnpriced: 0 }), '$0');
});

test('nothing foreign becomes markup', () => {
  assert.equal(
    escapeHtml('<a b="c" d=\'e\'>&\u0000\r\n\ud800'),
    '&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;\ufffd\n\ufffd',
  );
  const html = renderReport(comparison);
  assert.doesNotMatch(html, /<script|<b>&lt;/);
  assert.equal(html.includes('\u0007'), false);
  assert.equal(
    html.split('&lt;/pre&gt;&lt;script&gt;').length - 1,
    6,
    'summary, prompt, answer, failure, likeness, verdict',
  );
});

test('the report is one well-formed file that loads nothing', () => {
  const html = renderReport(comparison);
  assert.doesNotMatch(html, /\b(?:src|href)=|url\(|@import|https?:/);
  assert.match(html, /default-src 'none'; style-src 'unsafe-inline'/);
  assert.equal(html.match(/<svg /g)?.length, 6, 'win rate, two likenesses, cost, TTFT, total');
  const colours = [...html.matchAll(/<rect class="(m\d)"/g)].map(([, colour]) => colour);
  assert.deepEqual(colours.join(' '), 'm1 m0 m1 m1 m0 m1 m0 m1 m0 m1', 'a model has one colour in all charts');
  const open: string[] = [];
  for (const [, closing, name = '', empty] of html.matchAll(/<(\/?)([a-z][a-z0-9]*)[^>]*?(\/?)>/g)) {
    if (closing) assert.equal(open.pop(), name);
    else if (!empty && name !== 'meta') open.push(name);
  }
  assert.deepEqual(open, []);
  assert.doesNotMatch(html, /NaN|undefined|Infinity/);
});
