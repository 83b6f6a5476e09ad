// What a model's name tells about its reasoning. Asked only for requests of other dialects, whose clients cannot know
// what this upstream's model refuses.

import type { Effort } from '../reasoning.ts';

/** OpenAI's reasoning models refuse sampling fields and `max_tokens`. */
export function isOpenaiReasoningModel(model: string): boolean {
  return /^(o[134](?![a-z0-9])|gpt-5)/.test(baseName(model));
}

/** Models known to understand `reasoning_effort`; strict servers refuse the field for others. */
function hasEffort(model: string): boolean {
  return isOpenaiReasoningModel(model) || /^(gpt-oss|grok-(3-mini|[4-9])|gemini-(2\.5|[3-9]))/.test(baseName(model));
}

/** The nearest effort the model takes; undefined when the field must not be sent. */
export function effortFor(model: string, effort: Effort | undefined): Effort | undefined {
  if (effort === undefined || !hasEffort(model)) return undefined;
  const name = baseName(model);
  switch (effort) {
    case 'none':
      // Only later ones can be switched off; for the others the least there is.
      if (/^gpt-5\.\d/.test(name)) return 'none';
      return /^gpt-5/.test(name) ? 'minimal' : 'low';
    case 'minimal':
      return /^gpt-5(?!\.\d)/.test(name) ? 'minimal' : 'low';
    case 'xhigh':
    case 'max':
      return 'high';
    default:
      return effort;
  }
}

/** Without a vendor prefix (`openai/o3`). */
function baseName(model: string): string {
  return model.slice(model.lastIndexOf('/') + 1).toLowerCase();
}
