// A Messages API body → the neutral request.

import type { ChatRequest, ReasoningRequest, ResponseFormat, Sampling, Tool, ToolChoice } from '../../model/chat.ts';
import { asObject, asString, type JsonObject } from '../../model/json.ts';
import type { RouteHints } from '../dialect.ts';
import {
  badRequest,
  definedOnly,
  optionalArray,
  optionalBoolean,
  optionalNumber,
  optionalObject,
  optionalString,
  requiredObject,
  requiredString,
} from '../fields.ts';
import { isEffort } from '../reasoning.ts';
import { furtherFields } from './extensions.ts';
import { parseMessages, parseSystem } from './parse-messages.ts';
import { toolsAtTheEnd } from './tool-changes.ts';

/** Headers that belong to the wire format and travel with the body. */
const WIRE_HEADERS = ['anthropic-version', 'anthropic-beta'];

export function parseRequest(body: JsonObject, route: RouteHints): ChatRequest {
  const { choice, isParallel } = parseToolChoice(optionalObject(body, 'tool_choice'));
  const outputConfig = optionalObject(body, 'output_config');
  const headers = wireHeaders(route);
  return definedOnly<ChatRequest>({
    model: route.model ?? requiredString(body, 'model'),
    isStream: route.isStream ?? optionalBoolean(body, 'stream') ?? false,
    messages: [...parseSystem(body), ...parseMessages(body)],
    tools: toolsAtTheEnd(optionalArray(body, 'tools') ?? [], body.messages).map(parseTool),
    toolChoice: choice,
    parallelToolCalls: isParallel,
    sampling: parseSampling(body, route.isTokenCount ?? false),
    responseFormat: parseFormat(outputConfig?.format ?? body.output_format),
    reasoning: parseReasoning(optionalObject(body, 'thinking'), outputConfig),
    endUser: asString(optionalObject(body, 'metadata')?.user_id),
    untranslatable: continuesThread(body) ? ['thread'] : undefined,
    original: { dialect: 'anthropic', body, ...(Object.keys(headers).length > 0 && { headers }) },
  });
}

/**
 * Its earlier messages are at Anthropic only; without them the conversation would be another one. A thread that is to
 * be created needs nothing: when it is continued, the client learns that there is none and sends everything.
 */
export function continuesThread(body: JsonObject): boolean {
  return asObject(body.thread)?.type === 'continue';
}

function wireHeaders(route: RouteHints): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of WIRE_HEADERS) {
    const value = route.headers?.[name];
    if (value !== undefined) headers[name] = value;
  }
  return headers;
}

function parseTool(value: unknown, index: number): Tool {
  const param = `tools[${index}]`;
  const tool = requiredObject(value, param);
  const type = optionalString(tool, 'type', `${param}.type`);
  if (type !== undefined && type !== 'custom') {
    return { name: asString(tool.name) ?? type, isHosted: true, extensions: { anthropic: tool } };
  }
  return definedOnly<Tool>({
    name: requiredString(tool, 'name', `${param}.name`),
    description: optionalString(tool, 'description', `${param}.description`),
    parameters: optionalObject(tool, 'input_schema', `${param}.input_schema`),
    isStrict: optionalBoolean(tool, 'strict', `${param}.strict`),
    ...furtherFields(tool, ['type', 'name', 'description', 'input_schema', 'strict']),
  });
}

function parseToolChoice(wire: JsonObject | undefined): { choice?: ToolChoice; isParallel?: boolean } {
  if (!wire) return {};
  const isParallelOff = optionalBoolean(wire, 'disable_parallel_tool_use', 'tool_choice.disable_parallel_tool_use');
  return {
    choice: toolChoice(wire),
    ...(isParallelOff !== undefined && { isParallel: !isParallelOff }),
  };
}

function toolChoice(wire: JsonObject): ToolChoice {
  const type = requiredString(wire, 'type', 'tool_choice.type');
  switch (type) {
    case 'auto':
    case 'none':
      return { type };
    case 'any':
      return { type: 'required' };
    case 'tool':
      return { type: 'tool', name: requiredString(wire, 'name', 'tool_choice.name') };
  }
  throw badRequest('tool_choice.type', "'tool_choice.type' must be one of auto, any, tool, none.");
}

function parseSampling(body: JsonObject, isTokenCount: boolean): Sampling {
  const maxOutputTokens = optionalNumber(body, 'max_tokens');
  if (maxOutputTokens === undefined && !isTokenCount) throw badRequest('max_tokens', 'max_tokens: Field required');
  if (maxOutputTokens !== undefined && maxOutputTokens < 0) {
    throw badRequest('max_tokens', 'max_tokens: Input should be greater than or equal to 0');
  }
  const stop = optionalArray(body, 'stop_sequences');
  if (stop?.some((sequence) => typeof sequence !== 'string')) {
    throw badRequest('stop_sequences', "'stop_sequences' must be an array of strings.");
  }
  return definedOnly<Sampling>({
    maxOutputTokens,
    temperature: optionalNumber(body, 'temperature'),
    topP: optionalNumber(body, 'top_p'),
    topK: optionalNumber(body, 'top_k'),
    stop: stop?.map(String),
  });
}

/** `output_config.format`, or the older beta's `output_format`. */
function parseFormat(value: unknown): ResponseFormat | undefined {
  const format = asObject(value);
  if (format?.type !== 'json_schema') return undefined;
  const schema = requiredObject(format.schema, 'output_config.format.schema');
  return { type: 'json-schema', name: 'answer', schema, isStrict: true };
}

function parseReasoning(
  thinking: JsonObject | undefined,
  outputConfig: JsonObject | undefined,
): ReasoningRequest | undefined {
  const effort = isEffort(outputConfig?.effort) ? outputConfig.effort : undefined;
  if (!thinking) return effort && { effort };
  const type = requiredString(thinking, 'type', 'thinking.type');
  if (type === 'disabled') return { effort: 'none' };
  const isSummaryWanted = thinking.display !== 'omitted';
  if (type === 'enabled') {
    const budgetTokens = optionalNumber(thinking, 'budget_tokens', 'thinking.budget_tokens');
    if (budgetTokens === undefined) {
      throw badRequest('thinking.budget_tokens', 'thinking.enabled.budget_tokens: Field required');
    }
    return definedOnly<ReasoningRequest>({ budgetTokens, effort, isSummaryWanted });
  }
  // `adaptive`, `between_tools` and whatever comes next: the model decides, as far as the effort lets it.
  return effort ? { effort, isSummaryWanted } : { budgetTokens: -1, isSummaryWanted };
}
