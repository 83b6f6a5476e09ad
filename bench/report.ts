// Results → the text for the terminal and for docs/benchmarks.md.

import { LABELS } from './contestants.ts';
import { type Goal, goals } from './goals.ts';
import type { Results } from './results.ts';
import { FLAT_OUT, PACED } from './streaming.ts';
import { CONNECTIONS, P99_BOUND_MS } from './throughput.ts';

type Align = 'left' | 'right';

/** Sections by name, each complete with its heading; only those that were measured. */
export function sections(results: Results): Map<string, string> {
  const list: [string, string | undefined][] = [
    ['latency', latency(results)],
    ['throughput', throughput(results)],
    ['streaming', streaming(results)],
    ['accounting', accounting(results)],
    ['cache', cache(results)],
    ['memory', memory(results)],
    ['start', start(results)],
    ['soak', soak(results)],
  ];
  return new Map(list.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

export function goalsTable(results: Results): string {
  const rows = goals(results).map(({ name, bound, measured, isMet }: Goal) => [
    name,
    bound,
    measured,
    isMet ? 'yes' : '**no**',
  ]);
  return table(['promise', 'bound', 'measured', 'met'], rows, ['left', 'right', 'right', 'left']);
}

function latency({ latency: rows }: Results): string | undefined {
  if (!rows) return undefined;
  const cells = rows.map((row) => [
    LABELS[row.name],
    milliseconds(row.p50Ms),
    milliseconds(row.p99Ms),
    row.name === 'direct' ? '' : micros(row.addedP50Ms),
    row.name === 'direct' ? '' : micros(row.addedSplitP50Ms),
    row.name === 'direct' ? '' : `${row.addedRatio.toFixed(2)}×`,
    `${row.around40Ms} of ${row.requests}`,
  ]);
  const head = ['', 'p50', 'p99', 'added p50', 'added, body in its own packet', 'added, over bare', '38–50 ms'];
  return section('Added latency, one request at a time', table(head, cells));
}

function throughput({ throughput: rows }: Results): string | undefined {
  if (!rows) return undefined;
  const cells = rows.map((row) => [
    LABELS[row.name],
    whole(row.perSecond),
    milliseconds(row.p50Ms),
    milliseconds(row.p99Ms),
    `${whole(row.cpuMicros)} µs`,
    `${whole(row.busy * 100)} %`,
    whole(row.perSecondBounded),
    `${row.toBare.perSecond.toFixed(2)}×`,
    `${row.toBare.cpu.toFixed(2)}×`,
    row.toPortkey === undefined ? '' : `${row.toPortkey.toFixed(1)}×`,
  ]);
  const bounded = `req/s with p99 ≤ ${P99_BOUND_MS} ms`;
  const head = ['', 'req/s', 'p50', 'p99', 'CPU a request', 'of one core', bounded];
  const ratios = ['req/s over bare', 'CPU over bare', 'req/s over Portkey'];
  return section(`Throughput, ${CONNECTIONS} connections`, table([...head, ...ratios], cells));
}

function streaming({ streaming: rows }: Results): string | undefined {
  if (!rows) return undefined;
  const cells = rows.map((row) => [
    LABELS[row.name],
    row.name === 'direct' ? '' : micros(row.addedTtftMs),
    row.name === 'direct' ? '' : micros(row.addedTransitP50Ms),
    row.name === 'direct' ? '' : micros(row.addedTransitP99Ms),
    row.name === 'direct' ? '' : micros(row.addedGapP99Ms),
    `${row.lost} / ${row.reordered} of ${row.frames}`,
    whole(row.framesPerSecond),
    `${row.cpuMicrosPerFrame.toFixed(1)} µs`,
    `${row.toBare.framesPerSecond.toFixed(2)}×`,
    `${row.toBare.cpu.toFixed(2)}×`,
  ]);
  const paced = ['added TTFT', 'added to a frame, p50', 'p99', 'added to a gap, p99', 'lost / out of order'];
  const flatOut = ['frames/s flat out', 'CPU a frame', 'frames/s over bare', 'CPU over bare'];
  const title = `Streams: ${PACED.connections} paced at ${PACED.intervalMs} ms, ${FLAT_OUT.connections} flat out`;
  return section(title, table(['', ...paced, ...flatOut], cells));
}

function accounting({ accounting: rows }: Results): string | undefined {
  if (!rows) return undefined;
  const cells = rows.map((row) => [
    row.name,
    whole(row.withPerSecond),
    whole(row.withoutPerSecond),
    `${row.withToWithout.toFixed(3)}×`,
    `${row.cpuWithToWithout.toFixed(3)}×`,
  ]);
  const head = ['', 'req/s with', 'req/s without', 'with over without', 'CPU with over without'];
  return section(`Ledger and limits, ${CONNECTIONS} connections`, table(head, cells));
}

function cache({ cache: rows }: Results): string | undefined {
  if (!rows) return undefined;
  const cells = rows.map((row) => [
    row.name,
    whole(row.missesPerSecond),
    whole(row.hitsPerSecond),
    `${row.hitToMiss.toFixed(1)}×`,
    `${whole(row.missMicros)} µs`,
    `${whole(row.hitMicros)} µs`,
    `${whole(row.plainMicros)} µs`,
  ]);
  const head = ['', 'misses/s', 'hits/s', 'hits over misses', 'CPU a miss', 'CPU a hit', 'CPU without a cache'];
  return section(`Cache, ${CONNECTIONS} connections`, table(head, cells));
}

function memory({ memory: rows }: Results): string | undefined {
  if (!rows) return undefined;
  const cells = rows.map((row) => [
    LABELS[row.name],
    megabytes(row.idleMb),
    megabytes(row.idlePrivateMb),
    megabytes(row.peakMb),
    megabytes(row.afterMb),
  ]);
  return section('Memory (resident)', table(['', 'idle', 'of it private', 'peak under load', 'after'], cells));
}

function start({ start: rows }: Results): string | undefined {
  if (!rows) return undefined;
  const cells = rows.map((row) => [
    row.name === 'node -e 0' ? '`node -e 0`' : LABELS[row.name],
    `${whole(row.medianMs)} ms`,
    `${whole(row.firstMs)} ms`,
    `${row.toNode.toFixed(1)}×`,
  ]);
  return section('Process start to first answer', table(['', 'median', 'very first', 'over `node -e 0`'], cells));
}

function soak({ soak: result }: Results): string | undefined {
  if (!result) return undefined;
  const { minutes, requests, errors, lostFrames, idleMb, minutesMb, peakMb, halfwayMb, afterMb, files } = result;
  const quiet = (mb: number): string => `${megabytes(mb)} (${(mb / idleMb).toFixed(2)}× before)`;
  const onDisk = files.map(({ name, mb }) => `${name} ${mb.toFixed(1)} MB`).join(', ');
  const text = `${minutes} minutes of whole answers, streams, and clients that leave in the middle, by a node that also has documents:
${requests} requests, ${errors} errors, ${lostFrames} frames lost. Resident memory before: ${megabytes(idleMb)}, at the end of each minute:
${minutesMb.map(whole).join(', ')} MB, peak ${megabytes(peakMb)}; after a minute of quiet in the middle ${quiet(halfwayMb)}, and at the end ${quiet(afterMb)}.
On disk then: ${onDisk}.`;
  return section('Soak', text);
}

function section(title: string, body: string): string {
  return `## ${title}\n\n${body}\n`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[], align?: readonly Align[]): string {
  const lines = [head, head.map((_, column) => rule(align?.[column] ?? (column === 0 ? 'left' : 'right'))), ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function rule(align: Align): string {
  return align === 'left' ? '---' : '---:';
}

function milliseconds(value: number): string {
  return `${value.toFixed(2)} ms`;
}

function micros(valueMs: number): string {
  return `${whole(valueMs * 1_000)} µs`;
}

function megabytes(value: number): string {
  return `${whole(value)} MB`;
}

function whole(value: number): string {
  return String(Math.round(value));
}
