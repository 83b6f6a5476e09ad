// Making room in a long conversation: a request that ends with a `compaction_trigger` (Codex), or comes to
// `/responses/compact`, is answered with one `compaction` item that stands for all before it. OpenAI seals its own, which
// nobody else can read. Of every other model a summary is asked for in words, and travels in the item sealed by us, so that
// any upstream can go on from it.

import type { TextPart } from '../../model/chat.ts';
import { asString, isObject, type JsonObject, type JsonValue, parseObject } from '../../model/json.ts';

const TRIGGER = 'compaction_trigger';
/** What Codex has called the item over time. */
const TYPES: ReadonlySet<unknown> = new Set(['compaction', 'compaction_summary', 'context_compaction']);
const SEAL = 'fmc1.';

const ASK =
  'The conversation above is about to be replaced by a summary. Write it for a model that goes on with the work and has ' +
  'nothing else: what the user wants, constraints and preferences, what was done and decided, what was found out (names ' +
  'of files, commands, values, errors, word for word where they matter), what is left to do, and the very next step. ' +
  'Answer with the summary alone; call no tools.';
const INTRODUCTION = 'Summary of the conversation so far, whose messages were left out to make room:';

function isTrigger(item: JsonValue | undefined): boolean {
  return isObject(item) && item.type === TRIGGER;
}

/** @param items the whole input */
export function asksForCompaction(items: readonly JsonValue[]): boolean {
  return isTrigger(items.at(-1));
}

export function isCompaction(item: JsonValue): item is JsonObject {
  return isObject(item) && TYPES.has(item.type);
}

export function compactionAsk(): TextPart {
  return { type: 'text', text: ASK };
}

/** Undefined for one that OpenAI has sealed. */
export function openedSummary(item: JsonObject): TextPart | undefined {
  const sealed = asString(item.encrypted_content) ?? '';
  if (!sealed.startsWith(SEAL)) return undefined;
  const summary = asString(parseObject(Buffer.from(sealed.slice(SEAL.length), 'base64url').toString())?.summary);
  return summary === undefined ? undefined : { type: 'text', text: `${INTRODUCTION}\n\n${summary}` };
}

/** The last item of a request that asks for it. */
export const COMPACTION_TRIGGER: JsonObject = { type: TRIGGER };

export function compactionItem(id: string, summary: string): JsonObject {
  const sealed = SEAL + Buffer.from(JSON.stringify({ summary })).toString('base64url');
  return { id, type: 'compaction', encrypted_content: sealed };
}
