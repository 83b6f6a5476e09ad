// A run as one page that needs nothing else: what came of it in a few figures, the picture, and the numbers in tables.

import { escaped, type FORWARDED, picture, WIDTH } from './report-picture.ts';
import type { ScenarioRun } from './scenario.ts';
import type { FaultEffect, Summary, Verdict } from './summary.ts';

const DOTS: Readonly<Record<Verdict | typeof FORWARDED, string>> = {
  answered: 'answered by the asked node’s own upstream',
  forwarded: 'answered by way of another node',
  failed: 'failed though somebody could have answered',
  broken: 'a stream broke past its first token, with a typed error',
  nobody: 'nobody could have answered',
};
const BARS = ['alive', 'suspect', 'dead', 'left', 'unknown'];

const STYLE = `
:root { color-scheme: light dark; --ink: #1c1e21; --soft: #697077; --line: #e3e6ea; --paper: #fff; --card: #f6f7f9; --asked: #fafbfc;
  --answered: #2f9e5b; --forwarded: #2a6fdb; --failed: #d62828; --broken: #e8890c; --nobody: #9aa0a6; --fault: #d62828; --fault-soft: #fbdcdc; --away: #e6e8eb;
  --alive: #b5dfc6; --suspect: #ffd27a; --dead: #ee9c9c; --left: #cfd3d8; --unknown: #d9d0f0 }
@media (prefers-color-scheme: dark) { :root { --ink: #e7e9ec; --soft: #9aa1a9; --line: #33383e; --paper: #16181b; --card: #1f2226; --asked: #1a1d20;
  --answered: #4cc27c; --forwarded: #6ba0f5; --failed: #ff6b6b; --broken: #ffab40; --nobody: #7d848b; --fault: #ff7b7b; --fault-soft: #4a2527; --away: #2b2f34;
  --alive: #2c6b46; --suspect: #94701f; --dead: #8e3a3a; --left: #4a4f55; --unknown: #4d4470 } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: ${WIDTH}px; margin: 2rem auto 4rem; padding: 0 1.2rem; color: var(--ink); background: var(--paper) }
h1 { margin: 0; font-size: 1.7rem } h2 { font-size: 1.05rem; margin: 2rem 0 .3rem } .about { margin: .2rem 0 1rem; color: var(--soft) }
.verdict { display: inline-block; padding: .2rem .8rem; border-radius: 1rem; font-weight: 600; color: #fff; background: #2b8a4f } .verdict.red { background: #c92a2a; border-radius: .5rem }
.cards { display: flex; flex-wrap: wrap; gap: .7rem; margin: 1.2rem 0 } .cards div { flex: 1 1 8.5rem; background: var(--card); border-radius: .6rem; padding: .7rem 1rem }
.cards b { display: block; font-size: 1.4rem; line-height: 1.3 } .cards span { color: var(--soft); font-size: .82rem }
.tables { display: flex; flex-wrap: wrap; gap: 0 3rem } table { border-collapse: collapse } td, th { padding: .28rem 0 .28rem 1.4rem; text-align: right; border-bottom: 1px solid var(--line) }
th { font-weight: 600; font-size: .85rem; color: var(--soft) } td:first-child, th:first-child { text-align: left; padding-left: 0 }
.legend { font-size: .85rem; margin: .4rem 0 } .legend span { display: inline-block; margin-right: 1.3rem } .legend i { display: inline-block; width: .75em; height: .75em; margin-right: .4em; border-radius: 50% }
.legend.bars i { border-radius: 2px; width: 1.4em; height: .5em; vertical-align: middle } .note { color: var(--soft); font-size: .85rem; max-width: 60rem }
svg { width: 100%; height: auto; font: 11px system-ui, sans-serif; margin-top: .5rem } svg text { fill: var(--ink) } svg .node { font-weight: 600; font-size: 14px } svg .tick, svg .away-name { fill: var(--soft); font-size: 10px }
.grid { stroke: var(--line); stroke-width: .6 } .asked { fill: var(--asked) } .away { fill: var(--away) } .begins { stroke: var(--fault); stroke-dasharray: 2 4; stroke-width: .8 } .ends { stroke: var(--answered); stroke-dasharray: 2 4; stroke-width: .8 }
.fault { fill: var(--fault-soft); stroke: var(--fault); stroke-width: .8 } .moment { fill: var(--fault) } svg .fault-name { fill: var(--fault) }
${[...Object.keys(DOTS), ...BARS].map((name) => `.${name} { fill: var(--${name}); background: var(--${name}) }`).join(' ')}
`;

