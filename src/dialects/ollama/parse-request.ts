// POST /api/chat of a client → ChatRequest.

import type {
  ChatRequest,
  MediaPart,
  Message,
  Part,
  ReasoningRequest,
  ResponseFormat,
  Sampling,
  Tool,
  ToolCallPart,
  ToolResultPart,
} from '../../model/chat.ts';
import type { JsonObject, JsonValue } from '../../model/json.ts';
import { parseDataUri } from '../data-uri.ts';
import type { RouteHints } from '../dialect.ts';
import {
  badRequest,
  definedOnly,
  optionalArray,
  optionalBoolean,
  optionalNumber,
  optionalObject,
  optionalString,
  optionalStringOrStrings,
  outputBound,
  requiredObject,
  requiredString,
} from '../fields.ts';
import { isEffort } from '../reasoning.ts';
import { CallMatcher } from './call-matcher.ts';
import { argumentsJson } from './wire.ts';

export function parseRequest(body: JsonObject, route: RouteHints): ChatRequest {
  return definedOnly<ChatRequest>({
    model: route.model ?? requiredString(body, 'model'),
    // Unlike every other API, Ollama streams unless told not to.
    isStream: route.isStream ?? optionalBoolean(body, 'stream') ?? true,
    messages: parseMessages(optionalArray(body, 'messages') ?? []),
    tools: (optionalArray(body, 'tools') ?? []).map(parseTool),
    sampling: parseSampling(body),
    responseFormat: parseFormat(body.format),
    reasoning: parseThink(body.think),
    original: { dialect: 'ollama', body },
  });
}

function parseMessages(messages: readonly JsonValue[]): Message[] {
  const matcher = new CallMatcher();
  return messages.map((value, position): Message => {
    const param = `messages[${position}]`;
    const message = requiredObject(value, param);
    const role = requiredString(message, 'role', `${param}.role`);
    const content = contentParts(message, param);
    switch (role) {
      case 'system':
      case 'user':
        return { role, parts: content };
      case 'assistant':
        return {
          role,
          parts: [...thinkingParts(message, param), ...content, ...parseToolCalls(message, param, matcher)],
        };
      case 'tool': {
        const { id, name } = matcher.result(
          optionalString(message, 'tool_call_id', `${param}.tool_call_id`),
          optionalString(message, 'tool_name', `${param}.tool_name`),
        );
        const result: ToolResultPart = {
          type: 'tool-result',
          toolCallId: id,
          ...(name !== undefined && { name }),
          parts: content,
        };
        return { role, parts: [result] };
      }
      default:
        throw badRequest(`${param}.role`, `'${param}.role' must be system, user, assistant or tool, not '${role}'.`);
    }
  });
}

function thinkingParts(message: JsonObject, param: string): Part[] {
  const thinking = optionalString(message, 'thinking', `${param}.thinking`);
  return thinking ? [{ type: 'reasoning', text: thinking }] : [];
}

function contentParts(
  message: JsonObject,
  param: string,
): ({ readonly type: 'text'; readonly text: string } | MediaPart)[] {
  const text = optionalString(message, 'content', `${param}.content`);
  const images = optionalArray(message, 'images', `${param}.images`) ?? [];
  return [
    ...(text ? [{ type: 'text', text } as const] : []),
    ...images.map((image, position) => parseImage(image, `${param}.images[${position}]`)),
  ];
}

export function parseImage(value: JsonValue, param: string): MediaPart {
  if (typeof value !== 'string') throw badRequest(param, `'${param}' must be a base64 string.`);
  const uri = parseDataUri(value);
  const data = uri?.data ?? value;
  const mimeType = uri?.mimeType ?? mimeTypeOf(data);
  return { type: 'media', kind: 'image', source: { type: 'base64', data }, ...(mimeType && { mimeType }) };
}

/** The wire does not tell the type, but the first bytes of every image format do (here as base64). */
const SIGNATURES: readonly (readonly [string, string])[] = [
  ['iVBORw0KGgo', 'image/png'],
  ['/9j/', 'image/jpeg'],
  ['R0lGOD', 'image/gif'],
  ['UklGR', 'image/webp'],
];

function mimeTypeOf(base64: string): string | undefined {
  return SIGNATURES.find(([start]) => base64.startsWith(start))?.[1];
}

function parseToolCalls(message: JsonObject, param: string, matcher: CallMatcher): ToolCallPart[] {
  const calls = optionalArray(message, 'tool_calls', `${param}.tool_calls`) ?? [];
  return calls.map((value, position) => {
    const callParam = `${param}.tool_calls[${position}]`;
    const call = requiredObject(value, callParam);
    const called = requiredObject(call.function, `${callParam}.function`);
    const name = requiredString(called, 'name', `${callParam}.function.name`);
    // Newer servers and our own answers have an id, which clients that send the message back whole keep.
    return matcher.call(optionalString(call, 'id', `${callParam}.id`), name, argumentsJson(called.arguments));
  });
}

function parseTool(value: JsonValue, position: number): Tool {
  const param = `tools[${position}]`;
  const tool = requiredObject(value, param);
  const type = optionalString(tool, 'type', `${param}.type`) ?? 'function';
  if (type !== 'function') return { name: type, isHosted: true, extensions: { ollama: tool } };
  const declared = requiredObject(tool.function, `${param}.function`);
  return definedOnly<Tool>({
    name: requiredString(declared, 'name', `${param}.function.name`),
    description: optionalString(declared, 'description', `${param}.function.description`),
    parameters: optionalObject(declared, 'parameters', `${param}.function.parameters`),
  });
}

function parseSampling(body: JsonObject): Sampling {
  const options = optionalObject(body, 'options') ?? {};
  const number = (key: string): number | undefined => optionalNumber(options, key, `options.${key}`);
  return definedOnly<Sampling>({
    maxOutputTokens: outputBound(options, 'num_predict', 'options.num_predict'),
    temperature: number('temperature'),
    topP: number('top_p'),
    topK: number('top_k'),
    stop: optionalStringOrStrings(options, 'stop', 'options.stop'),
    seed: number('seed'),
    presencePenalty: number('presence_penalty'),
    frequencyPenalty: number('frequency_penalty'),
    logprobs: optionalBoolean(body, 'logprobs'),
    topLogprobs: optionalNumber(body, 'top_logprobs'),
  });
}

function parseFormat(value: JsonValue | undefined): ResponseFormat | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  if (value === 'json') return { type: 'json' };
  if (typeof value === 'object' && !Array.isArray(value)) {
    return { type: 'json-schema', name: 'response', schema: value };
  }
  throw badRequest('format', '\'format\' must be "json" or a JSON Schema object.');
}

function parseThink(value: JsonValue | undefined): ReasoningRequest | undefined {
  if (value === undefined || value === null) return undefined;
  if (value === false) return { effort: 'none' };
  if (value === true) return { budgetTokens: -1, isSummaryWanted: true };
  if (isEffort(value)) return { effort: value, isSummaryWanted: true };
  throw badRequest('think', '\'think\' must be true, false, "low", "medium" or "high".');
}
