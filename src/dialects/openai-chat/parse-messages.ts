// Chat messages → neutral messages. Fields of messages and parts that the model has no place for go to `extensions`, so
// that an edited conversation still carries them when it is rendered for the same dialect.

import type {
  Extensions,
  Message,
  Part,
  RefusalPart,
  TextPart,
  ToolCallPart,
  ToolResultPart,
} from '../../model/chat.ts';
import { asString, isObject, type JsonObject, type JsonValue } from '../../model/json.ts';
import { badRequest, optionalArray, optionalString, requiredObject, requiredString } from '../fields.ts';
import { freeTextArguments } from '../free-text-tool.ts';
import { madeToolCallId } from '../tool-call-id.ts';
import { parseMediaPart } from './parse-media.ts';
import { readPictures } from './pictures.ts';
import { readReasoning } from './reasoning-details.ts';
import { readThinking } from './thinking-content.ts';
import { fieldsBeside, partExtensions } from './unmodelled-fields.ts';

const ROLES = "'system', 'developer', 'user', 'assistant', 'tool' or 'function'";

export function parseMessages(wire: readonly JsonValue[]): Message[] {
  if (wire.length === 0) throw badRequest('messages', "'messages' must hold at least one message.");
  // Legacy function calls have no id; a `function` message answers the latest call of its name.
  const legacyIds = new Map<string, string>();
  return wire.map((value, i) => parseMessage(value, `messages[${i}]`, legacyIds));
}

function parseMessage(value: JsonValue, param: string, legacyIds: Map<string, string>): Message {
  const wire = requiredObject(value, param);
  const name = optionalString(wire, 'name', `${param}.name`);
  const extensions = messageExtensions(wire);
  const shared = { ...(name !== undefined && { name }), ...(extensions && { extensions }) };
  switch (wire.role) {
    case 'system':
    case 'developer':
      return { role: 'system', parts: parseContent(wire, param, 'text'), ...shared };
    case 'user':
      return { role: 'user', parts: parseContent(wire, param, 'any'), ...shared };
    case 'assistant':
      return { role: 'assistant', parts: parseAssistantParts(wire, param, legacyIds), ...shared };
    case 'tool':
    case 'function':
      return { role: 'tool', parts: [parseToolResult(wire, param, legacyIds)], ...(extensions && { extensions }) };
    case undefined:
      throw badRequest(`${param}.role`, `'${param}.role' is required: ${ROLES}.`);
    default:
      throw badRequest(`${param}.role`, `'${param}.role' must be ${ROLES}, not ${JSON.stringify(wire.role)}.`);
  }
}

const MODELLED_IN_MESSAGE: ReadonlySet<string> = new Set([
  'role',
  'content',
  'name',
  'refusal',
  'tool_calls',
  'tool_call_id',
  'function_call',
]);
const MODELLED_IN_ASSISTANT: ReadonlySet<string> = new Set([...MODELLED_IN_MESSAGE, 'images']);

function messageExtensions(wire: JsonObject): Extensions | undefined {
  const rest = fieldsBeside(wire, wire.role === 'assistant' ? MODELLED_IN_ASSISTANT : MODELLED_IN_MESSAGE);
  const isSpecialRole = wire.role === 'developer' || wire.role === 'function';
  if (!isSpecialRole) return rest && { 'openai-chat': rest };
  return { 'openai-chat': { ...rest, role: wire.role } };
}

function parseContent(message: JsonObject, messageParam: string, allowed: 'any' | 'text'): Part[] {
  const { content } = message;
  const param = `${messageParam}.content`;
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  if (Array.isArray(content)) return content.flatMap((part, i) => parsePart(part, `${param}[${i}]`, allowed));
  // The absence of content says something in an assistant's turn (it called tools) and in a tool's (nothing came back).
  const isOptional = message.role === 'assistant' || message.role === 'tool' || message.role === 'function';
  if ((content === null || content === undefined) && isOptional) return [];
  throw badRequest(param, `'${param}' must be a string or an array of parts.`);
}

