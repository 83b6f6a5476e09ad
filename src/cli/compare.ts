// `flowmesh compare`: asks several models the same, through a running node or one made just for this, and sets
// quality, cost and speed side by side: as a table, as an HTML report, as JSON.

import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Comparison } from '../compare/comparison.ts';
import { columnsFor, formatCost } from '../compare/format.ts';
import { PROMPTS_MAX } from '../compare/prompts.ts';
import { renderReport } from '../compare/report-html.ts';
import { comparePairs } from '../compare/shadow-pairs.ts';
import { summarise } from '../compare/summary.ts';
import type { Config } from '../config/config.ts';
import { presetNamed } from '../providers/preset-lookup.ts';
import { systemClock } from '../system/system-clock.ts';
import { systemRandom } from '../system/system-random.ts';
import { costOf } from '../tenancy/price.ts';
import { Asker, type WholeAnswer } from './asker.ts';
import type { Running } from './chat.ts';
import { CommandError, EXIT } from './command-error.ts';
import { judgeAnswers, type Plan, type RunDeps, runComparison, withLikenesses } from './compare-run.ts';
import { checkSource, promptsFrom, type SourceOptions, shadowPairs } from './compare-source.ts';
import { findNode, type NodeOptions } from './find-node.ts';
import { openTable } from './prices.ts';
import { type Surroundings, withSurroundings } from './surroundings.ts';
import { counted, harmless, note, print, table } from './terminal.ts';
import { writeFailure, writePrivateFile } from './write-file.ts';

export interface CompareOptions extends NodeOptions, SourceOptions {
  readonly config?: string;
  readonly models?: string;
  readonly judge?: string;
  readonly repeat: string;
  readonly concurrency: string;
  readonly maxTokens?: string;
  readonly html?: string;
  readonly json?: string;
  readonly force?: boolean;
}

/** As many as the report has colours for. */
const MODELS_MAX = 8;
const REPEAT_MAX = 100;
const CONCURRENCY_MAX = 64;
const MAX_TOKENS_MAX = 10_000_000;
/** All of them are held until the report is written. */
const ANSWERS_MAX = 10_000;

export async function compare(options: CompareOptions): Promise<void> {
  checkSource(options);
  const comparison = options.fromShadow ? await compareShadow(options) : await compareModels(options);
  report(comparison, options);
}

async function compareModels(options: CompareOptions): Promise<Comparison> {
  const asked = await questions(options);
  checkFiles(options);
  return withNode(options, (deps, startedAt) => runComparison({ ...asked, startedAt }, deps));
}

/** Both answers are there already: only a judge has to be asked. */
async function compareShadow(options: CompareOptions): Promise<Comparison> {
  const { judge } = options;
  const concurrency = countIn('--concurrency', options.concurrency, CONCURRENCY_MAX);
  const pairs = await shadowPairs(options);
  checkFiles(options);
  const compared = withLikenesses(comparePairs(pairs, new Date(systemClock.now()).toISOString()));
  if (judge === undefined) return compared;
  return withNode(options, (deps) => judgeAnswers(compared, { model: judge, concurrency }, deps));
}

/** With a running node, or one for this alone. */
function withNode(
  options: CompareOptions,
  work: (deps: RunDeps, startedAt: string) => Promise<Comparison>,
): Promise<Comparison> {
  return withSurroundings(async (around) => {
    const found = await findNode(options, around);
    const running: Running =
      found.type === 'node' ? found : await (await import('./own-node.ts')).ownNode(found.loaded, around);
    try {
      const startedAt = new Date(around.clock.now()).toISOString();
      return await interruptible((signal) =>
        work(
          {
            asker: new Asker(running.client, around.clock, signal),
            random: systemRandom,
            costOf: pricer(options, running.config, around),
            onProgress: tellProgress,
          },
          startedAt,
        ),
      );
    } finally {
      await running.stop?.();
    }
  });
}

