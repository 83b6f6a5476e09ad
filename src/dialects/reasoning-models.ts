// What a model's name tells about its reasoning, for upstreams that speak OpenAI's dialects. Asked only for requests of
// other dialects, whose clients cannot know what this upstream's model refuses.

import type { ReasoningRequest } from '../model/chat.ts';
import { type Effort, effortOf } from './reasoning.ts';

/** OpenAI's reasoning models refuse sampling fields and `max_tokens`. */
export function isOpenaiReasoningModel(model: string): boolean {
  const name = baseName(model);
  return /^o[134](?![a-z0-9])/.test(name) || (gptVersion(name) ?? 0) >= 5;
}

/** OpenAI's older models refuse every wish about reasoning; of all other names we do not know it. */
export function isPlainOpenaiModel(model: string): boolean {
  return (gptVersion(baseName(model)) ?? Number.POSITIVE_INFINITY) < 5;
}

/** The nearest effort the model takes; undefined when the field must not be sent. */
export function effortFor(model: string, reasoning: ReasoningRequest | undefined): Effort | undefined {
  const name = baseName(model);
  const effort = reasoning && (effortOf(reasoning) ?? dynamicEffort(reasoning, name));
  if (effort === undefined || !hasEffort(model)) return undefined;
  if (isMistralWithEffort(name)) return effort === 'none' || effort === 'minimal' ? 'none' : 'high';
  switch (effort) {
    case 'none':
      return leastEffort(name);
    case 'minimal':
      return gptVersion(name) === 5 ? 'minimal' : 'low';
    case 'xhigh':
    case 'max':
      return (gptVersion(name) ?? 0) >= 5.2 ? 'xhigh' : 'high';
    default:
      return effort;
  }
}

/** "Think as much as you see fit": a word must say it where the default is not to think at all. */
function dynamicEffort({ budgetTokens }: ReasoningRequest, name: string): Effort | undefined {
  const isOffByDefault = (gptVersion(name) ?? 0) > 5 || isMistralWithEffort(name);
  return budgetTokens === -1 && isOffByDefault ? 'medium' : undefined;
}

/** Models known to understand `reasoning_effort`; strict servers refuse the field for others. */
function hasEffort(model: string): boolean {
  const name = baseName(model);
  return (
    isOpenaiReasoningModel(model) ||
    isMistralWithEffort(name) ||
    /^(gpt-oss|grok-(3-mini|[4-9])|gemini-(2\.5|[3-9]))/.test(name)
  );
}

/** https://docs.mistral.ai/capabilities/reasoning/adjustable: it is on or off. */
function isMistralWithEffort(name: string): boolean {
  return /^mistral-(small-(latest|2603)|medium-3-5|large-4)/.test(name);
}

/** Only later models can be switched off, and of these not the largest; for the others the least there is. */
function leastEffort(name: string): Effort {
  const version = gptVersion(name);
  if (version === 5) return 'minimal';
  return version === undefined || /^gpt-(6-astra|6\.1-sol)/.test(name) ? 'low' : 'none';
}

/** 5.1 for `gpt-5.1-codex`, 4 for `gpt-4o`; undefined for names of others. */
function gptVersion(name: string): number | undefined {
  const version = /^gpt-(\d+(?:\.\d+)?)/.exec(name)?.[1];
  return version === undefined ? undefined : Number(version);
}

/** Without a vendor prefix (`openai/o3`). */
function baseName(model: string): string {
  return model.slice(model.lastIndexOf('/') + 1).toLowerCase();
}