function parsePart(value: JsonValue, param: string, allowed: 'any' | 'text'): Part[] {
  const wire = requiredObject(value, param);
  switch (wire.type) {
    case 'text':
    case 'input_text':
    case 'output_text':
      return [{ type: 'text', text: requiredString(wire, 'text', `${param}.text`), ...partExtensions(wire, 'text') }];
    case 'refusal':
      return [{ type: 'refusal', text: requiredString(wire, 'refusal', `${param}.refusal`) }];
    case 'thinking':
      return [{ type: 'reasoning', text: readThinking(wire) }];
  }
  const media = allowed === 'any' ? parseMediaPart(wire, param) : undefined;
  if (media) return [media];
  const names =
    allowed === 'any' ? "'text', 'image_url', 'input_audio', 'file', 'video_url' or 'refusal'" : "'text' in this role";
  throw badRequest(`${param}.type`, `'${param}.type' must be ${names}, not ${JSON.stringify(wire.type ?? null)}.`);
}

function parseAssistantParts(wire: JsonObject, param: string, legacyIds: Map<string, string>): Part[] {
  const refusal = optionalString(wire, 'refusal', `${param}.refusal`);
  const refusals: RefusalPart[] = refusal ? [{ type: 'refusal', text: refusal }] : [];
  const toolCalls = (optionalArray(wire, 'tool_calls', `${param}.tool_calls`) ?? []).map((call, i) =>
    parseToolCall(call, i, `${param}.tool_calls[${i}]`),
  );
  return [
    ...readReasoning(wire),
    ...parseContent(wire, param, 'any'),
    ...readPictures(wire),
    ...refusals,
    ...toolCalls,
    ...parseLegacyCall(wire, param, legacyIds),
  ];
}

/** A missing id is made from the call's place: stable from turn to turn, as histories only grow. */
function parseToolCall(value: JsonValue, index: number, param: string): ToolCallPart {
  const wire = requiredObject(value, param);
  const id = optionalString(wire, 'id', `${param}.id`) || madeToolCallId(index, param);
  if (wire.type === 'custom') {
    const custom = requiredObject(wire.custom, `${param}.custom`);
    return {
      type: 'tool-call',
      id,
      name: requiredString(custom, 'name', `${param}.custom.name`),
      argumentsJson: freeTextArguments(optionalString(custom, 'input', `${param}.custom.input`) ?? ''),
      extensions: { 'openai-chat': { type: 'custom' } },
    };
  }
  const definition = requiredObject(wire.function, `${param}.function`);
  return {
    type: 'tool-call',
    id,
    name: requiredString(definition, 'name', `${param}.function.name`),
    argumentsJson: parseArguments(definition.arguments, `${param}.function.arguments`),
  };
}

function parseLegacyCall(wire: JsonObject, param: string, legacyIds: Map<string, string>): ToolCallPart[] {
  const { function_call: call } = wire;
  if (call === undefined || call === null) return [];
  const definition = requiredObject(call, `${param}.function_call`);
  const name = requiredString(definition, 'name', `${param}.function_call.name`);
  const id = madeToolCallId(0, param);
  legacyIds.set(name, id);
  return [
    {
      type: 'tool-call',
      id,
      name,
      argumentsJson: parseArguments(definition.arguments, `${param}.function_call.arguments`),
      extensions: { 'openai-chat': { type: 'function_call' } },
    },
  ];
}

/** Text as OpenAI has it; some clients send the object itself. */
function parseArguments(value: unknown, param: string): string {
  if (value === undefined || value === null || value === '') return '{}';
  if (typeof value === 'string') return value;
  if (isObject(value)) return JSON.stringify(value);
  throw badRequest(param, `'${param}' must be a string of JSON.`);
}

function parseToolResult(wire: JsonObject, param: string, legacyIds: Map<string, string>): ToolResultPart {
  const name = optionalString(wire, 'name', `${param}.name`);
  const isLegacy = wire.role === 'function';
  const toolCallId = isLegacy
    ? (legacyIds.get(requiredString(wire, 'name', `${param}.name`)) ?? madeToolCallId(0, param))
    : requiredString(wire, 'tool_call_id', `${param}.tool_call_id`);
  const parts = parseContent(wire, param, 'any').flatMap((part) =>
    part.type === 'text' || part.type === 'media' ? [part] : asText(part),
  );
  return { type: 'tool-result', toolCallId, parts, ...(name !== undefined && { name }) };
}

function asText(part: Part): TextPart[] {
  const text = 'text' in part ? asString(part.text) : undefined;
  return text ? [{ type: 'text', text }] : [];
}
