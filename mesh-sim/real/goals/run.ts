// `npm run mesh-goals`: measures every promise of docs/mesh.md with real processes and writes the section "mesh" of
// docs/benchmarks.md. Needs root and a build (npm run build). --only A,B measures some of them and only prints.

import { readFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { writeSection } from '../../../bench/document.ts';
import { oneOf, readOptions } from '../../../scripts/command-line.ts';
import { programBuilt } from '../mesh-node.ts';
import { namespacesMissing } from '../namespaces.ts';
import { idleCost } from './cost.ts';
import { deadUpstream, frozenPeer, lostPeer } from './failover.ts';
import { formation } from './formation.ts';
import { clientAbort, manyStreams, overhead, unreadStreams } from './forwarding.ts';
import { hostile } from './hostile.ts';
import type { Measured } from './measured.ts';
import { strangers } from './strangers.ts';

const { values } = readOptions({ options: { only: { type: 'string' }, dist: { type: 'string' } } });
const missing = namespacesMissing();
if (missing !== undefined) {
  process.stdout.write(`skipped: ${missing}\n`);
  process.exit();
}
const options = { program: programBuilt(values.dist) };

const GOALS: Readonly<Record<string, () => Promise<Measured[]>>> = {
  formation: () => formation(options),
  interfaces: () => formation({ ...options, hasManyInterfaces: true }),
  upstream: () => deadUpstream(options),
  kill: () => lostPeer('kill', options),
  cut: () => lostPeer('cut', options),
  frozen: () => frozenPeer(options),
  abort: () => clientAbort(options),
  streams: () => manyStreams(options),
  unread: () => unreadStreams(options),
  strangers: () => strangers(options),
  hostile: () => hostile(options),
  overhead: () => overhead(options),
  idle: () => idleCost(options),
};

const chosen = values.only?.split(',').map((name) => oneOf('goal', name, Object.keys(GOALS))) ?? Object.keys(GOALS);

const CELLS: Readonly<Record<string, string>> = { true: 'yes', false: '**no**', undefined: '–' };
const VERDICTS: Readonly<Record<string, string>> = { true: 'kept', false: 'MISSED', undefined: '' };
const load = loadavg()[0] ?? 0;
const rows: Measured[] = [];
for (const name of chosen) {
  const measured = await GOALS[name]?.().catch((error: unknown) => [notMeasured(name, error)]);
  for (const row of measured ?? []) {
    rows.push(row);
    process.stdout.write(
      `${VERDICTS[String(row.isKept)]?.padEnd(6)} ${row.promise} | ${row.bound} | ${row.measured}\n`,
    );
  }
}
if (values.only === undefined) writeSection('mesh', section(rows));
process.exit();

/** A promise that could not be tried is not kept; the others are tried all the same. */
function notMeasured(name: string, error: unknown): Measured {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  return { promise: `${name}: could not be measured`, bound: '', measured: 'failed', isKept: false };
}

/** Said as it was: on a shared machine it decides about the numbers. */
function priority(): string {
  const policy = Number(readFileSync('/proc/self/stat', 'utf8').split(') ')[1]?.split(' ')[38]);
  return policy === 0
    ? 'All processes of the run had normal priority.'
    : `All processes of the run had real-time priority (\`chrt --rr 1\`), because at normal priority other work on
the machine adds hundreds of milliseconds to everything.`;
}

function section(measured: readonly Measured[]): string {
  const date = new Date().toISOString().slice(0, 10);
  const lines = measured.map(
    ({ promise, bound, measured: value, isKept }) => `| ${promise} | ${bound} | ${value} | ${CELLS[String(isKept)]} |`,
  );
  return `## Mesh

Real processes (the built bundle), one network namespace each, no default route, on a bridge of the kernel; clients are the
official OpenAI SDK without retries of its own, 50 requests a second, half of them streams, through one node. Upstreams take
20 ms to begin, and 250 ms where a peer is killed or cut off, so that a dozen requests wait for their first token then.
\`node mesh-sim/real/goals/run.ts\` measures all of it and rewrites this section.

${date}, ${cpus().length} cores shared with other work (load average ${load.toFixed(1)}), Node ${process.versions.node}. ${priority()}

| promise | bound | measured | kept |
| --- | ---: | ---: | --- |
${lines.join('\n')}
`;
}
