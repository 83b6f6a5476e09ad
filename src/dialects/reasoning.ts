// How hard to think: words (OpenAI) ↔ token budgets (Anthropic, Gemini).

import type { ReasoningRequest } from '../model/chat.ts';

export type Effort = NonNullable<ReasoningRequest['effort']>;

const BUDGETS: Readonly<Record<Effort, number>> = {
  none: 0,
  minimal: 1_024,
  low: 2_048,
  medium: 8_192,
  high: 24_576,
  xhigh: 32_768,
  max: 65_536,
};

/** Tokens for the wish; 0 is off, -1 lets the model decide, undefined says nothing about it. */
export function budgetOf(reasoning: ReasoningRequest): number | undefined {
  return reasoning.budgetTokens ?? (reasoning.effort && BUDGETS[reasoning.effort]);
}

/** The nearest word; undefined lets the model decide. */
export function effortOf(reasoning: ReasoningRequest): Effort | undefined {
  if (reasoning.effort) return reasoning.effort;
  const budget = reasoning.budgetTokens;
  if (budget === undefined || budget < 0) return undefined;
  if (budget === 0) return 'none';
  if (budget <= 2_048) return 'low';
  return budget <= 12_288 ? 'medium' : 'high';
}

const EFFORTS: ReadonlySet<string> = new Set(Object.keys(BUDGETS));

export function isEffort(word: unknown): word is Effort {
  return typeof word === 'string' && EFFORTS.has(word);
}