export function renderReport(run: ScenarioRun, summary: Summary): string {
  const { name, about, isGreen, complaints } = summary;
  const verdict = isGreen
    ? '<p class="verdict">Everything held</p>'
    : `<p class="verdict red">${complaints.map(escaped).join('<br>')}</p>`;
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>mesh-sim: ${escaped(name)}</title>
<style>${STYLE}</style>
<h1>${escaped(name)}</h1>
<p class="about">${escaped(about)}</p>
${verdict}
${cards(summary)}
${picture(run)}
<p class="legend">${Object.entries(DOTS).map(entry).join('')}</p>
<p class="legend bars">${BARS.map((state) => entry([state, `believes: ${state}`])).join('')}</p>
<p class="note">On top the faults, as long as they lasted. Below, a dot is a request on the node that was asked; the higher, the
longer its first token took. The bars under it are what the node believed of each other one, in their order; a gap means that it
did not answer. Grey: the node was away. Seconds count from the first request; before it the processes start.</p>
<div class="tables">
<section><h2>Faults</h2>${faultTable(summary.faults)}</section>
<section><h2>Clients</h2>${requestTable(summary)}</section>
<section><h2>Cost of a node</h2>${costTable(summary)}</section>
</div>
</html>
`;
}

function entry([name, meaning]: readonly [string, string]): string {
  return `<span><i class="${name}"></i>${meaning}</span>`;
}

/** What a reader wants to know first. */
function cards({ requests, p50Ms, p99Ms, formedMs, faults, documents }: Summary): string {
  const noticed = Math.max(0, ...faults.map(({ failoverMs }) => failoverMs));
  const figures: (readonly [string, string])[] = [
    [
      `${requests.answered} of ${requests.all}`,
      requests.nobody === 0 ? 'requests answered' : `requests answered; ${requests.nobody} nobody could answer`,
    ],
    [String(requests.failed), 'failed without need'],
    [duration(p50Ms), 'first token, half of them'],
    [duration(p99Ms), 'first token, 99 of 100'],
    [formedMs === undefined ? '–' : duration(formedMs), 'until all knew all, from the start'],
    ...(faults.length > 0
      ? [[noticed === 0 ? 'never' : duration(noticed), 'clients noticed a fault, at most'] as const]
      : []),
    ...(documents
      ? [[duration(documents.everywhereMs), `until all ${documents.count} documents were everywhere`] as const]
      : []),
  ];
  return `<div class="cards">${figures.map(([figure, what]) => `<div><b>${figure}</b><span>${what}</span></div>`).join('')}</div>`;
}

function requestTable({ requests, seconds, formedAfterReadyMs, hasAgreed }: Summary): string {
  return table(
    ['', ''],
    [
      ['requests', `${requests.all} in ${seconds.toFixed(0)} s`],
      ['answered', String(requests.answered)],
      ['failed though somebody could have answered', String(requests.failed)],
      ['streams broken past their first token', String(requests.broken)],
      ['failed because nobody could answer', String(requests.nobody)],
      [
        'all know all, after the last was ready',
        formedAfterReadyMs === undefined ? 'not' : duration(formedAfterReadyMs),
      ],
      ['all agree at the end', hasAgreed ? 'yes' : 'no'],
    ],
  );
}

function faultTable(faults: readonly FaultEffect[]): string {
  if (faults.length === 0) return '<p class="note">None: the place itself is what makes it hard.</p>';
  return table(
    ['', 'at', 'last slow or failed request', 'all agree'],
    faults.map(({ what, atMs, failoverMs, agreedMs }) => [
      what,
      `${(atMs / 1_000).toFixed(1)} s`,
      failoverMs === 0 ? 'none' : `after ${duration(failoverMs)}`,
      agreedMs === undefined ? 'not before the next' : `after ${duration(agreedMs)}`,
    ]),
  );
}

function costTable({ costs }: Summary): string {
  return table(
    ['', 'CPU of one core', 'memory', 'at most', 'network'],
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
  const isHeadless = head.every((cell) => cell === '');
  return `<table>${isHeadless ? '' : row(head, 'th')}${rows.map((cells) => row(cells, 'td')).join('')}</table>`;
}

function duration(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}
