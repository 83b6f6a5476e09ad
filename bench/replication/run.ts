// `node bench/replication/run.ts`: measures the promises of docs/replication.md with real processes and writes the section
// "replication" of docs/benchmarks.md. Needs root. --only A,B measures some of them and only prints; --dist DIRECTORY runs
// what `npm run build` made instead of the sources.

import { availableParallelism, loadavg } from 'node:os';
import type { Measured } from '../../mesh-sim/real/goals/measured.ts';
import { programBuilt, programFromSource } from '../../mesh-sim/real/mesh-node.ts';
import { namespacesMissing } from '../../mesh-sim/real/namespaces.ts';
import { oneOf, readOptions, wholeNumber } from '../../scripts/command-line.ts';
import { writeSection } from '../document.ts';
import { budget } from './budget.ts';
import { fetching } from './fetching.ts';
import { islands } from './islands.ts';
import { besideStreams, interrupted } from './joining.ts';
import { visibility } from './visible.ts';

const { values } = readOptions({
  options: { only: { type: 'string' }, dist: { type: 'string' }, edits: { type: 'string', default: '10000' } },
});
const edits = wholeNumber('edits', values.edits);
const missing = namespacesMissing();
if (missing !== undefined) {
  process.stdout.write(`skipped: ${missing}\n`);
  process.exit();
}
const options = { program: values.dist === undefined ? programFromSource() : programBuilt(values.dist) };

const TEN_YEARS_MS = 10 * 365 * 86_400_000;
const QUESTIONS: Readonly<Record<string, () => Promise<Measured[]>>> = {
  visible: () => visibility(options),
  fetching: () => fetching(),
  streams: () => besideStreams(options),
  interrupted: () => interrupted(options),
  budget: () => budget(options),
  islands: () => islands({ ...options, edits: edits }),
  clocks: () => islands({ ...options, edits: 500, clocksMs: [0, TEN_YEARS_MS, -TEN_YEARS_MS] }),
};

const asked = values.only?.split(',').map((name) => oneOf('question', name, Object.keys(QUESTIONS)));

const CELLS: Readonly<Record<string, string>> = { true: 'yes', false: '**no**', undefined: '–' };
const rows: string[] = [];
const load = loadavg()[0] ?? 0;
for (const name of asked ?? Object.keys(QUESTIONS)) {
  for (const { promise, bound, measured, isKept } of await answersTo(name)) {
    rows.push(`| ${promise} | ${bound} | ${measured} | ${CELLS[String(isKept)]} |`);
    process.stdout.write(`${rows.at(-1)}\n`);
  }
}
if (values.only === undefined) writeSection('replication', section());
process.exit();

/** What one question fails at costs none of the others. */
async function answersTo(name: string): Promise<readonly Measured[]> {
  try {
    return (await QUESTIONS[name]?.()) ?? [];
  } catch (error) {
    return [{ promise: name, bound: 'that it ends', measured: String(error).replaceAll(/\s+/g, ' '), isKept: false }];
  }
}

function section(): string {
  return `## Replication

Real processes, one network namespace each; nodes are looked at through their files. \`node bench/replication/run.ts\`
measures all of it and rewrites this section. ${new Date().toISOString().slice(0, 10)}, ${availableParallelism()} cores
shared with other work (load average ${load.toFixed(1)} before it began).

| promise | bound | measured | kept |
| --- | ---: | ---: | --- |
${rows.join('\n')}
`;
}
