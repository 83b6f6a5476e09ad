// Whether and how much the model shall think, and the room its answer gets: one decision, because thinking counts
// toward `max_tokens`.

import type { ChatRequest, ReasoningRequest } from '../../model/chat.ts';
import type { JsonObject } from '../../model/json.ts';
import { budgetOf, effortOf } from '../reasoning.ts';
import { isThoughtMissing } from './history.ts';
import type { ModelGeneration } from './model-generation.ts';

/** Anthropic requires a bound; every Claude since 3.5 takes this one. */
const MAX_TOKENS_DEFAULT = 8_192;
/** The output of most Claude 4 models; a bound that we choose ourselves stays under it. */
const MAX_TOKENS_CHOSEN = 64_000;
const BUDGET_MIN = 1_024;
/** The budget where the model may decide but the API wants a number. */
const BUDGET_DEFAULT = 8_192;
/** Tokens that thinking always leaves for the answer: of the client's bound, and of one that we choose. */
const ANSWER_MIN = 1_024;
const ANSWER_ROOM = 4_096;

export interface ThinkingPlan {
  readonly maxTokens: number;
  readonly thinking?: JsonObject;
  /** For `output_config.effort`. */
  readonly effort?: string;
  readonly isThinking: boolean;
}

export function planThinking(
  request: ChatRequest,
  generation: ModelGeneration,
  messages: readonly JsonObject[],
  defaultMaxTokens: number | undefined,
): ThinkingPlan {
  const bound = request.sampling.maxOutputTokens ?? defaultMaxTokens;
  const off: ThinkingPlan = { maxTokens: bound ?? MAX_TOKENS_DEFAULT, isThinking: false };
  const wanted = request.reasoning && budgetOf(request.reasoning);
  if (!request.reasoning || wanted === undefined || generation.thinkingStyle === 'none') return off;
  const isToolForced = request.toolChoice?.type === 'required' || request.toolChoice?.type === 'tool';
  const budget = wanted < 0 ? BUDGET_DEFAULT : Math.max(BUDGET_MIN, wanted);
  const chosen = Math.min(MAX_TOKENS_CHOSEN, Math.max(MAX_TOKENS_DEFAULT, budget + ANSWER_ROOM));
  const maxTokens = bound ?? chosen;

  if (generation.thinkingStyle === 'adaptive') {
    // Several of these models refuse `disabled`: the least effort is the nearest that all take.
    if (wanted === 0) return { ...off, effort: 'low' };
    const effort = adaptiveEffort(request.reasoning, generation);
    const wish = effort === undefined ? {} : { effort };
    if (isToolForced) return { ...off, ...wish };
    const display = request.reasoning.isSummaryWanted ? { display: 'summarized' } : {};
    return { maxTokens, ...wish, thinking: { type: 'adaptive', ...display }, isThinking: true };
  }

  if (wanted === 0) return { ...off, thinking: { type: 'disabled' } };
  if (isToolForced || maxTokens < BUDGET_MIN + ANSWER_MIN || isThoughtMissing(messages)) return off;
  const room = maxTokens - (bound === undefined ? ANSWER_ROOM : ANSWER_MIN);
  const thinking = { type: 'enabled', budget_tokens: Math.min(budget, room) };
  return { maxTokens, thinking, isThinking: true };
}

function adaptiveEffort(reasoning: ReasoningRequest, generation: ModelGeneration): string | undefined {
  const effort = effortOf(reasoning);
  if (effort === 'minimal') return 'low';
  return effort === 'xhigh' && !generation.hasExtraHighEffort ? 'high' : effort;
}
