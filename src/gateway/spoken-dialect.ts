// Which dialect one request is made in. It is the account's own but for models that refuse function tools together with
// reasoning in OpenAI's chat API and take them on `/responses` of the same address: agents would not work there at all.

import { effortFor } from '../dialects/reasoning-models.ts';
import type { ChatRequest } from '../model/chat.ts';
import { matchesGlob } from './routing/glob.ts';
import type { Target } from './target.ts';

/** The target as this request must speak to it. */
export function spokenTo(target: Target, request: ChatRequest): Target {
  const { account, model, traits } = target;
  const isChoice =
    account.dialect === 'openai-chat' && traits.responsesModels?.some((pattern) => matchesGlob(pattern, model));
  if (!isChoice || !isBetterInResponses(request, model)) return target;
  return { ...target, account: { ...account, dialect: 'openai-responses' } };
}

/** A client of that dialect is served in its own words; others only where the chat API would refuse them. */
function isBetterInResponses({ original, tools, reasoning }: ChatRequest, model: string): boolean {
  if (original?.dialect === 'openai-responses') return true;
  return tools.some((tool) => !tool.isHosted) && effortFor(model, reasoning) !== 'none';
}
