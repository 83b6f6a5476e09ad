// OpenAI refuses a call without its output and an output without its call. Conversations of other dialects have both:
// an agent that was interrupted, or one that forgot the beginning of a long conversation.

import { asString, type JsonObject } from '../../model/json.ts';
import { EARLIER_RESULT, NO_RESULT } from '../turns.ts';

const OUTPUT_OF: ReadonlyMap<unknown, string> = new Map([
  ['function_call', 'function_call_output'],
  ['custom_tool_call', 'custom_tool_call_output'],
]);
const OUTPUTS: ReadonlySet<unknown> = new Set(OUTPUT_OF.values());

/** The items with an output for each call, and with outputs that answer none told by the user. */
export function pairedItems(items: readonly JsonObject[]): JsonObject[] {
  const paired: JsonObject[] = [];
  let open: JsonObject[] = [];
  const answerOpen = (): void => {
    for (const { type, call_id } of open) {
      paired.push({ type: OUTPUT_OF.get(type) ?? 'function_call_output', call_id, output: NO_RESULT });
    }
    open = [];
  };
  for (const item of items) {
    const call = OUTPUTS.has(item.type) ? open.find(({ call_id }) => call_id === item.call_id) : undefined;
    if (call) {
      open = open.filter((other) => other !== call);
      paired.push(item);
    } else if (OUTPUTS.has(item.type)) {
      paired.push(toldByUser(item));
    } else {
      // What follows the outputs belongs to the next turn; a thought or another call may stand among the calls.
      if (item.role === 'user') answerOpen();
      if (OUTPUT_OF.has(item.type)) open.push(item);
      paired.push(item);
    }
  }
  answerOpen();
  return paired;
}

function toldByUser({ output }: JsonObject): JsonObject {
  const parts = Array.isArray(output) ? output : [{ type: 'input_text', text: asString(output) ?? '' }];
  return { type: 'message', role: 'user', content: [{ type: 'input_text', text: EARLIER_RESULT }, ...parts] };
}
