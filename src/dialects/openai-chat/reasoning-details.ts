// Reasoning on the chat wire, which OpenAI itself does not have: the text as `reasoning_content` or `reasoning`, and the
// proofs as `reasoning_details` in OpenRouter's shape, so that a client that sends its history back unchanged gives the
// provider its own signatures again.

import type { DialectName, ReasoningPart, Signature } from '../../model/chat.ts';
import { asArray, asString, isObject, type JsonObject } from '../../model/json.ts';
import type { StreamEvent } from '../../model/stream.ts';

const FORMAT_OF: Readonly<Partial<Record<DialectName, string>>> = {
  anthropic: 'anthropic-claude-v1',
  gemini: 'google-gemini-v1',
  'openai-responses': 'openai-responses-v1',
};

const DIALECT_OF: Readonly<Record<string, DialectName>> = {
  'anthropic-claude-v1': 'anthropic',
  'google-gemini-v1': 'gemini',
  'openai-responses-v1': 'openai-responses',
  'azure-openai-responses-v1': 'openai-responses',
};

/** One signed reasoning block; `index` lets clients that merge deltas keep blocks apart. */
export function renderReasoningDetail(
  block: { readonly text: string; readonly signature: Signature; readonly isRedacted?: boolean | undefined },
  index: number,
): JsonObject {
  const { dialect, value, id } = block.signature;
  const format = FORMAT_OF[dialect] ?? 'unknown';
  // An Anthropic thinking block may have a signature and no text without being a redacted one.
  const isEncrypted = block.isRedacted === true || (block.text === '' && dialect !== 'anthropic');
  return {
    ...(isEncrypted
      ? { type: 'reasoning.encrypted', data: value }
      : { type: 'reasoning.text', text: block.text, signature: value }),
    ...(id !== undefined && { id }),
    format,
    index,
  };
}

/** The reasoning of a message or delta. Details win over the plain text where both tell it. */
export function readReasoning(holder: JsonObject): ReasoningPart[] {
  const details = asArray(holder.reasoning_details).flatMap((item) => (isObject(item) ? readDetail(item) : []));
  const hasDetailText = details.some((part) => part.text !== '');
  const text = hasDetailText ? '' : (asString(holder.reasoning_content) ?? asString(holder.reasoning) ?? '');
  return mergeBlocks(text === '' ? details : [{ type: 'reasoning', text }, ...details]);
}

export function reasoningEvents(parts: readonly ReasoningPart[], choice: number): StreamEvent[] {
  const events: StreamEvent[] = [];
  for (const { text, signature, isRedacted } of parts) {
    if (text !== '') events.push({ type: 'reasoning-delta', choice, text });
    if (signature) {
      events.push({ type: 'reasoning-signature', choice, signature, ...(isRedacted && { isRedacted }) });
    }
  }
  return events;
}

function readDetail(item: JsonObject): ReasoningPart[] {
  const dialect = DIALECT_OF[asString(item.format) ?? ''] ?? 'openai-chat';
  const id = asString(item.id);
  const sign = (value: string): Signature => ({ dialect, value, ...(id !== undefined && { id }) });
  const data = asString(item.data);
  if (item.type === 'reasoning.encrypted' && data !== undefined) {
    const redacted = dialect === 'anthropic' ? { isRedacted: true } : {};
    return [{ type: 'reasoning', text: '', signature: sign(data), ...redacted }];
  }
  const text = asString(item.text) ?? asString(item.summary) ?? '';
  const signature = asString(item.signature);
  if (text === '' && !signature) return [];
  return [{ type: 'reasoning', text, ...(signature && { signature: sign(signature) }) }];
}

/** Pieces of one block, as an unmerged stream left them, become one; a signature closes its block. */
function mergeBlocks(pieces: readonly ReasoningPart[]): ReasoningPart[] {
  const blocks: ReasoningPart[] = [];
  for (const piece of pieces) {
    const last = blocks.at(-1);
    if (last && !last.signature && !piece.isRedacted) {
      blocks[blocks.length - 1] = { ...piece, text: last.text + piece.text };
    } else {
      blocks.push(piece);
    }
  }
  return blocks;
}
