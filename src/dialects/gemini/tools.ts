// Tools and the choice among them, both ways.

import type { ChatRequest, Tool, ToolChoice } from '../../model/chat.ts';
import { asArray, asObject, asString, type JsonObject, type JsonValue } from '../../model/json.ts';
import { badRequest, definedOnly, optionalArray, requiredObject, requiredString } from '../fields.ts';
import { parametersField } from './schema.ts';
import { jsonSchema } from './schema-from-gemini.ts';

export function parseTools(body: JsonObject): Tool[] {
  return (optionalArray(body, 'tools') ?? []).flatMap((value, position) => {
    const group = requiredObject(value, `tools[${position}]`);
    return Object.entries(group).flatMap(([kind, content]): Tool[] => {
      if (content === undefined || content === null) return [];
      if (kind !== 'functionDeclarations') {
        return [{ name: kind, isHosted: true, extensions: { gemini: { [kind]: content } } }];
      }
      const param = `tools[${position}].functionDeclarations`;
      if (!Array.isArray(content)) throw badRequest(param, `'${param}' must be an array.`);
      return content.map((declaration, index) => parseFunction(declaration, `${param}[${index}]`));
    });
  });
}

function parseFunction(value: JsonValue, param: string): Tool {
  const declaration = requiredObject(value, param);
  const own = asObject(declaration.parameters);
  return definedOnly<Tool>({
    name: requiredString(declaration, 'name', `${param}.name`),
    description: asString(declaration.description),
    parameters: own ? jsonSchema(own) : asObject(declaration.parametersJsonSchema),
  });
}

/** The choice, and the tools that remain allowed by it: other wires cannot name several. */
export function parseToolChoice(body: JsonObject, tools: readonly Tool[]): Pick<ChatRequest, 'tools' | 'toolChoice'> {
  const config = asObject(asObject(body.toolConfig)?.functionCallingConfig);
  if (!config) return { tools };
  const mode = asString(config.mode)?.toUpperCase() ?? 'AUTO';
  const allowed = asArray(config.allowedFunctionNames).filter((name) => typeof name === 'string');
  const [only] = allowed;
  if (mode === 'NONE') return { tools, toolChoice: { type: 'none' } };
  if (mode === 'ANY' && allowed.length === 1 && only) return { tools, toolChoice: { type: 'tool', name: only } };
  const remaining = allowed.length > 0 ? tools.filter((tool) => tool.isHosted || allowed.includes(tool.name)) : tools;
  return { tools: remaining, toolChoice: { type: mode === 'ANY' ? 'required' : 'auto' } };
}

/** `tools` and `toolConfig`. Hosted tools of other dialects are dropped by rule. */
export function renderTools(request: ChatRequest): JsonObject {
  const functions = request.tools.filter((tool) => !tool.isHosted).map(renderFunction);
  const hosted = request.tools.flatMap((tool) =>
    tool.isHosted && tool.extensions?.gemini ? [tool.extensions.gemini] : [],
  );
  const tools = [...(functions.length > 0 ? [{ functionDeclarations: functions }] : []), ...hosted];
  return {
    ...(tools.length > 0 && { tools }),
    // A calling config without functions is refused.
    ...(functions.length > 0 &&
      request.toolChoice && { toolConfig: { functionCallingConfig: renderToolChoice(request.toolChoice) } }),
  };
}

function renderFunction(tool: Tool): JsonObject {
  return {
    name: tool.name,
    ...(tool.description && { description: tool.description }),
    ...parametersField(tool.parameters, `tools.${tool.name}.parameters`),
  };
}

function renderToolChoice(choice: ToolChoice): JsonObject {
  switch (choice.type) {
    case 'auto':
      return { mode: 'AUTO' };
    case 'none':
      return { mode: 'NONE' };
    case 'required':
      return { mode: 'ANY' };
    case 'tool':
      return { mode: 'ANY', allowedFunctionNames: [choice.name] };
  }
}
