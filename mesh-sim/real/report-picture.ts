// The picture of a run: time goes to the right. On top the faults, each as long as it lasted; below a lane for each node with
// the requests of its clients, shaded while it was away, and under it what it believed of each other node.

import { type FaultSpan, faultSpans } from './fault-spans.ts';
import type { Seen } from './load-process.ts';
import type { RunTimes, ScenarioRun } from './scenario.ts';
import { type Verdict, verdictOf } from './summary.ts';
import type { Truth } from './world.ts';

export const WIDTH = 1_160;
const LEFT = 64;
const RIGHT = 12;
const LANE = 84;
const GAP = 14;
const BELIEF = 5;
const FAULT_ROW = 20;
const AXIS = 26;
/** About what a letter of a label takes. */
const LETTER = 6;
/** Waits are drawn from the first to the last of these, by their logarithm. */
const WAITS_MS = [10, 100, 1_000, 10_000];

/** Of a request that another node answered. */
export const FORWARDED = 'forwarded';

interface Scale {
  x(at: number): number;
}

export function picture(run: ScenarioRun): string {
  const { topology, times } = run;
  const { startedAt, endedAt } = times;
  const room = WIDTH - LEFT - RIGHT;
  const scale: Scale = { x: (at) => round(LEFT + ((at - startedAt) / (endedAt - startedAt)) * room) };
  const spans = faultSpans(run.faults, topology, endedAt);
  const rows = inRows(spans, scale);
  const lanesTop = rows.length * FAULT_ROW + GAP;
  const laneHeight = LANE + BELIEF * (topology.nodes - 1) + GAP;
  const bottom = lanesTop + laneHeight * topology.nodes;
  const lanes = Array.from({ length: topology.nodes }, (_, node) =>
    lane(run, node, lanesTop + node * laneHeight, scale),
  );
  return `<svg viewBox="0 0 ${WIDTH} ${bottom + AXIS}" role="img" aria-label="Faults, and requests and beliefs of each node, over time">
${axis(times, scale, lanesTop, bottom)}
${spans.map((span) => edges(span, scale, lanesTop, bottom)).join('')}
${lanes.join('\n')}
${rows.flatMap((row, index) => row.map((span) => bar(span, index * FAULT_ROW, scale))).join('\n')}
</svg>`;
}

/** Faults that would cover each other stand in rows of their own. */
function inRows(spans: readonly FaultSpan[], scale: Scale): readonly (readonly FaultSpan[])[] {
  const rows: { spans: FaultSpan[]; end: number }[] = [];
  for (const span of spans) {
    const [begin, end] = extent(span, scale);
    const row = rows.find((each) => each.end < begin);
    if (row) {
      row.spans.push(span);
      row.end = end;
    } else rows.push({ spans: [span], end });
  }
  return rows.map((row) => row.spans);
}

/** From where to where a fault and its label reach, and whether the label stands inside, behind or before it. */
function extent(
  { what, from, until = from }: FaultSpan,
  { x }: Scale,
): readonly [number, number, 'in' | 'after' | 'before'] {
  const [begin, end] = [x(from), x(until)];
  const text = what.length * LETTER + 12;
  if (end - begin >= text) return [begin, end, 'in'];
  return end + text <= WIDTH ? [begin, end + text, 'after'] : [begin - text, end, 'before'];
}

function bar(span: FaultSpan, top: number, scale: Scale): string {
  const { what, from, until } = span;
  const [begin, end] = [scale.x(from), scale.x(until ?? from)];
  const [, , place] = extent(span, scale);
  const middle = top + FAULT_ROW / 2;
  const shape =
    until === undefined
      ? `<circle class="moment" cx="${begin}" cy="${middle}" r="4"/>`
      : `<rect class="fault" x="${begin}" y="${top + 2}" width="${round(Math.max(3, end - begin))}" height="${FAULT_ROW - 4}" rx="3"/>`;
  const at = { in: begin + 6, after: end + 7, before: begin - 7 }[place];
  const anchor = place === 'before' ? 'end' : 'start';
  return `${shape}<text class="fault-name ${place}" x="${round(at)}" y="${middle + 4}" text-anchor="${anchor}">${escaped(what)}</text>`;
}

function edges({ from, until }: FaultSpan, { x }: Scale, top: number, bottom: number): string {
  const line = (at: number, name: string): string =>
    `<line class="${name}" x1="${x(at)}" x2="${x(at)}" y1="${top}" y2="${bottom}"/>`;
  return line(from, 'begins') + (until === undefined ? '' : line(until, 'ends'));
}

