// How hard to think, both ways: Gemini 3 has levels, Gemini 2.5 token budgets, older models neither.

import type { ReasoningRequest } from '../../model/chat.ts';
import { asBoolean, asNumber, asString, type JsonObject } from '../../model/json.ts';
import { definedOnly } from '../fields.ts';
import { budgetOf, type Effort, effortOf, isEffort } from '../reasoning.ts';
import { type ThinkingLevel, thinkingBudgets, thinkingControl, thinkingLevels } from './model-name.ts';

export function parseThinking(config: JsonObject): ReasoningRequest {
  const level = asString(config.thinkingLevel)?.toLowerCase();
  return definedOnly<ReasoningRequest>({
    effort: isEffort(level) ? level : undefined,
    budgetTokens: asNumber(config.thinkingBudget),
    isSummaryWanted: asBoolean(config.includeThoughts),
  });
}

/** Undefined where the model has no thinking to configure or nothing was asked. */
export function renderThinking(reasoning: ReasoningRequest, model: string): JsonObject | undefined {
  const control = thinkingControl(model);
  if (control === 'none') return undefined;
  const amount = control === 'level' ? levelOf(reasoning, model) : tokensOf(reasoning, model);
  const isOff = reasoning.effort === 'none' || reasoning.budgetTokens === 0;
  const isAsked = reasoning.effort !== undefined || reasoning.budgetTokens !== undefined;
  const includeThoughts = reasoning.isSummaryWanted ?? (isAsked && !isOff);
  const config: JsonObject = { ...amount, ...(includeThoughts && !isOff && { includeThoughts: true }) };
  return Object.keys(config).length > 0 ? config : undefined;
}

const STRENGTH: Readonly<Record<Effort, ThinkingLevel>> = {
  none: 'minimal',
  minimal: 'minimal',
  low: 'low',
  medium: 'medium',
  high: 'high',
  xhigh: 'high',
  max: 'high',
};
const ORDER: readonly ThinkingLevel[] = ['minimal', 'low', 'medium', 'high'];

/** The wished level, or the next stronger one that the model has: Gemini 3 cannot be switched off. */
function levelOf(reasoning: ReasoningRequest, model: string): JsonObject {
  const effort = effortOf(reasoning);
  if (effort === undefined) return {};
  const wanted = ORDER.indexOf(STRENGTH[effort]);
  const level = thinkingLevels(model).find((candidate) => ORDER.indexOf(candidate) >= wanted) ?? 'high';
  return { thinkingLevel: level.toUpperCase() };
}

function tokensOf(reasoning: ReasoningRequest, model: string): JsonObject {
  const budget = budgetOf(reasoning);
  if (budget === undefined) return {};
  if (budget < 0) return { thinkingBudget: -1 };
  const { canBeOff, least, most } = thinkingBudgets(model);
  if (budget === 0 && canBeOff) return { thinkingBudget: 0 };
  return { thinkingBudget: Math.min(most, Math.max(least, budget)) };
}
