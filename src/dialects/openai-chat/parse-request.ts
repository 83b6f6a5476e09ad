// A chat completion request as the client sent it → the neutral model. What is not modelled stays in `original`.

import type { ChatRequest, ReasoningRequest, ResponseFormat, Sampling } from '../../model/chat.ts';
import { asArray, asString, isObject, type JsonObject } from '../../model/json.ts';
import type { RouteHints } from '../dialect.ts';
import {
  badRequest,
  definedOnly,
  optionalBoolean,
  optionalNumber,
  optionalObject,
  optionalString,
  optionalStringOrStrings,
  outputBound,
  requiredArray,
  requiredString,
} from '../fields.ts';
import { readModalities } from '../modalities.ts';
import { isEffort } from '../reasoning.ts';
import { parseMessages } from './parse-messages.ts';
import { parseToolChoice, parseTools } from './parse-tools.ts';

export function parseRequest(body: JsonObject, route: RouteHints): ChatRequest {
  return definedOnly<ChatRequest>({
    ...parseCommonFields(body, route),
    messages: parseMessages(requiredArray(body, 'messages')),
    tools: parseTools(body),
    toolChoice: parseToolChoice(body),
    parallelToolCalls: optionalBoolean(body, 'parallel_tool_calls'),
    sampling: definedOnly<Sampling>({
      ...parseSampling(body),
      maxOutputTokens: outputBound(body, 'max_completion_tokens') ?? outputBound(body, 'max_tokens'),
      logprobs: optionalBoolean(body, 'logprobs'),
      topLogprobs: optionalNumber(body, 'top_logprobs'),
    }),
    responseFormat: parseResponseFormat(body),
    reasoning: parseReasoning(body),
    endUser: optionalString(body, 'user') || optionalString(body, 'safety_identifier') || undefined,
    metadata: parseMetadata(body),
    modalities: readModalities(body.modalities),
    untranslatable: asksForMore(body) ? ['modalities'] : undefined,
    original: { dialect: 'openai-chat', body, ...(route.headers && { headers: route.headers }) },
  });
}

/** Sounds as an answer, say: where only text could come, the answer would be another one. */
function asksForMore({ modalities }: JsonObject): boolean {
  return asArray(modalities).some((modality) => modality !== 'text') && !readModalities(modalities);
}

/** What chat and legacy completions share besides sampling. */
export function parseCommonFields(
  body: JsonObject,
  route: RouteHints,
): { model: string; isStream: boolean; isUsageWanted: boolean | undefined } {
  const streamOptions = optionalObject(body, 'stream_options');
  return {
    model: requestedModel(body, route),
    isStream: optionalBoolean(body, 'stream') ?? route.isStream ?? false,
    isUsageWanted: streamOptions && optionalBoolean(streamOptions, 'include_usage', 'stream_options.include_usage'),
  };
}

/** Azure clients name the deployment in the URL, and may leave `model` empty. */
export function requestedModel(body: JsonObject, route: RouteHints): string {
  const model = route.model ?? requiredString(body, 'model');
  if (model === '') throw badRequest('model', "'model' must not be empty.");
  return model;
}

/** The sampling fields that chat and legacy completions spell alike. */
export function parseSampling(body: JsonObject): Sampling {
  const candidateCount = optionalNumber(body, 'n');
  if (candidateCount !== undefined && !(Number.isInteger(candidateCount) && candidateCount >= 1)) {
    throw badRequest('n', "'n' must be a whole number of at least 1.");
  }
  return definedOnly<Sampling>({
    temperature: optionalNumber(body, 'temperature'),
    topP: optionalNumber(body, 'top_p'),
    topK: optionalNumber(body, 'top_k'),
    // An empty one would stop some servers at once.
    stop: optionalStringOrStrings(body, 'stop')?.filter((sequence) => sequence !== ''),
    seed: optionalNumber(body, 'seed'),
    presencePenalty: optionalNumber(body, 'presence_penalty'),
    frequencyPenalty: optionalNumber(body, 'frequency_penalty'),
    candidateCount,
  });
}

/** A type that only some server knows (a grammar, say) stays in the original. */
function parseResponseFormat(body: JsonObject): ResponseFormat | undefined {
  const format = optionalObject(body, 'response_format');
  if (!format) return undefined;
  const type = requiredString(format, 'type', 'response_format.type');
  if (type === 'text') return { type };
  if (type === 'json_object') {
    // llama.cpp and others take the schema here.
    return isObject(format.schema)
      ? { type: 'json-schema', name: 'response', schema: format.schema }
      : { type: 'json' };
  }
  if (type !== 'json_schema') return undefined;
  const param = 'response_format.json_schema';
  const wrapper = optionalObject(format, 'json_schema', param);
  if (!wrapper) throw badRequest(param, `'${param}' is required when 'response_format.type' is 'json_schema'.`);
  return definedOnly<Extract<ResponseFormat, { type: 'json-schema' }>>({
    type: 'json-schema',
    name: requiredString(wrapper, 'name', `${param}.name`),
    schema: optionalObject(wrapper, 'schema', `${param}.schema`) ?? {},
    description: optionalString(wrapper, 'description', `${param}.description`),
    isStrict: optionalBoolean(wrapper, 'strict', `${param}.strict`),
  });
}

/** OpenAI's `reasoning_effort`, OpenRouter's `reasoning` object, Anthropic's `thinking` as its SDK users add it. */
function parseReasoning(body: JsonObject): ReasoningRequest | undefined {
  const effort = optionalString(body, 'reasoning_effort');
  const reasoning = isObject(body.reasoning) ? body.reasoning : {};
  const thinking = isObject(body.thinking) ? body.thinking : {};
  const word = effort ?? asString(reasoning.effort);
  const isExcluded = optionalBoolean(reasoning, 'exclude', 'reasoning.exclude');
  const parsed = definedOnly<ReasoningRequest>({
    effort: isEffort(word) ? word : undefined,
    budgetTokens:
      thinking.type === 'disabled'
        ? 0
        : (optionalNumber(reasoning, 'max_tokens', 'reasoning.max_tokens') ??
          optionalNumber(thinking, 'budget_tokens', 'thinking.budget_tokens')),
    isSummaryWanted: isExcluded === undefined ? undefined : !isExcluded,
  });
  return Object.keys(parsed).length > 0 ? parsed : undefined;
}

function parseMetadata(body: JsonObject): Record<string, string> | undefined {
  const metadata = optionalObject(body, 'metadata');
  if (!metadata) return undefined;
  return Object.fromEntries(
    Object.entries(metadata).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
