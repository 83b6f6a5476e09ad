// A run as one page that needs nothing else: a picture of time with the faults, what clients of each node saw and whom each
// node believed in, and the numbers below it.

import type { Seen } from './load-process.ts';
import type { RunTimes, ScenarioRun } from './scenario.ts';
import type { FaultEffect, Summary, Verdict } from './summary.ts';
import { verdictOf } from './summary.ts';

const WIDTH = 1_100;
const LEFT = 60;
const LANE = 74;
const BELIEF_HEIGHT = 6;
const TOP = 44;
const COLORS: Readonly<Record<Verdict, string>> = {
  answered: '#2f9e5b',
  failed: '#d62828',
  broken: '#f08c00',
  nobody: '#9aa0a6',
};
const FORWARDED = '#2a6fdb';
const MEANINGS: Readonly<Record<Verdict | 'forwarded', string>> = {
  answered: 'answered by the asked node’s own upstream',
  forwarded: 'answered by way of another node',
  failed: 'failed though somebody could have answered',
  broken: 'a stream broke past its first token, with a typed error',
  nobody: 'nobody could have answered',
};

export function renderReport(run: ScenarioRun, summary: Summary): string {
  const { name, about, isGreen, complaints } = summary;
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>mesh-sim: ${escaped(name)}</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: ${WIDTH}px; margin: 2rem auto; padding: 0 1rem; color: #1c1e21; background: #fff }
h1 { margin-bottom: 0 } table { border-collapse: collapse; margin: 1rem 0 } td, th { padding: .25rem .9rem .25rem 0; text-align: right; border-bottom: 1px solid #e3e5e8 }
td:first-child, th:first-child { text-align: left } svg { width: 100%; height: auto } .verdict { font-weight: 600 }
.note { color: #6b7076; font-size: 13px } .legend span { display: inline-block; margin-right: 1.2rem } .legend i { display: inline-block; width: .8em; height: .8em; margin-right: .4em }
</style>
<h1>${escaped(name)}</h1>
<p>${escaped(about)}</p>
<p class="verdict" style="color: ${isGreen ? COLORS.answered : COLORS.failed}">${isGreen ? 'Everything held.' : escaped(`${complaints.join('; ')}.`)}</p>
${picture(run, summary)}
<p class="legend">${legend()}</p>
<p class="note">A dot is a request, at its time and on the node that was asked; the higher it is the longer its first token
took, from 1 ms to 10 s. The bars below are what the node believed of each other one, in their order. Seconds count from the
first request; before it the processes start.</p>
${requestTable(summary)}
${faultTable(summary.faults)}
${costTable(summary)}
</html>
`;
}

/** Each node has a lane: dots are requests at their time, the higher the longer the wait; the bars below it are beliefs. */
function picture(run: ScenarioRun, summary: Summary): string {
  const { topology, seen, history } = run;
  const { startedAt, endedAt } = run.times;
  const laneHeight = LANE + BELIEF_HEIGHT * topology.nodes;
  const height = TOP + laneHeight * topology.nodes + 24;
  const x = (at: number): number => round(LEFT + ((at - startedAt) / (endedAt - startedAt)) * (WIDTH - LEFT - 10));
  const lanes = Array.from({ length: topology.nodes }, (_, node) => {
    const top = TOP + node * laneHeight;
    const own = seen.filter((one) => one.node === `n${node}`);
    const dots = own.map((one) => dot(one, x(one.at), top, verdictOf(one, history))).join('');
    return `<text x="0" y="${top + LANE - 22}" font-weight="600">n${node}</text><line x1="${LEFT}" x2="${WIDTH}" y1="${top + LANE - 12}" y2="${top + LANE - 12}" stroke="#c9ccd1"/>${dots}${beliefs(run, node, top + LANE - 8, x)}`;
  });
  const faults = run.faults.map(({ at }, index) => faultMark(x(at), height, summary.faults[index], index));
  return `<svg viewBox="0 0 ${WIDTH} ${height}" font-size="12" font-family="system-ui, sans-serif" role="img" aria-label="Requests and beliefs of each node over time, with the faults">
${axis(run.times, x, height)}${lanes.join('\n')}${faults.join('\n')}</svg>`;
}

function dot({ ttftMs, totalMs, target }: Seen, x: number, top: number, verdict: Verdict): string {
  // A millisecond is at the bottom, ten seconds are at the top.
  const wait = Math.log10(Math.min(10_000, Math.max(1, ttftMs ?? totalMs))) / 4;
  const isForwarded = verdict === 'answered' && (target?.split('/').length ?? 0) > 2;
  const color = isForwarded ? FORWARDED : COLORS[verdict];
  const radius = verdict === 'failed' || verdict === 'broken' ? 3.5 : 2;
  const y = round(top + LANE - 14 - wait * (LANE - 24));
  return `<circle cx="${x}" cy="${y}" r="${radius}" fill="${color}"><title>${escaped(`${Math.round(ttftMs ?? totalMs)} ms ${target ?? ''}`)}</title></circle>`;
}

const BELIEFS: Readonly<Record<string, string>> = {
  alive: '#bfe3cd',
  suspect: '#ffd68a',
  dead: '#f2a3a3',
  left: '#d5d8dc',
  unknown: '#e6e0f5',
};

/** One thin bar for each other node: what this one believed of it. */
function beliefs(
  { sights, topology, times }: ScenarioRun,
  node: number,
  top: number,
  x: (at: number) => number,
): string {
  const own = sights.filter((sight) => sight.node === `n${node}`);
  const bars: string[] = [];
  for (let other = 0; other < topology.nodes; other += 1) {
    if (other === node) continue;
    const y = top + other * BELIEF_HEIGHT;
    for (let first = 0; first < own.length; ) {
      const state = own[first]?.states?.[`n${other}`];
      let next = first + 1;
      while (next < own.length && own[next]?.states?.[`n${other}`] === state) next += 1;
      const from = x(own[first]?.at ?? 0);
      const width = round(x(own[next]?.at ?? times.endedAt) - from);
      const color = state === undefined ? undefined : BELIEFS[state];
      if (color) {
        bars.push(
          `<rect x="${from}" y="${y}" width="${width}" height="${BELIEF_HEIGHT - 1}" fill="${color}"><title>n${node} believes n${other} to be ${state}</title></rect>`,
        );
      }
      first = next;
    }
  }
  return bars.join('');
}

function faultMark(x: number, height: number, effect: FaultEffect | undefined, index: number): string {
  const y = 12 + (index % 3) * 11;
  const isRight = x > WIDTH - 200;
  return `<line x1="${x}" x2="${x}" y1="${y}" y2="${height - 20}" stroke="#d62828" stroke-dasharray="3 3"/><text x="${isRight ? x - 4 : x + 4}" y="${y}" text-anchor="${isRight ? 'end' : 'start'}" fill="#d62828" font-size="11">${escaped(effect?.what ?? '')}</text>`;
}

/** Counts from the first request, as the table of faults does. */
function axis({ startedAt, askedFrom, endedAt }: RunTimes, x: (at: number) => number, height: number): string {
  const seconds = (endedAt - startedAt) / 1_000;
  const step = [1, 2, 5, 10, 20, 60, 120].find((each) => seconds / each <= 14) ?? 300;
  const ticks: string[] = [];
  const first = Math.ceil((startedAt - askedFrom) / 1_000 / step) * step;
  for (let second = first; askedFrom + second * 1_000 <= endedAt; second += step) {
    const at = x(askedFrom + second * 1_000);
    ticks.push(
      `<line x1="${at}" x2="${at}" y1="${TOP}" y2="${height - 20}" stroke="#f0f1f3"/><text x="${at}" y="${height - 6}" text-anchor="middle" fill="#6b7076">${second} s</text>`,
    );
  }
  return ticks.join('');
}

function legend(): string {
  const entries = Object.entries(MEANINGS).map(
    ([verdict, meaning]) => [verdict === 'forwarded' ? FORWARDED : COLORS[verdict as Verdict], meaning] as const,
  );
  const bars = Object.entries(BELIEFS).map(([state, color]) => [color, `believes: ${state}`] as const);
  return [...entries, ...bars]
    .map(([color, meaning]) => `<span><i style="background: ${color}"></i>${meaning}</span>`)
    .join('');
}

function requestTable({ requests, p50Ms, p99Ms, seconds, formedMs, formedAfterReadyMs, hasAgreed }: Summary): string {
  return table(
    ['clients', ''],
    [
      ['requests', `${requests.all} in ${seconds.toFixed(0)} s`],
      ['answered', String(requests.answered)],
      ['failed though somebody could have answered', String(requests.failed)],
      ['streams broken past their first token', String(requests.broken)],
      ['failed because nobody could answer', String(requests.nobody)],
      ['first token, p50 and p99', `${p50Ms.toFixed(0)} and ${p99Ms.toFixed(0)} ms`],
      ['all know all, from the start of the processes', formedMs === undefined ? 'not' : `${formedMs} ms`],
      ['… after the last was ready', formedAfterReadyMs === undefined ? 'not' : `${formedAfterReadyMs} ms`],
      ['all agree at the end', hasAgreed ? 'yes' : 'no'],
    ],
  );
}

function faultTable(faults: readonly FaultEffect[]): string {
  if (faults.length === 0) return '';
  return table(
    ['fault', 'at', 'last slow or failed request after', 'all agree after'],
    faults.map(({ what, atMs, failoverMs, agreedMs }) => [
      what,
      `${(atMs / 1_000).toFixed(1)} s`,
      failoverMs === 0 ? 'none' : `${failoverMs} ms`,
      agreedMs === undefined ? 'not before the next' : `${agreedMs} ms`,
    ]),
  );
}

function costTable({ costs }: Summary): string {
  return table(
    ['node', 'CPU of one core', 'memory', 'most memory', 'network'],
    costs.map(({ name, cpuPercent, rssMb, peakMb, bytesPerSecond }) => [
      name,
      `${cpuPercent.toFixed(1)} %`,
      `${rssMb.toFixed(0)} MB`,
      `${peakMb.toFixed(0)} MB`,
      `${(bytesPerSecond / 1_000).toFixed(1)} KB/s`,
    ]),
  );
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[], tag: string): string =>
    `<tr>${cells.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('')}</tr>`;
  return `<table>${row(head, 'th')}${rows.map((cells) => row(cells, 'td')).join('')}</table>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
