// Tools, tool choice and output format of a request → neutral.

import type { ChatRequest, ResponseFormat, Tool, ToolChoice } from '../../model/chat.ts';
import { asArray, asObject, asString, isObject, type JsonObject } from '../../model/json.ts';
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
import {
  ClientTools,
  flatName,
  latestTools,
  parseWireName,
  type WireTool,
  wireExtensions,
  wireToolOf,
  withoutEqualNames,
} from './client-tools.ts';
import { inputItems } from './items.ts';

export function parseTools(body: JsonObject): Tool[] {
  const tools = withoutEqualNames(latestTools([...parseToolList(body, 'tools'), ...additionalTools(body)]));
  const isAllowed = allowance(body);
  return isAllowed ? tools.filter((tool) => tool.isHosted || isAllowed(wireToolOf(tool))) : tools;
}

/** Codex offers its newer models the tools in an item of the input. */
function additionalTools(body: JsonObject): Tool[] {
  return inputItems(body).flatMap((item, index) =>
    isObject(item) && item.type === 'additional_tools' ? parseToolList(item, `input[${index}].tools`) : [],
  );
}

function parseToolList(holder: JsonObject, param: string, namespace?: string): Tool[] {
  return (optionalArray(holder, 'tools', param) ?? []).flatMap((value, index) =>
    parseTool(requiredObject(value, `${param}[${index}]`), `${param}[${index}]`, namespace),
  );
}

/** Functions and custom tools, also those of a namespace; every other type is hosted. */
function parseTool(tool: JsonObject, param: string, namespace?: string): Tool[] {
  const type = requiredString(tool, 'type', `${param}.type`);
  switch (type) {
    case 'namespace':
      return parseToolList(tool, `${param}.tools`, requiredString(tool, 'name', `${param}.name`));
    case 'function':
    case 'custom':
      return [parseCallable(tool, param, type === 'custom', namespace)];
    default:
      return [{ name: asString(tool.name) ?? type, isHosted: true, extensions: { 'openai-responses': tool } }];
  }
}

function parseCallable(tool: JsonObject, param: string, isCustom: boolean, namespace: string | undefined): Tool {
  const wire: WireTool = {
    name: requiredString(tool, 'name', `${param}.name`),
    isCustom,
    ...(namespace !== undefined && { namespace }),
  };
  return definedOnly<Tool>({
    name: flatName(wire),
    description: optionalString(tool, 'description', `${param}.description`),
    parameters: isCustom ? freeTextParameters(tool.format) : optionalObject(tool, 'parameters', `${param}.parameters`),
    isStrict: isCustom ? undefined : optionalBoolean(tool, 'strict', `${param}.strict`),
    isFreeText: isCustom || undefined,
    extensions: isCustom || namespace !== undefined ? wireExtensions(wire) : undefined,
  });
}

/** `allowed_tools` narrows the list without changing it, for the prompt cache's sake; elsewhere the list itself shrinks. */
function allowance(body: JsonObject): ((tool: WireTool) => boolean) | undefined {
  const choice = asObject(body.tool_choice);
  if (choice?.type !== 'allowed_tools') return undefined;
  const entries = asArray(choice.tools).map((tool) => asObject(tool) ?? {});
  return ({ name, namespace }) =>
    entries.some((entry) =>
      entry.type === 'namespace'
        ? entry.name === namespace
        : entry.name === name && (asString(entry.namespace) ?? namespace) === namespace,
    );
}

export function parseToolChoice(body: JsonObject, tools: ChatRequest['tools']): ToolChoice | undefined {
  const choice = body.tool_choice;
  if (choice === undefined || choice === null) return undefined;
  if (choice === 'auto' || choice === 'none' || choice === 'required') return { type: choice };
  const object = asObject(choice);
  if (!object) {
    throw badRequest('tool_choice', "'tool_choice' must be 'auto', 'none', 'required' or an object.");
  }
  switch (object.type) {
    case 'function':
    case 'custom':
      return { type: 'tool', name: new ClientTools({ tools }).flat(parseWireName(object, 'tool_choice')) };
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
