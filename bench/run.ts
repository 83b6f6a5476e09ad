// Asks the questions and reports.
//
//   npm run bench                        everything but the soak, and rewrites docs/benchmarks.md
//   npm run bench -- --quick             the same in two minutes, only printed
//   npm run bench -- latency streaming   only these, only printed
//   npm run bench -- soak --minutes 10   memory over time, rewrites its section

import { loadavg } from 'node:os';
import { oneOf, readOptions } from '../scripts/command-line.ts';
import { type AccountingOptions, measureAccounting } from './accounting.ts';
import { type CacheOptions, measureCache } from './cache.ts';
import { Arena, availableGateways, type Contestant } from './contestants.ts';
import { circumstances, DOCUMENT, writeDocument } from './document.ts';
import { goals } from './goals.ts';
import { type LatencyOptions, measureLatency } from './latency.ts';
import { LoadGenerator } from './load-generator.ts';
import { type MemoryOptions, measureMemory } from './memory.ts';
import { goalsTable, sections } from './report.ts';
import type { Results } from './results.ts';
import { soak } from './soak.ts';
import { measureStart } from './start.ts';
import { FLAT_OUT, measureStreaming, type StreamingOptions } from './streaming.ts';
import { CONNECTIONS, measureThroughput, type ThroughputOptions } from './throughput.ts';

const QUESTIONS = ['latency', 'throughput', 'streaming', 'accounting', 'cache', 'memory', 'start', 'soak'] as const;
type Question = (typeof QUESTIONS)[number];

interface Settings {
  readonly warmUp: { readonly requests: number; readonly maxMs: number };
  readonly latency: LatencyOptions;
  readonly throughput: ThroughputOptions;
  readonly streaming: StreamingOptions;
  readonly accounting: AccountingOptions;
  readonly cache: CacheOptions;
  readonly memory: MemoryOptions;
  readonly startRounds: number;
}

const FULL: Settings = {
  warmUp: { requests: 60_000, maxMs: 25_000 },
  latency: { rounds: 10, sliceMs: 500 },
  throughput: { rounds: 10, sliceMs: 1_500, openRounds: 2, openSliceMs: 1_000 },
  streaming: { rounds: 5, pacedMs: 2_000, flatOutMs: 1_000 },
  accounting: { warmUpSlices: 10, rounds: 40, sliceMs: 400 },
  cache: { rounds: 5, sliceMs: 1_000 },
  memory: { settleMs: 8_000, loadMs: 8_000, quietMs: 45_000 },
  startRounds: 7,
};

const QUICK: Settings = {
  warmUp: { requests: 20_000, maxMs: 6_000 },
  latency: { rounds: 3, sliceMs: 300 },
  throughput: { rounds: 3, sliceMs: 1_000, openRounds: 1, openSliceMs: 500 },
  streaming: { rounds: 2, pacedMs: 1_000, flatOutMs: 500 },
  accounting: { warmUpSlices: 4, rounds: 10, sliceMs: 300 },
  cache: { rounds: 3, sliceMs: 500 },
  memory: { settleMs: 8_000, loadMs: 3_000, quietMs: 5_000 },
  startRounds: 2,
};

const { values, positionals } = readOptions({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false }, minutes: { type: 'string', default: '10' } },
});
for (const name of positionals) oneOf('question', name, QUESTIONS);
const asked = QUESTIONS.filter((question) => positionals.includes(question));
const settings = values.quick ? QUICK : FULL;
const isEverything = asked.length === 0 && !values.quick;
const loadAverage = loadavg()[0] ?? 0;
const questions: readonly Question[] = asked.length > 0 ? asked : QUESTIONS.filter((question) => question !== 'soak');

const arena = new Arena();
note('building flowmesh');
arena.build();
const upstream = await arena.startUpstream();
const load = new LoadGenerator();
const gateways = availableGateways();
const results: Results = {
  ...(await measureHot()),
  ...(questions.includes('accounting') && {
    accounting: await ask('accounting', () => measureAccounting(arena, load, settings.accounting)),
  }),
  ...(questions.includes('cache') && { cache: await ask('cache', () => measureCache(arena, load, settings.cache)) }),
  ...(questions.includes('memory') && { memory: await ask('memory', () => measureFresh()) }),
  ...(questions.includes('start') && {
    start: await ask('start', () => measureStart(arena, gateways, settings.startRounds)),
  }),
  ...(questions.includes('soak') && { soak: await ask('soak', () => soak(arena, load, Number(values.minutes))) }),
};
load.stop();
await upstream.stop();
report();

/** The questions about speed: all contestants run and are warm. */
async function measureHot(): Promise<Pick<Results, 'latency' | 'throughput' | 'streaming'>> {
  if (!questions.some((question) => ['latency', 'throughput', 'streaming'].includes(question))) return {};
  const contestants: Contestant[] = [await arena.start('direct')];
  for (const name of gateways) contestants.push(await arena.start(name));
  for (const contestant of contestants) await ask(`warming up ${contestant.name}`, () => warmUp(contestant));
  const hot = {
    ...(questions.includes('latency') && {
      latency: await ask('latency', () => measureLatency(contestants, load, settings.latency)),
    }),
    ...(questions.includes('throughput') && {
      throughput: await ask('throughput', () => measureThroughput(contestants, load, settings.throughput)),
    }),
    ...(questions.includes('streaming') && {
      streaming: await ask('streaming', () => measureStreaming(contestants, load, settings.streaming)),
    }),
  };
  for (const contestant of contestants) await contestant.stop();
  return hot;
}

/** Until it has answered so many requests that its code is optimized, or the patience is at an end. */
async function warmUp(contestant: Contestant): Promise<void> {
  const endsAt = performance.now() + settings.warmUp.maxMs;
  let answered = 0;
  while (answered < settings.warmUp.requests && performance.now() < endsAt) {
    const whole = { kind: 'closed', connections: CONNECTIONS, durationMs: 1_000 } as const;
    answered += (await load.measure(contestant, whole)).requests;
    await load.measure(contestant, { kind: 'stream', durationMs: 200, ...FLAT_OUT });
  }
}

function measureFresh() {
  return measureMemory(arena, gateways, load, settings.memory);
}

function report(): void {
  const written = sections(results);
  const head = `${goalsTable(results)}\n\n${circumstances(isEverything ? 'full' : 'partial', loadAverage)}`;
  process.stdout.write(`\n${[head, ...written.values()].join('\n\n')}\n`);
  const missed = goals(results).filter(({ isMet }) => !isMet);
  note(missed.length === 0 ? 'every promise is kept' : `not kept: ${missed.map(({ name }) => name).join('; ')}`);
  if (isEverything) writeDocument(new Map([['promises', head], ...written]));
  else if (results.soak) writeDocument(new Map([...written].filter(([name]) => name === 'soak')));
  else return;
  note(`written: ${DOCUMENT}`);
}

async function ask<Answer>(what: string, measure: () => Promise<Answer>): Promise<Answer> {
  note(what);
  return await measure();
}

function note(text: string): void {
  process.stderr.write(`bench: ${text}\n`);
}
