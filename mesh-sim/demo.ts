// `npm run demo`: three nodes, clients that ask all the time, and one failure after the other, told as it happens. Needs
// neither root nor internet. Ends with a report whose picture shows the same.

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { styleText } from 'node:util';
import { readOptions } from '../scripts/command-line.ts';
import { House } from './demo/house.ts';
import { renderReport } from './real/html-report.ts';
import type { Seen } from './real/load-process.ts';
import { moment, pause } from './real/moment.ts';
import type { NodeCost, ScenarioRun } from './real/scenario.ts';
import type { CausedFault } from './real/stage.ts';
import { summarize } from './real/summary.ts';
import { World } from './real/world.ts';
import { type Fault, nodesOf, topology } from './topologies.ts';

const PER_SECOND = 12;
const STEP_MS = 5_000;
const SLOW_MS = 1_000;
/** Mostly it is a second; a machine with much to do takes longer. */
const TOGETHER_MS_MAX = 60_000;

const TOPOLOGY = topology({
  name: 'demo',
  about: 'Three nodes on one machine: n0 and n1 have a model, n2 has none. Clients ask n0 and n2.',
  nodes: 3,
  upstreams: [0, 1],
});

interface Step {
  readonly title: string;
  readonly story: string;
  readonly fault?: Fault;
  act(house: House): void | Promise<void>;
}

const STEPS: readonly Step[] = [
  {
    title: 'All is well',
    story: 'n2 has no model of its own: its clients are answered by n0 or n1, and do not know it.',
    act: () => undefined,
  },
  {
    title: 'n1 is killed (kill -9)',
    story: 'Its connections close, nobody sends it anything more, and n0 answers alone.',
    fault: { kind: 'crash', nodes: [1] },
    act: (house) => house.nodes[1]?.end(),
  },
  {
    title: 'n1 comes back',
    story: 'It finds the others by itself and takes its share again.',
    fault: { kind: 'boot', nodes: [1] },
    act: async (house) => {
      await house.nodes[1]?.boot();
      await allAlive();
    },
  },
  {
    title: 'The upstream of n0 is cut off',
    story: 'n0 has nothing left to answer with: its clients are answered by n1.',
    fault: { kind: 'upstream', nodes: [0], mood: 'refuse' },
    act: (house) => house.nodes[0]?.setMood('refuse'),
  },
  {
    title: 'The upstream is back',
    story: 'n0 tries it again after a few seconds, and keeps its clients to itself.',
    fault: { kind: 'upstream', nodes: [0], mood: 'well' },
    act: (house) => house.nodes[0]?.setMood('well'),
  },
  {
    title: 'n0 becomes an island',
    story: 'Its cables are cut; packets vanish and nobody is told. It serves its own clients alone, n2 goes to n1.',
    fault: { kind: 'partition', groups: [[0], [1, 2]] },
    act: (house) => house.isolate(0),
  },
  {
    title: 'The cables are mended',
    story: 'The two halves find each other and are one mesh again.',
    fault: { kind: 'heal' },
    act: async (house) => {
      house.reconnect(0);
      await allAlive();
    },
  },
];

readOptions({});
const house = new House();
process.once('exit', () => house.close());
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));

print(`\n${bold('flowmesh demo')}: ${TOPOLOGY.about}`);
print(`${dim('Each mark is one request of the OpenAI SDK:')} ${legend()}\n`);
const world = new World(TOPOLOGY);
const startedAt = moment();
world.remember(startedAt);
await house.build([true, true, false], (seen) => mark(seen));
const readyAt = moment();
await allAlive();
print(`Three nodes found and certified each other ${ms(moment() - startedAt)} after their start.`);

const askedFrom = moment();
const faults: CausedFault[] = [];
house.ask(
  [0, 2].flatMap((node) => house.nodes[node] ?? []),
  PER_SECOND,
);
for (const step of STEPS) await tell(step);
const askedUntil = moment();
await house.stopAsking();
finish();

