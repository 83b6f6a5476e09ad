// `npm run mesh-sim -- --topology NAME`: one topology with real processes in networks of their own. Needs Linux and root;
// without them it says so and ends well, so that it can stand in scripts.

import { accessSync, constants, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { oneOf, readOptions, refuse, wholeNumber } from '../../scripts/command-line.ts';
import { TOPOLOGIES, type Topology } from '../topologies.ts';
import { renderReport } from './html-report.ts';
import { programBuilt } from './mesh-node.ts';
import { namespacesMissing } from './namespaces.ts';
import { relayMissing } from './relay-switch.ts';
import { needsRelay, runScenario, unrunnable } from './scenario.ts';
import { type Summary, summarize } from './summary.ts';

const HELP = `npm run mesh-sim -- [options]
  --topology NAME   a given world (default lan), or all
  --list            shows them
  --seconds N       squeeze or stretch it so that clients ask for N seconds
  --html FILE       write the report with its picture
  --json FILE       write the numbers
  --built           run dist/ (npm run build) instead of the sources`;

const { values } = readOptions({
  options: {
    topology: { type: 'string', default: 'lan' },
    seconds: { type: 'string' },
    json: { type: 'string' },
    html: { type: 'string' },
    built: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.list) {
  for (const { name, about } of TOPOLOGIES) print(`${name.padEnd(14)} ${about}`);
  process.exit();
}
if (values.help) {
  print(HELP);
  process.exit();
}

oneOf('topology', values.topology, [...TOPOLOGIES.map(({ name }) => name), 'all']);
const chosen = TOPOLOGIES.filter(({ name }) => values.topology === 'all' || name === values.topology);
const durationMs = values.seconds === undefined ? undefined : wholeNumber('seconds', values.seconds) * 1_000;
const program = values.built ? programBuilt() : undefined;
if (program && !program.every((file) => existsSync(file))) refuse('There is no build yet: npm run build makes one.');
for (const file of [values.json, values.html]) if (file !== undefined) makeFolderOf(file);
const summaries: Summary[] = [];
const skipped: { readonly name: string; readonly skipped: string }[] = [];
for (const topology of chosen) {
  const reason = unrunnable(topology) ?? namespacesMissing() ?? (needsRelay(topology) ? relayMissing() : undefined);
  if (reason === undefined) {
    summaries.push(await one(topology));
    continue;
  }
  skipped.push({ name: topology.name, skipped: reason });
  print(`skipped ${topology.name}: ${reason}`);
}
const results = [...summaries, ...skipped];
if (values.json !== undefined)
  writeFileSync(values.json, JSON.stringify(chosen.length === 1 ? results[0] : results, null, 2));
if (chosen.length > 1) sum();
process.exit(summaries.every(({ isGreen }) => isGreen) ? 0 : 1);

async function one(topology: Topology): Promise<Summary> {
  print(`${topology.name}: ${topology.about}`);
  const run = await runScenario(topology, {
    ...(program && { program }),
    ...(durationMs !== undefined && { durationMs }),
    onProgress: (what) => print(`  ${what}`),
  });
  const summary = summarize(run);
  report(summary);
  if (values.html !== undefined) {
    const file = chosen.length === 1 ? values.html : values.html.replace(/(\.html)?$/, `-${topology.name}.html`);
    writeFileSync(file, renderReport(run, summary));
    print(`  ${resolve(file)}`);
  }
  return summary;
}

function report({ requests, p50Ms, p99Ms, formedMs, faults, complaints, documents, isGreen, costs }: Summary): void {
  const { all, answered, failed, broken, nobody } = requests;
  print(
    `  ${answered} of ${all} requests answered; ${failed} failed, ${broken} streams broke, ${nobody} nobody could answer`,
  );
  print(
    `  first token p50 ${p50Ms.toFixed(0)} ms, p99 ${p99Ms.toFixed(0)} ms; all knew all after ${formedMs ?? '–'} ms`,
  );
  for (const { what, failoverMs, agreedMs } of faults) {
    const agreed = agreedMs === undefined ? 'no agreement before the next' : `all agreed after ${agreedMs} ms`;
    print(`  ${what}: ${failoverMs === 0 ? 'no client waited' : `clients noticed for ${failoverMs} ms`}; ${agreed}`);
  }
  if (documents)
    print(`  all ${documents.count} documents were everywhere ${documents.everywhereMs} ms after the last was stored`);
  const worst = (of: (cost: (typeof costs)[number]) => number): number => Math.max(...costs.map(of));
  print(
    `  a node at most: ${worst(({ cpuPercent }) => cpuPercent).toFixed(1)} % CPU, ${worst(({ peakMb }) => peakMb).toFixed(0)} MB, ${(worst(({ bytesPerSecond }) => bytesPerSecond) / 1_000).toFixed(1)} KB/s`,
  );
  print(isGreen ? '  green' : `  RED: ${complaints.join('; ')}`);
}

/** One line for each at the end: what was red is far above by then. */
function sum(): void {
  for (const { name, isGreen, complaints } of summaries)
    print(`${name.padEnd(14)} ${isGreen ? 'green' : complaints.join('; ')}`);
  print(`${summaries.filter(({ isGreen }) => isGreen).length} of ${summaries.length} green, ${skipped.length} skipped`);
}

/** Before the run: it would be in vain if it could not be told. */
function makeFolderOf(file: string): void {
  try {
    const folder = dirname(resolve(file));
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
  } catch (error) {
    refuse(`Nothing can be written to ${file}: ${(error as Error).message}`);
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
