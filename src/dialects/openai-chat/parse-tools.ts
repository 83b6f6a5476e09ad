// `tools` and `tool_choice`, and their legacy forms `functions` and `function_call` → the neutral model.

import type { Tool, ToolChoice } from '../../model/chat.ts';
import { asArray, asString, isObject, type JsonObject, type JsonValue } from '../../model/json.ts';
import {
  badRequest,
  definedOnly,
  optionalArray,
  optionalBoolean,
  optionalObject,
  optionalString,
  requiredObject,
  requiredString,
} from '../fields.ts';
import { freeTextParameters } from '../free-text-tool.ts';

/** With `allowed_tools`, only those: a wire without that notion gets just the tools that may be called. */
export function parseTools(body: JsonObject): readonly Tool[] {
  const tools = [
    ...(optionalArray(body, 'tools') ?? []).map((tool, i) => parseTool(tool, `tools[${i}]`)),
    ...(optionalArray(body, 'functions') ?? []).map((definition, i) => parseFunction(definition, `functions[${i}]`)),
  ];
  const allowed = allowedTools(body.tool_choice);
  if (!allowed) return tools;
  const names = new Set(asArray(allowed.tools).map(toolNameOf));
  return tools.filter((tool) => names.has(tool.name));
}

function parseTool(value: JsonValue, param: string): Tool {
  const wire = requiredObject(value, param);
  // Local servers take a function without its type, so their clients leave it out.
  if (wire.type === 'function' || (wire.type === undefined && isObject(wire.function))) {
    const cacheControl = isObject(wire.cache_control) && { anthropic: { cache_control: wire.cache_control } };
    const tool = parseFunction(wire.function, `${param}.function`);
    return cacheControl ? { ...tool, extensions: cacheControl } : tool;
  }
  if (wire.type === 'custom') return parseCustom(requiredObject(wire.custom, `${param}.custom`), `${param}.custom`);
  const type = requiredString(wire, 'type', `${param}.type`);
  return { name: nameOf(wire) ?? type, isHosted: true, extensions: { 'openai-chat': wire } };
}

function parseFunction(value: unknown, param: string): Tool {
  const definition = requiredObject(value, param);
  const name = requiredString(definition, 'name', `${param}.name`);
  if (name === '') throw badRequest(`${param}.name`, `'${param}.name' must not be empty.`);
  return definedOnly<Tool>({
    name,
    description: optionalString(definition, 'description', `${param}.description`),
    parameters: optionalObject(definition, 'parameters', `${param}.parameters`),
    isStrict: optionalBoolean(definition, 'strict', `${param}.strict`),
  });
}

function parseCustom(definition: JsonObject, param: string): Tool {
  return definedOnly<Tool>({
    name: requiredString(definition, 'name', `${param}.name`),
    description: optionalString(definition, 'description', `${param}.description`),
    parameters: freeTextParameters(definition.format),
    isFreeText: true,
  });
}

export function parseToolChoice(body: JsonObject): ToolChoice | undefined {
  const allowed = allowedTools(body.tool_choice);
  if (allowed) return allowed.mode === 'required' ? { type: 'required' } : { type: 'auto' };
  const param = body.tool_choice === undefined || body.tool_choice === null ? 'function_call' : 'tool_choice';
  const value = body[param];
  if (value === undefined || value === null) return undefined;
  if (value === 'auto' || value === 'none' || value === 'required') return { type: value };
  // Mistral's word.
  if (value === 'any') return { type: 'required' };
  const name = isObject(value) ? nameOf(value) : undefined;
  if (name !== undefined) return { type: 'tool', name };
  throw badRequest(param, `'${param}' must be 'none', 'auto', 'required', or an object that names one tool.`);
}

function allowedTools(choice: unknown): JsonObject | undefined {
  if (!isObject(choice) || choice.type !== 'allowed_tools') return undefined;
  return requiredObject(choice.allowed_tools, 'tool_choice.allowed_tools');
}

/** The name, wherever this type of tool has it. */
export function toolNameOf(tool: JsonValue): string | undefined {
  return isObject(tool) ? nameOf(tool) : undefined;
}

function nameOf(wire: JsonObject): string | undefined {
  const inner = wire.function ?? wire.custom;
  return asString(isObject(inner) ? inner.name : wire.name);
}