function lane(run: ScenarioRun, node: number, top: number, scale: Scale): string {
  const name = `n${node}`;
  const floor = top + LANE - 6;
  const grid = WAITS_MS.map((ms) => {
    const y = heightOf(ms, floor);
    return `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y}" y2="${y}"/><text class="tick" x="${LEFT - 6}" y="${y + 3}" text-anchor="end">${short(ms)}</text>`;
  });
  const dots = run.seen
    .filter((one) => one.node === name)
    .map((one) => dot(one, scale.x(one.at), floor, verdictOf(one, run.history)));
  return `<text class="node" x="0" y="${top + LANE / 2}">${name}</text>${grid.join('')}${absences(run, node, top, scale)}${dots.join('')}${beliefs(run, node, floor + 5, scale)}`;
}

function heightOf(ms: number, floor: number): number {
  const [least = 1, most = 1] = [WAITS_MS[0], WAITS_MS.at(-1)];
  const share = Math.log(Math.min(most, Math.max(least, ms)) / least) / Math.log(most / least);
  return round(floor - 4 - share * (LANE - 20));
}

function dot({ ttftMs, totalMs, target }: Seen, x: number, floor: number, verdict: Verdict): string {
  const wait = ttftMs ?? totalMs;
  const isForwarded = verdict === 'answered' && (target?.split('/').length ?? 0) > 2;
  const radius = verdict === 'failed' || verdict === 'broken' ? 4 : 2.4;
  const title = escaped(`${Math.round(wait)} ms ${target ?? ''}`);
  return `<circle class="${isForwarded ? FORWARDED : verdict}" cx="${x}" cy="${heightOf(wait, floor)}" r="${radius}"><title>${title}</title></circle>`;
}

/** Why a node cannot answer its own clients; undefined while it can. */
function absenceOf({ running, starting, frozen, evicted }: Truth, node: number): string | undefined {
  if (!running.has(node)) return 'off';
  if (starting.has(node)) return 'starting';
  if (frozen.has(node)) return 'frozen';
  return evicted.has(node) ? 'shut out' : undefined;
}

function absences({ history, times }: ScenarioRun, node: number, top: number, { x }: Scale): string {
  return stretches(history, times.endedAt, (truth) => absenceOf(truth, node))
    .map(({ value, from, until }) => {
      const width = round(x(until) - x(from));
      const label = width > 40 ? `<text class="away-name" x="${x(from) + 6}" y="${top + 16}">${value}</text>` : '';
      return `<rect class="away" x="${x(from)}" y="${top}" width="${width}" height="${LANE - 4}"/>${label}`;
    })
    .join('');
}

/** One thin bar for each other node: what this one believed of it. Where there is none, the node did not answer. */
function beliefs({ sights, topology, times }: ScenarioRun, node: number, top: number, { x }: Scale): string {
  const own = sights.filter((sight) => sight.node === `n${node}`);
  const others = [...Array(topology.nodes).keys()].filter((other) => other !== node);
  return others
    .flatMap((other, row) =>
      stretches(own, times.endedAt, ({ states }) => states?.[`n${other}`]).map(({ value, from, until }) => {
        const width = round(x(until) - x(from));
        return `<rect class="${value}" x="${x(from)}" y="${top + row * BELIEF}" width="${width}" height="${BELIEF - 1}"><title>n${node} believes n${other} to be ${value}</title></rect>`;
      }),
    )
    .join('');
}

/** Neighbours in time with the same value as one, without those that have none. */
function stretches<Moment extends { readonly at: number }>(
  moments: readonly Moment[],
  endedAt: number,
  stateOf: (moment: Moment) => string | undefined,
): readonly { readonly value: string; readonly from: number; readonly until: number }[] {
  const found: { value: string | undefined; from: number; until: number }[] = [];
  for (const [index, moment] of moments.entries()) {
    const value = stateOf(moment);
    const until = moments[index + 1]?.at ?? endedAt;
    const last = found.at(-1);
    if (last && last.value === value) last.until = until;
    else found.push({ value, from: moment.at, until });
  }
  return found.flatMap(({ value, from, until }) => (value === undefined ? [] : { value, from, until }));
}

/** Counts from the first request, as the table of faults does. */
function axis(
  { startedAt, askedFrom, askedUntil, endedAt }: RunTimes,
  { x }: Scale,
  top: number,
  bottom: number,
): string {
  const seconds = (endedAt - startedAt) / 1_000;
  const step = [1, 2, 5, 10, 20, 60, 120].find((each) => seconds / each <= 16) ?? 300;
  const ticks: string[] = [];
  for (let second = Math.ceil((startedAt - askedFrom) / 1_000 / step) * step; ; second += step) {
    const at = askedFrom + second * 1_000;
    if (at > endedAt) break;
    ticks.push(`<text class="tick" x="${x(at)}" y="${bottom + 16}" text-anchor="middle">${second} s</text>`);
  }
  const asked = `<rect class="asked" x="${x(askedFrom)}" y="${top}" width="${round(x(askedUntil) - x(askedFrom))}" height="${bottom - top}"/>`;
  return asked + ticks.join('');
}

function short(ms: number): string {
  return ms < 1_000 ? `${ms} ms` : `${ms / 1_000} s`;
}

export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
