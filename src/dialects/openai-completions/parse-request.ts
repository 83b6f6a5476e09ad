// A legacy text completion request → the neutral model: the prompt is one user message.

import type { ChatRequest, Message, Sampling } from '../../model/chat.ts';
import type { JsonObject, JsonValue } from '../../model/json.ts';
import type { RouteHints } from '../dialect.ts';
import { badRequest, definedOnly, optionalBoolean, optionalNumber, optionalString, outputBound } from '../fields.ts';
import { INFILL_INSTRUCTION, infillText } from '../infill.ts';
import { parseCommonFields, parseSampling } from '../openai-chat/parse-request.ts';

export function parseRequest(body: JsonObject, route: RouteHints): ChatRequest {
  const sampling = parseSampling(body);
  refuseWhatChatCannotDo(body, sampling);
  const topLogprobs = optionalNumber(body, 'logprobs');
  return definedOnly<ChatRequest>({
    ...parseCommonFields(body, route),
    messages: parsePrompt(body.prompt, optionalString(body, 'suffix')),
    tools: [],
    sampling: definedOnly<Sampling>({
      ...sampling,
      maxOutputTokens: outputBound(body, 'max_tokens'),
      logprobs: topLogprobs === undefined ? undefined : true,
      topLogprobs,
    }),
    endUser: optionalString(body, 'user'),
    original: { dialect: 'openai-completions', body, ...(route.headers && { headers: route.headers }) },
  });
}

function parsePrompt(prompt: JsonValue | undefined, suffix: string | undefined): Message[] {
  const text = Array.isArray(prompt) && prompt.length === 1 ? prompt[0] : prompt;
  if (typeof text !== 'string') throw badRequest('prompt', promptSentence(prompt));
  if (!suffix) return [{ role: 'user', parts: [{ type: 'text', text }] }];
  return [
    { role: 'system', parts: [{ type: 'text', text: INFILL_INSTRUCTION }] },
    { role: 'user', parts: [{ type: 'text', text: infillText(text, suffix) }] },
  ];
}

function promptSentence(prompt: JsonValue | undefined): string {
  if (!Array.isArray(prompt)) return "'prompt' is required: a string, or an array of one string.";
  if (prompt.length > 1 && prompt.every((item) => typeof item === 'string')) {
    return "'prompt' must hold one text: flowmesh answers one prompt a request, so send one request for each.";
  }
  return "'prompt' must be a string, or an array of one string; token ids mean nothing to another model.";
}

/** Scoring the prompt itself, and choosing among hidden candidates, have no counterpart in a conversation. */
function refuseWhatChatCannotDo(body: JsonObject, sampling: Sampling): void {
  if (optionalBoolean(body, 'echo')) {
    throw badRequest('echo', "'echo' is not supported: put the prompt before the answer yourself.");
  }
  const bestOf = optionalNumber(body, 'best_of');
  if (bestOf !== undefined && bestOf > (sampling.candidateCount ?? 1)) {
    throw badRequest('best_of', "'best_of' must not be larger than 'n'.");
  }
}
