// How like each answer is to the baseline's and to what was expected.

import type { Answer, AnswerPlace, Comparison, Likeness } from './comparison.ts';
import { compareTexts } from './similarity.ts';

export function likenessOf(
  answer: Answer,
  { answers, prompts, models }: Pick<Comparison, 'answers' | 'prompts' | 'models'>,
): Likeness[] {
  if (answer.type === 'failed') return [];
  const { prompt, run, model, text } = answer;
  const expected = prompts[prompt]?.expected;
  const baseline = model === models[0] ? undefined : baselineFor(answer, answers, models);
  return [
    {
      prompt,
      run,
      model,
      ...(baseline && { toBaseline: compareTexts(baseline.text, text) }),
      ...(expected !== undefined && { toExpected: compareTexts(expected, text) }),
    },
  ];
}

export function baselineFor({ prompt, run }: AnswerPlace, answers: readonly Answer[], models: readonly string[]) {
  return answers
    .filter((answer) => answer.type === 'answered')
    .find((answer) => answer.prompt === prompt && answer.run === run && answer.model === models[0]);
}
