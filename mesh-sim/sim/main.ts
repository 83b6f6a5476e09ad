// `npm run sim`: runs simulated worlds until one breaks a rule, shows the smallest way there, and how to see it again.

import { availableParallelism } from 'node:os';
import { oneOf, readOptions, wholeNumber } from '../../scripts/command-line.ts';
import { TOPOLOGIES } from '../topologies.ts';
import { type Outcome, runSchedule } from './run.ts';
import { describeOperation } from './schedule.ts';
import { runSeeds } from './seeds.ts';
import { shrink } from './shrink.ts';
import { schedulesOf, type WorldChoice } from './worlds.ts';

const HELP = `npm run sim -- [options]
  --runs N          how many seeds (default 100)
  --seed N          this seed alone
  --first N         the first seed (default 1)
  --nodes N         machines in a drawn world (default 5)
  --operations N    operations in a drawn world (default 200)
  --topology NAME   a given world: ${TOPOLOGIES.map(({ name }) => name).join(', ')}, or all
  --threads N       at once (default: one for each core; 1 with --seed)
  --trace           print the event log
  --no-shrink       do not look for the smallest schedule that fails
  --keep-going      count failures instead of stopping at the first one`;

/** Of a long run it is told now and then how far it is. */
const PROGRESS_RUNS = 100;
/** Of those that fail. */
const LOOKED_AT_MAX = 20;

interface Settings {
  readonly choice: WorldChoice;
  readonly isTraced: boolean;
  readonly isShrunk: boolean;
  readonly isStopping: boolean;
}

const { values } = readOptions({
  options: {
    runs: { type: 'string', default: '100' },
    seed: { type: 'string' },
    first: { type: 'string', default: '1' },
    nodes: { type: 'string', default: '5' },
    operations: { type: 'string', default: '200' },
    topology: { type: 'string' },
    threads: { type: 'string', default: String(availableParallelism()) },
    trace: { type: 'boolean', default: false },
    'no-shrink': { type: 'boolean', default: false },
    'keep-going': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) console.log(HELP);
else process.exitCode = await main();

async function main(): Promise<number> {
  const settings: Settings = {
    choice: {
      nodes: wholeNumber('nodes', values.nodes),
      operations: wholeNumber('operations', values.operations, 0),
      topology: values.topology && oneOf('topology', values.topology, [...TOPOLOGIES.map(({ name }) => name), 'all']),
    },
    isTraced: values.trace,
    isShrunk: !values['no-shrink'],
    isStopping: !values['keep-going'],
  };
  const first = wholeNumber('first', values.first);
  const count = wholeNumber('runs', values.runs);
  const threads = wholeNumber('threads', values.threads);
  if (values.seed !== undefined) {
    const isWell = await look(wholeNumber('seed', values.seed), settings);
    if (isWell) console.log(`Seed ${values.seed} keeps every rule.`);
    return isWell ? 0 : 1;
  }
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  let [events, runs] = [0, 0];
  const failed = new Set<number>();
  await runSeeds({ first, count, choice: settings.choice, threads }, (outcome) => {
    runs += 1;
    events += outcome.events;
    if (runs % PROGRESS_RUNS === 0) console.error(`… ${runs} schedules`);
    if (outcome.breaches.length > 0) failed.add(outcome.seed);
    return failed.size === 0 || !settings.isStopping;
  });
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (performance.now() - startedAt) / 1_000;
  for (const seed of [...failed].sort((a, b) => a - b).slice(0, LOOKED_AT_MAX)) await look(seed, settings);
  console.log(
    `${runs} schedules, ${failed.size} seeds failed; ${seconds.toFixed(1)} s, ${(runs / seconds).toFixed(1)} a second, ` +
      `${((runs * 1e6) / (user + system)).toFixed(1)} a second of CPU, ${Math.round(events / runs)} events each`,
  );
  return failed.size === 0 ? 0 : 1;
}

/** Runs the worlds of one seed here and shows what is wrong with them. @returns whether all is well */
async function look(seed: number, settings: Settings): Promise<boolean> {
  let isWell = true;
  for (const schedule of schedulesOf(seed, settings.choice)) {
    const outcome = await runSchedule(schedule, settings.isTraced);
    if (settings.isTraced) console.log(outcome.lines.join('\n'));
    if (outcome.breaches.length === 0) continue;
    isWell = false;
    await report(outcome, settings);
  }
  return isWell;
}

async function report({ schedule, breaches }: Outcome, { isShrunk, choice }: Settings): Promise<void> {
  console.log(`\nSeed ${schedule.seed} (${schedule.name}) breaks ${breaches.length} rules:`);
  for (const breach of breaches.slice(0, 10)) console.log(`  ${breach}`);
  const [first = ''] = breaches;
  if (isShrunk) {
    const small = await shrink(schedule, first.slice(0, first.indexOf(':')));
    const { link, upstreams, isWarm } = small;
    console.log(
      `The smallest schedule found that breaks the first one (${JSON.stringify({ link, upstreams, isWarm })}):`,
    );
    for (const operation of small.operations) console.log(`  ${describeOperation(operation)}`);
    const { breaches: left } = await runSchedule(small);
    for (const breach of left.slice(0, 3)) console.log(`  → ${breach}`);
  }
  const { topology, nodes, operations } = choice;
  const world = topology === undefined ? `--nodes ${nodes} --operations ${operations}` : `--topology ${schedule.name}`;
  console.log(`See it again: npm run sim -- --seed ${schedule.seed} ${world} --trace`);
}
