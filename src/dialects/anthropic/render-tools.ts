// Tools and tool choice of a call built afresh.

import { GatewayError } from '../../errors.ts';
import type { ChatRequest, Tool } from '../../model/chat.ts';
import { asArray, asObject, asString, type JsonObject } from '../../model/json.ts';
import { furtherFieldsOf } from './extensions.ts';
import { inputSchema } from './json-schema.ts';

/** `tools` and `tool_choice`, as far as there are any. */
export function renderTools(request: ChatRequest, messages: readonly JsonObject[], isClaude: boolean): JsonObject {
  const tools = request.tools.map(renderTool).filter((tool) => tool !== undefined);
  if (isClaude) checkPropertyNames(tools);
  if (tools.length === 0) {
    // A history with tool calls needs tools; the model shall not call them, as the client declared none.
    const called = calledTools(messages);
    return called.length === 0 ? {} : { tools: called, tool_choice: { type: 'none' } };
  }
  const choice = renderChoice(request);
  return { tools, ...(choice && { tool_choice: choice }) };
}

/**
 * Hosted tools of other dialects have no form here. `strict` is not carried over: Anthropic bounds how many strict
 * tools there may be and how complex, so what OpenAI takes would often be refused.
 */
function renderTool(tool: Tool): JsonObject | undefined {
  if (tool.isHosted) return tool.extensions?.anthropic;
  return {
    name: tool.name,
    ...(tool.description !== undefined && { description: tool.description }),
    input_schema: inputSchema(tool.parameters),
    ...furtherFieldsOf(tool),
  };
}

/** One wrong name and Claude refuses the whole request; another target of the chain may take it. Deeper names are free. */
function checkPropertyNames(tools: readonly JsonObject[]): void {
  for (const tool of tools) {
    const names = Object.keys(asObject(asObject(tool.input_schema)?.properties) ?? {});
    const wrong = names.find((name) => !/^[a-zA-Z0-9_.-]{1,64}$/.test(name));
    if (wrong === undefined) continue;
    throw new GatewayError(
      'unsupported',
      `Claude takes no property '${wrong.slice(0, 100)}' of the tool '${tool.name}': names have 1 to 64 of A-Z, a-z, 0-9, '_', '.' and '-'.`,
      { param: 'tools' },
    );
  }
}

function calledTools(messages: readonly JsonObject[]): JsonObject[] {
  const names = messages.flatMap((message) =>
    asArray(message.content).flatMap((value) => {
      const block = asObject(value);
      return block?.type === 'tool_use' ? (asString(block.name) ?? []) : [];
    }),
  );
  return [...new Set(names)].map((name) => ({ name, input_schema: inputSchema(undefined) }));
}

function renderChoice({ toolChoice, parallelToolCalls }: ChatRequest): JsonObject | undefined {
  const single = parallelToolCalls === false ? { disable_parallel_tool_use: true } : {};
  switch (toolChoice?.type) {
    case undefined:
      return parallelToolCalls === false ? { type: 'auto', ...single } : undefined;
    case 'none':
      return { type: 'none' };
    case 'auto':
      return { type: 'auto', ...single };
    case 'required':
      return { type: 'any', ...single };
    case 'tool':
      return { type: 'tool', name: toolChoice.name, ...single };
  }
}
