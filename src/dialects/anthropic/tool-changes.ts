// Tools that come and go in the middle of a conversation, as blocks of its messages. Other dialects know only the tools of
// the whole request: those that are there at its end.

import { asArray, asObject, asString, type JsonObject, type JsonValue } from '../../model/json.ts';

/** The wire's tools with the changes in its messages made; the same array where there are none. */
export function toolsAtTheEnd(tools: JsonValue[], messages: JsonValue | undefined): JsonValue[] {
  let current = tools;
  for (const message of asArray(messages)) {
    for (const value of asArray(asObject(message)?.content)) {
      const block = asObject(value);
      if (block?.type === 'tool_addition') current = withTool(current, asObject(block.tool) ?? {});
      else if (block?.type === 'tool_removal') current = withoutTool(current, asString(asObject(block.tool)?.name));
    }
  }
  return current;
}

/** A reference names a tool that was declared with the others and is offered from the beginning here. */
function withTool(tools: JsonValue[], change: JsonObject): JsonValue[] {
  const definition = asObject(change.definition);
  return definition ? [...withoutTool(tools, asString(definition.name)), definition] : tools;
}

function withoutTool(tools: JsonValue[], name: string | undefined): JsonValue[] {
  return tools.filter((tool) => name === undefined || asObject(tool)?.name !== name);
}
