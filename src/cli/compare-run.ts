// Carries a comparison out: every prompt to every model, then every pair of answers to the judge.

import type { Answer, Answered, AnswerPlace, Comparison, Prompt, Verdict } from '../compare/comparison.ts';
import {
  combineOpinions,
  type JudgedPair,
  judgeMessages,
  type Opinion,
  type Order,
  parseOpinion,
} from '../compare/judge.ts';
import { baselineFor, likenessOf } from '../compare/likeness.ts';
import { textOf } from '../compare/prompts.ts';
import type { BareComparison } from '../compare/shadow-pairs.ts';
import { sumCosts } from '../compare/summary.ts';
import type { Random } from '../ports.ts';
import type { Asker, WholeAnswer } from './asker.ts';
import { CommandError } from './command-error.ts';

export interface Plan {
  /** ISO 8601. */
  readonly startedAt: string;
  /** The baseline first. */
  readonly models: readonly string[];
  readonly prompts: readonly Prompt[];
  readonly judge: string | undefined;
  readonly repeat: number;
  readonly concurrency: number;
  readonly maxOutputTokens: number | undefined;
}

export interface RunDeps {
  readonly asker: Asker;
  readonly random: Random;
  /** Dollars, undefined while unknown. */
  readonly costOf: (answer: WholeAnswer) => number | undefined;
  readonly onProgress: (done: number, total: number, what: string) => void;
}

/** A judge that says nothing usable is asked once more. */
const JUDGE_TRIES = 2;

/** @throws what is no failed answer: an interruption, a defect */
export async function runComparison(plan: Plan, deps: RunDeps): Promise<Comparison> {
  const { startedAt, models, prompts, repeat, judge } = plan;
  const answers = await mapBounded(placesOf(plan), plan.concurrency, {
    work: (place) => answerAt(place, plan, deps),
    onDone: (done, total) => deps.onProgress(done, total, 'answers'),
  });
  const compared = withLikenesses({ startedAt, models, repeat, prompts, answers });
  return judge === undefined ? compared : judgeAnswers(compared, { model: judge, concurrency: plan.concurrency }, deps);
}

/** Compared by similarity alone. */
export function withLikenesses(bare: BareComparison): Comparison {
  return { ...bare, likenesses: bare.answers.flatMap((answer) => likenessOf(answer, bare)), verdicts: [] };
}

/** The models of one prompt one after the other, beginning with another one each time: none is always the first. */
function placesOf({ models, prompts, repeat }: Plan): AnswerPlace[] {
  return prompts.flatMap((_, prompt) =>
    Array.from({ length: repeat }, (_run, run) =>
      models.map((_model, index) => {
        const model = models[(index + prompt + run) % models.length] ?? '';
        return { prompt, run, model };
      }),
    ).flat(),
  );
}

async function answerAt(place: AnswerPlace, { prompts, maxOutputTokens }: Plan, deps: RunDeps): Promise<Answer> {
  const { messages = [], settings } = prompts[place.prompt] ?? {};
  const question = {
    model: place.model,
    messages,
    ...(settings && { settings }),
    ...(maxOutputTokens !== undefined && { maxOutputTokens }),
  };
  try {
    const answer = await deps.asker.ask({ ...question, headers: comparisonHeaders(deps) });
    return { ...place, type: 'answered', ...answer, cost: deps.costOf(answer) };
  } catch (error) {
    return { ...place, type: 'failed', reason: reasonOf(error) };
  }
}

/** Begins the ids of requests that a comparison asks: where prompts are kept, the next one does not ask them again. */
export const COMPARISON_ID = 'compare-';

/** A kept answer would be measured as a fast one that costs as much as a new one. */
function comparisonHeaders({ random }: Pick<RunDeps, 'random'>): Readonly<Record<string, string>> {
  return { 'x-request-id': `${COMPARISON_ID}${random.uuid()}`, 'cache-control': 'no-store' };
}

/** @throws the error itself when it is none that the node told */
function reasonOf(error: unknown): string {
  if (error instanceof CommandError) return error.message;
  throw error;
}

export interface Judging {
  readonly model: string;
  readonly concurrency: number;
}

/** Every answer beside the baseline's, before a judge. @throws as `runComparison` does */
export async function judgeAnswers(
  compared: Comparison,
  { model, concurrency }: Judging,
  deps: RunDeps,
): Promise<Comparison> {
  const { answers, models, prompts } = compared;
  const pairs = answers.flatMap((candidate) => {
    if (candidate.type === 'failed' || candidate.model === models[0]) return [];
    const baseline = baselineFor(candidate, answers, models);
    return baseline ? [{ baseline, candidate }] : [];
  });
  const spent: Pick<Answered, 'cost'>[] = [];
  const ask = async (pair: JudgedPair, order: Order): Promise<Opinion> => {
    for (let tries = 0; tries < JUDGE_TRIES; tries += 1) {
      const messages = judgeMessages(pair, order, deps.random.uuid());
      const reply = await deps.asker.ask({ model, messages, headers: comparisonHeaders(deps) });
      spent.push({ cost: deps.costOf(reply) });
      const opinion = parseOpinion(reply.text, order);
      if (opinion) return opinion;
    }
    throw new CommandError('The judge did not reply with the object it was asked for.');
  };
  const verdicts = await mapBounded(pairs, concurrency, {
    work: async ({ baseline, candidate }): Promise<Verdict> => {
      const place = { prompt: candidate.prompt, run: candidate.run, model: candidate.model };
      const { messages = [], expected } = prompts[candidate.prompt] ?? {};
      const question = messages.map((message) => ({ role: message.role, text: textOf(message) }));
      const pair = { question, expected, baseline: baseline.text, candidate: candidate.text };
      try {
        const first = await ask(pair, 'baseline-first');
        const second = await ask(pair, 'candidate-first');
        return { ...place, type: 'judged', ...combineOpinions(first, second), reasons: [first.reason, second.reason] };
      } catch (error) {
        return { ...place, type: 'unjudged', reason: reasonOf(error) };
      }
    },
    onDone: (done, total) => deps.onProgress(done, total, 'judged'),
  });
  return { ...compared, verdicts, judge: { model, cost: sumCosts(spent) } };
}

interface BoundedWork<Item, Result> {
  work(item: Item): Promise<Result>;
  onDone(done: number, total: number): void;
}

/** At most `concurrency` at once; the results in the order of the items. */
async function mapBounded<Item, Result>(
  items: readonly Item[],
  concurrency: number,
  { work, onDone }: BoundedWork<Item, Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const pending = items.entries();
  let done = 0;
  const worker = async (): Promise<void> => {
    for (const [index, item] of pending) {
      results[index] = await work(item);
      done += 1;
      onDone(done, items.length);
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, worker));
  return results;
}