/** @throws CommandError for what the command line or the prompts have wrong */
async function questions(options: CompareOptions): Promise<Omit<Plan, 'startedAt'>> {
  const models = (options.models ?? '').split(',').map((name) => name.trim());
  if (models.includes('') || models.length < 2 || models.length > MODELS_MAX) {
    throw usage(`--models takes from two to ${MODELS_MAX} names with commas between: --models a,b`);
  }
  if (new Set(models).size < models.length) throw usage('--models names a model twice');
  const repeat = countIn('--repeat', options.repeat, REPEAT_MAX);
  const concurrency = countIn('--concurrency', options.concurrency, CONCURRENCY_MAX);
  const maxOutputTokens =
    options.maxTokens === undefined ? undefined : countIn('--max-tokens', options.maxTokens, MAX_TOKENS_MAX);
  const prompts = await promptsFrom(options);
  const answers = models.length * repeat * prompts.length;
  if (answers > ANSWERS_MAX) {
    throw usage(`This would ask for ${answers} answers; ${ANSWERS_MAX} is the most (and ${PROMPTS_MAX} prompts)`);
  }
  return { models, prompts, judge: options.judge, repeat, concurrency, maxOutputTokens };
}

function countIn(option: string, value: string, maximum: number): number {
  const count = Number(value);
  if (/^\d+$/.test(value) && count >= 1 && count <= maximum) return count;
  throw usage(`${option} is a whole number from 1 to ${maximum}`);
}

function usage(sentence: string): CommandError {
  return new CommandError(`${sentence}.`, EXIT.usage);
}

/** Answers cost money: what can be known to fail at the end is told before the first one. */
function checkFiles({ html, json, force }: CompareOptions): void {
  for (const file of [html, json]) {
    if (file === undefined) continue;
    const code = existsSync(file) ? (force ? undefined : 'EEXIST') : existsSync(dirname(file)) ? undefined : 'ENOENT';
    if (code !== undefined) throw writeFailure(file, Object.assign(new Error(code), { code }));
  }
}

/** Ctrl-C ends all answers that are under way, and the command. */
async function interruptible<Result>(work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const interruption = new AbortController();
  const interrupt = (): void => interruption.abort();
  process.on('SIGINT', interrupt);
  try {
    return await work(interruption.signal);
  } catch (error) {
    throw interruption.signal.aborted ? new CommandError('', EXIT.interrupted) : error;
  } finally {
    process.off('SIGINT', interrupt);
  }
}

/** An account that no configuration here names is taken for the provider of its name, as accounts found by themselves are. */
function pricer({ config: named }: CompareOptions, served: Config | undefined, around: Surroundings) {
  const { config, prices } = openTable(named, around);
  const accounts = served?.accounts ?? config.accounts;
  return ({ target, usage: used }: WholeAnswer): number | undefined => {
    if (target === undefined || !used) return undefined;
    const [account = '', ...rest] = target.split('/');
    const provider = accounts[account]?.provider ?? presetNamed(account)?.name;
    if (provider === undefined) return undefined;
    return costOf(used, prices.find(provider, rest.join('/'), account)?.price);
  };
}

function tellProgress(done: number, total: number, what: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${done}/${total} ${what}${done === total ? '\n' : ''}`);
  else if (done === total) note(`${done}/${total} ${what}`);
}

/** @throws CommandError when there was nothing to compare */
function report(comparison: Comparison, { html, json, force }: CompareOptions): void {
  const summaries = summarise(comparison);
  const columns = columnsFor(summaries);
  print(
    table([
      columns.map(({ title }) => title),
      ...summaries.map((row) => columns.map(({ cell }) => harmless(cell(row)))),
    ]),
  );
  tellFailures(comparison);
  if (comparison.judge) note(`Judging cost ${formatCost(comparison.judge.cost)}.`);
  if (json !== undefined) writePrivateFile(json, `${JSON.stringify({ ...comparison, summaries }, null, 2)}\n`, force);
  if (html !== undefined) writePrivateFile(html, renderReport(comparison), force);
  if (comparison.likenesses.some(({ toBaseline }) => toBaseline)) return;
  throw new CommandError('There was no prompt that the baseline and another model both answered.');
}

/** The same reason mostly fails many answers: it is told once. */
function tellFailures({ answers, verdicts }: Comparison): void {
  const counts = new Map<string, number>();
  const count = (line: string): void => void counts.set(line, (counts.get(line) ?? 0) + 1);
  for (const answer of answers) if (answer.type === 'failed') count(`${answer.model}: ${answer.reason}`);
  for (const verdict of verdicts)
    if (verdict.type === 'unjudged') count(`judge of ${verdict.model}: ${verdict.reason}`);
  for (const [line, times] of counts) note(harmless(`${counted(times, 'failure')}: ${line}`));
}
