// At most four prompt cache breakpoints: Anthropic refuses more.

import { asArray, asObject, type JsonObject, type JsonValue } from '../../model/json.ts';

const BREAKPOINTS_MAX = 4;

/** Keeps the last four in prompt order, because a breakpoint covers everything before it. Changes the body's blocks. */
export function limitCacheBreakpoints(body: JsonObject): void {
  const marked = [
    ...markedBlocks(body.tools),
    ...markedBlocks(body.system),
    ...asArray(body.messages).flatMap((message) => markedBlocks(asObject(message)?.content)),
  ];
  for (const block of marked.slice(0, -BREAKPOINTS_MAX)) delete block.cache_control;
}

/** A tool result's inner blocks come before the result itself. */
function markedBlocks(blocks: JsonValue | undefined): JsonObject[] {
  return asArray(blocks).flatMap((value) => {
    const block = asObject(value);
    if (!block) return [];
    const inner = block.type === 'tool_result' ? markedBlocks(block.content) : [];
    return block.cache_control === undefined ? inner : [...inner, block];
  });
}
