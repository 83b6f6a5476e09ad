// Pairs of answers that shadow traffic has left, as a comparison: the chain that served the clients is the baseline.

import type { ReplayableRequest, ShadowAnswer, ShadowPair } from '../model/replay.ts';
import type { Answer, AnswerPlace, Comparison, Prompt } from './comparison.ts';

/** A request as it was kept, to be asked or shown again. */
export function promptOf({ messages, ...settings }: ReplayableRequest): Prompt {
  return { messages, settings };
}

/** Not yet judged, and without likenesses. */
export type BareComparison = Pick<Comparison, 'startedAt' | 'models' | 'repeat' | 'prompts' | 'answers'>;

/** @param pairs all of one chain and one place where the copies went */
export function comparePairs(pairs: readonly ShadowPair[], startedAt: string): BareComparison {
  const [{ chain = '', to = '' } = {}] = pairs;
  return {
    startedAt,
    models: [chain, to],
    repeat: 1,
    prompts: pairs.map(({ request }) => promptOf(request)),
    answers: pairs.flatMap(({ served, shadow }, prompt) => [
      answerOf({ prompt, run: 0, model: chain }, served),
      answerOf({ prompt, run: 0, model: to }, shadow),
    ]),
  };
}

/** The pairs of each chain and place, in the order of their first. */
export function groupPairs(pairs: readonly ShadowPair[]): ShadowPair[][] {
  const groups = new Map<string, ShadowPair[]>();
  for (const pair of pairs) {
    const name = JSON.stringify([pair.chain, pair.to]);
    const group = groups.get(name);
    if (group) group.push(pair);
    else groups.set(name, [pair]);
  }
  return [...groups.values()];
}

function answerOf(place: AnswerPlace, { error, ...answer }: ShadowAnswer): Answer {
  if (error !== undefined) return { ...place, type: 'failed', reason: error };
  const { target, ttftMs, usage, cost, finish } = answer;
  return { ...place, type: 'answered', ...answer, target, ttftMs, usage, cost, finish };
}
