// Tools, tool choice and output format of a request → neutral.

import type { ResponseFormat, Tool, ToolChoice } from '../../model/chat.ts';
import { asArray, asObject, asString, type JsonObject } from '../../model/json.ts';
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

export function parseTools(body: JsonObject): Tool[] {
  const tools = (optionalArray(body, 'tools') ?? []).map((value, index) =>
    parseTool(requiredObject(value, `tools[${index}]`), `tools[${index}]`),
  );
  const allowed = allowedNames(body);
  return allowed ? tools.filter((tool) => tool.isHosted || allowed.has(tool.name)) : tools;
}

function parseTool(tool: JsonObject, param: string): Tool {
  const type = requiredString(tool, 'type', `${param}.type`);
  if (type !== 'function') {
    return { name: asString(tool.name) ?? type, isHosted: true, extensions: { 'openai-responses': tool } };
  }
  return definedOnly<Tool>({
    name: requiredString(tool, 'name', `${param}.name`),
    description: optionalString(tool, 'description', `${param}.description`),
    parameters: optionalObject(tool, 'parameters', `${param}.parameters`),
    isStrict: optionalBoolean(tool, 'strict', `${param}.strict`),
  });
}

/** `allowed_tools` narrows the list without changing it, for the prompt cache's sake; elsewhere the list itself shrinks. */
function allowedNames(body: JsonObject): ReadonlySet<string> | undefined {
  const choice = asObject(body.tool_choice);
  if (choice?.type !== 'allowed_tools') return undefined;
  return new Set(asArray(choice.tools).flatMap((tool) => asString(asObject(tool)?.name) ?? []));
}

export function parseToolChoice(body: JsonObject): ToolChoice | undefined {
  const choice = body.tool_choice;
  if (choice === undefined || choice === null) return undefined;
  if (choice === 'auto' || choice === 'none' || choice === 'required') return { type: choice };
  const object = asObject(choice);
  if (!object) {
    throw badRequest('tool_choice', "'tool_choice' must be 'auto', 'none', 'required' or an object.");
  }
  switch (object.type) {
    case 'function':
      return { type: 'tool', name: requiredString(object, 'name', 'tool_choice.name') };
    case 'allowed_tools':
      return { type: object.mode === 'required' ? 'required' : 'auto' };
    default:
      // A hosted tool: its own dialect has it from the original, elsewhere the tool itself is dropped.
      return { type: 'auto' };
  }
}

export function parseResponseFormat(body: JsonObject): ResponseFormat | undefined {
  const format = optionalObject(optionalObject(body, 'text') ?? {}, 'format', 'text.format');
  switch (format?.type) {
    case undefined:
      return undefined;
    case 'text':
      return { type: 'text' };
    case 'json_object':
      return { type: 'json' };
    case 'json_schema':
      return definedOnly<Extract<ResponseFormat, { type: 'json-schema' }>>({
        type: 'json-schema',
        name: requiredString(format, 'name', 'text.format.name'),
        schema: requiredObject(format.schema, 'text.format.schema'),
        description: optionalString(format, 'description', 'text.format.description'),
        isStrict: optionalBoolean(format, 'strict', 'text.format.strict'),
      });
    default:
      throw badRequest('text.format.type', "'text.format.type' must be text, json_object or json_schema.");
  }
}
