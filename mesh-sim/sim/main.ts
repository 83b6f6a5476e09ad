// `npm run sim`: runs simulated worlds until one breaks a rule, shows the smallest way there, and how to see it again.

import { parseArgs } from 'node:util';
import { TOPOLOGIES, topologyNamed } from '../topologies.ts';
import { drawSchedule, scheduleOf } from './draw.ts';
import { type Outcome, runSchedule } from './run.ts';
import { describeOperation, type Schedule } from './schedule.ts';
import { shrink } from './shrink.ts';

const HELP = `npm run sim -- [options]
  --runs N          how many seeds (default 100)
  --seed N          this seed alone
  --first N         the first seed (default 1)
  --nodes N         machines in a drawn world (default 5)
  --operations N    operations in a drawn world (default 200)
  --topology NAME   a given world: ${TOPOLOGIES.map(({ name }) => name).join(', ')}, or all
  --trace           print the event log
  --no-shrink       do not look for the smallest schedule that fails
  --keep-going      count failures instead of stopping at the first one`;

/** Of a long run it is told now and then how far it is. */
const PROGRESS_RUNS = 100;

interface Settings {
  readonly nodes: number;
  readonly operations: number;
  readonly topology: string | undefined;
  readonly isTraced: boolean;
  readonly isShrunk: boolean;
  readonly isStopping: boolean;
}

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '100' },
    seed: { type: 'string' },
    first: { type: 'string', default: '1' },
    nodes: { type: 'string', default: '5' },
    operations: { type: 'string', default: '200' },
    topology: { type: 'string' },
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
    nodes: Number(values.nodes),
    operations: Number(values.operations),
    topology: values.topology,
    isTraced: values.trace,
    isShrunk: !values['no-shrink'],
    isStopping: !values['keep-going'],
  };
  const first = Number(values.seed ?? values.first);
  const count = values.seed === undefined ? Number(values.runs) : 1;
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  let events = 0;
  let runs = 0;
  let failures = 0;
  for (let seed = first; seed < first + count; seed += 1) {
    if (seed > first && (seed - first) % PROGRESS_RUNS === 0) console.error(`… before seed ${seed}`);
    for (const schedule of schedulesOf(seed, settings)) {
      const outcome = await runSchedule(schedule, settings.isTraced);
      runs += 1;
      events += outcome.events;
      if (settings.isTraced) console.log(outcome.lines.join('\n'));
      if (outcome.breaches.length === 0) continue;
      failures += 1;
      await report(outcome, settings);
      if (settings.isStopping) return 1;
    }
  }
  const { user, system } = process.cpuUsage(cpu);
  const cpuS = (user + system) / 1e6;
  const seconds = (performance.now() - startedAt) / 1_000;
  console.log(
    `${runs} schedules, ${failures} failed; ${seconds.toFixed(1)} s, ${(runs / seconds).toFixed(1)} a second, ` +
      `${(runs / cpuS).toFixed(1)} a second of CPU, ${Math.round(events / runs)} events each`,
  );
  return failures === 0 ? 0 : 1;
}

function schedulesOf(seed: number, { topology, nodes, operations }: Settings): readonly Schedule[] {
  if (topology === undefined) return [drawSchedule(seed, { nodes, operations })];
  if (topology === 'all') return TOPOLOGIES.filter((each) => each.nodes <= 32).map((each) => scheduleOf(each, seed));
  const found = topologyNamed(topology);
  if (!found) throw new Error(`There is no topology '${topology}'.\n${HELP}`);
  return [scheduleOf(found, seed)];
}

async function report(
  { schedule, breaches }: Outcome,
  { isShrunk, topology, nodes, operations }: Settings,
): Promise<void> {
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
  const world = topology === undefined ? `--nodes ${nodes} --operations ${operations}` : `--topology ${schedule.name}`;
  console.log(`See it again: npm run sim -- --seed ${schedule.seed} ${world} --trace`);
}