async function tell({ title, story, fault, act }: Step): Promise<void> {
  print(`\n${bold(title)}\n${story}`);
  const from = moment();
  if (fault) {
    faults.push({ at: from, fault: { ...fault, atMs: from - askedFrom } });
    world.apply(fault);
    world.remember(from);
  }
  const firstSeen = house.seen.length;
  const acting = Promise.resolve(act(house)).then(() => isDone(fault));
  await pause(STEP_MS);
  await acting;
  const seen = house.seen.slice(firstSeen);
  const errors = seen.flatMap(({ error }) => error ?? []);
  const waits = seen.flatMap(({ ttftMs }) => ttftMs ?? []);
  print(
    `\n${dim(`${seen.length} requests, ${errors.length} failed or broke off, the slowest first token after ${ms(Math.max(0, ...waits))}`)}`,
  );
  for (const reason of new Set(errors.map(({ message }) => message))) print(dim(`  because: ${reason}`));
}

/** A node that was booted is ready. */
function isDone(fault: Fault | undefined): void {
  if (fault?.kind !== 'boot') return;
  for (const node of nodesOf(fault.nodes, TOPOLOGY)) world.setReady(node, moment());
}

function finish(): void {
  const seconds = (askedUntil - askedFrom) / 1_000;
  const costs = house.nodes.map(
    (node): NodeCost => ({
      name: node.name,
      cpuPercent: node.cpuMs() / seconds / 10,
      rssMb: node.memory()?.rssMb ?? 0,
      peakMb: node.peakMb(),
      bytesPerSecond: 0,
    }),
  );
  const { seen, sights } = house;
  const run: ScenarioRun = {
    topology: TOPOLOGY,
    times: { startedAt, readyAt, askedFrom, askedUntil, endedAt: moment() },
    faults,
    history: world.history,
    seen,
    sights,
    costs,
    stored: [],
    remarks: [],
  };
  const summary = summarize(run);
  const file = join(mkdtempSync(join(tmpdir(), 'flowmesh-report-')), 'demo.html');
  writeFileSync(file, renderReport(run, summary));
  const { all, answered, broken, failed, nobody } = summary.requests;
  const lost = [
    `${failed} failed`,
    ...(broken > 0 ? [`${broken} streams had begun at a node or upstream that died, and were told so`] : []),
    ...(nobody > 0 ? [`${nobody} nobody could answer`] : []),
  ];
  print(
    `\n\n${paint(failed > 0 ? 'red' : 'green', bold(`${answered} of ${all} requests answered`))}; ${lost.join('; ')}.`,
  );
  print(`The report with the picture of it: ${paint('underline', file)}\n`);
  process.exit(failed > 0 ? 1 : 0);
}

/** Each has been seen to believe in both others, since now. */
async function allAlive(): Promise<void> {
  const from = moment();
  const isTogether = (name: string): boolean => {
    const states = Object.values(
      house.sights.findLast((sight) => sight.node === name && sight.at >= from)?.states ?? {},
    );
    return states.length === 2 && states.every((state) => state === 'alive');
  };
  while (!house.nodes.every(({ name }) => isTogether(name))) {
    if (moment() - from > TOGETHER_MS_MAX) throw new Error(`They did not find each other.\n${house.nodes[0]?.tail()}`);
    await pause(50);
  }
}

function mark({ error, ttftMs = 0, target }: Seen): void {
  const isForwarded = (target?.split('/').length ?? 0) > 2;
  if (error) process.stdout.write(paint('red', '✗'));
  else if (ttftMs > SLOW_MS) process.stdout.write(paint('yellow', '○'));
  else process.stdout.write(isForwarded ? paint('cyan', '→') : paint('green', '●'));
}

function legend(): string {
  const words = [
    paint('green', '● own model'),
    paint('cyan', '→ by another node'),
    paint('yellow', '○ slow'),
    paint('red', '✗ failed'),
  ];
  return words.join('  ');
}

/** Coloured where the terminal has colours and nobody asked for none. */
function paint(format: Parameters<typeof styleText>[0], text: string): string {
  return styleText(format, text, { stream: process.stdout });
}

function bold(text: string): string {
  return paint('bold', text);
}

function dim(text: string): string {
  return paint('dim', text);
}

function ms(milliseconds: number): string {
  return milliseconds < 1_000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1_000).toFixed(1)} s`;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
