// A client's Responses request → ChatRequest.

import type { ChatRequest, Message, ReasoningRequest, Sampling } from '../../model/chat.ts';
import { asArray, isObject, type JsonObject, type JsonValue } from '../../model/json.ts';
import type { RouteHints } from '../dialect.ts';
import {
  badRequest,
  definedOnly,
  optionalBoolean,
  optionalNumber,
  optionalObject,
  optionalString,
  outputBound,
  requiredString,
} from '../fields.ts';
import { isEffort } from '../reasoning.ts';
import { ClientTools } from './client-tools.ts';
import { asksForCompaction, isCompaction, openedSummary } from './compaction.ts';
import { inputItems, isReference } from './items.ts';
import { parseItems } from './parse-items.ts';
import { parseResponseFormat, parseToolChoice, parseTools } from './parse-tools.ts';

export function parseRequest(body: JsonObject, route: RouteHints): ChatRequest {
  if (body.background === true) {
    throw badRequest(
      'background',
      "'background' is not available here. Leave it out and use 'stream' for long answers.",
    );
  }
  checkInput(body);
  const items = inputItems(body);
  const tools = parseTools(body);
  // A summary is neither called for nor formatted.
  const isCompacting = asksForCompaction(items);
  const untranslatable = untranslatableFields(body);
  return definedOnly<ChatRequest>({
    model: route.model ?? requiredString(body, 'model'),
    isStream: route.isStream ?? optionalBoolean(body, 'stream') ?? false,
    messages: [...parseInstructions(body), ...parseItems(items, new ClientTools({ tools }))],
    tools: isCompacting ? [] : tools,
    toolChoice: isCompacting ? undefined : parseToolChoice(body, tools),
    parallelToolCalls: optionalBoolean(body, 'parallel_tool_calls'),
    sampling: parseSampling(body),
    responseFormat: isCompacting ? undefined : parseResponseFormat(body),
    reasoning: parseReasoning(body),
    // This wire always has the counts in its last event.
    isUsageWanted: true,
    endUser: optionalString(body, 'safety_identifier') ?? optionalString(body, 'user'),
    metadata: parseMetadata(body),
    untranslatable: untranslatable.length > 0 ? untranslatable : undefined,
    original: { dialect: 'openai-responses', body, ...(route.headers && { headers: route.headers }) },
  });
}

/** What stands for messages that only OpenAI keeps: without them the conversation would be another one. */
function untranslatableFields(body: JsonObject): string[] {
  const items = inputItems(body);
  const firstAnswer = items.findIndex(isOfAssistant);
  const references = items.flatMap((item, index) => {
    // Sealed by OpenAI, and where a client has left out the answers that it stands for, all that there is of them.
    const isSealed = isCompaction(item) && !openedSummary(item) && (firstAnswer < 0 || index < firstAnswer);
    return isReference(item) || isSealed ? [`input[${index}]`] : [];
  });
  return [...['conversation', 'prompt'].filter((field) => body[field] != null), ...references];
}

function isOfAssistant(item: JsonValue): boolean {
  return (
    isObject(item) && (item.role === 'assistant' || item.type === 'function_call' || item.type === 'custom_tool_call')
  );
}

function checkInput(body: JsonObject): void {
  const { input } = body;
  if (typeof input === 'string' || Array.isArray(input)) return;
  // A stored prompt or conversation may bring all there is to say.
  const hasOther = body.prompt != null || body.previous_response_id != null || body.conversation != null;
  if ((input === undefined || input === null) && hasOther) return;
  if (input === undefined || input === null) throw badRequest('input', "'input' is required.");
  throw badRequest('input', "'input' must be a string or an array of items.");
}

/** Marked, so that an edited conversation puts it back where it came from. */
function parseInstructions(body: JsonObject): Message[] {
  const text = optionalString(body, 'instructions');
  if (text === undefined || text === '') return [];
  const extensions = { 'openai-responses': { isInstructions: true } };
  return [{ role: 'system', parts: [{ type: 'text', text }], extensions }];
}

function parseSampling(body: JsonObject): Sampling {
  const topLogprobs = optionalNumber(body, 'top_logprobs');
  const isLogprobsWanted = asArray(body.include).includes('message.output_text.logprobs');
  return definedOnly<Sampling>({
    maxOutputTokens: outputBound(body, 'max_output_tokens'),
    temperature: optionalNumber(body, 'temperature'),
    topP: optionalNumber(body, 'top_p'),
    logprobs: isLogprobsWanted || (topLogprobs ?? 0) > 0 ? true : undefined,
    topLogprobs,
  });
}

function parseReasoning(body: JsonObject): ReasoningRequest | undefined {
  const reasoning = optionalObject(body, 'reasoning');
  if (!reasoning) return undefined;
  const effort = optionalString(reasoning, 'effort', 'reasoning.effort');
  const summary =
    optionalString(reasoning, 'summary', 'reasoning.summary') ??
    optionalString(reasoning, 'generate_summary', 'reasoning.generate_summary');
  const wish = definedOnly<ReasoningRequest>({
    // A word we do not know yet goes to OpenAI with the original; elsewhere the model decides.
    effort: isEffort(effort) ? effort : undefined,
    isSummaryWanted: summary === undefined ? undefined : true,
  });
  return Object.keys(wish).length === 0 ? undefined : wish;
}

function parseMetadata(body: JsonObject): Record<string, string> | undefined {
  const metadata = optionalObject(body, 'metadata');
  if (!isObject(metadata)) return undefined;
  const entries = Object.entries(metadata).flatMap(([key, value]) =>
    typeof value === 'string' ? [[key, value] as const] : [],
  );
  return Object.fromEntries(entries);
}
