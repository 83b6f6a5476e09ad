// What stands in a client's history and Anthropic refuses: other providers' thinking without a signature, their blank texts
// and tool call ids in a foreign charset, and system messages between the turns where the model is too old for them. Works
// on wire messages.

import { asArray, asObject, asString, isObject, type JsonObject, type JsonValue } from '../../model/json.ts';
import { plainToolCallId } from '../tool-call-id.ts';
import { taggedSystemText } from '../turns.ts';
import { withoutPassageCitations } from './extensions.ts';
import { isForeignSignature } from './signatures.ts';

export interface RepairOptions {
  /** Claude refuses thinking that it did not sign; other makers' models behind a compatible server never sign. */
  readonly isUnsignedThinkingDropped: boolean;
  /** Claude Code sends system messages to every model whose name it does not know, a chain's for instance. */
  readonly hasSystemTurns: boolean;
}

/** The same array when there is nothing to repair. A message left without content goes, and its neighbours become one. */
export function repairHistory(messages: JsonValue[], options: RepairOptions): JsonValue[] {
  let isChanged = false;
  const repaired: JsonValue[] = [];
  for (const message of messages) {
    if (isObject(message) && message.role === 'system' && !options.hasSystemTurns) {
      isChanged = true;
      const content = blocksOf(message.content).flatMap(taggedBlock);
      if (content.length > 0) append(repaired, { role: 'user', content }, isChanged);
      continue;
    }
    const content = asObject(message)?.content;
    if (!isObject(message) || !Array.isArray(content)) {
      append(repaired, message, isChanged);
      continue;
    }
    const isAnswer = message.role === 'assistant';
    const blocks = content
      .map((block) => (isAnswer && isBlank(block) ? undefined : repairBlock(block, options)))
      .filter((block) => block !== undefined);
    const isSame = blocks.length === content.length && blocks.every((block, index) => block === content[index]);
    isChanged ||= !isSame;
    if (isSame) append(repaired, message, isChanged);
    else if (blocks.length > 0) append(repaired, { ...message, content: blocks }, isChanged);
  }
  return isChanged ? repaired : messages;
}

function append(messages: JsonValue[], message: JsonValue, isMerging: boolean): void {
  const last = asObject(messages.at(-1));
  const next = asObject(message);
  if (!isMerging || !last || !next || last.role !== next.role) messages.push(message);
  else messages[messages.length - 1] = { ...last, content: [...blocksOf(last.content), ...blocksOf(next.content)] };
}

function blocksOf(content: JsonValue | undefined): JsonValue[] {
  return typeof content === 'string' ? [{ type: 'text', text: content }] : asArray(content);
}

/** Only texts can be told so; what else such a message may have (tool changes) is of the newer API. */
function taggedBlock(block: JsonValue): JsonObject[] {
  if (!isObject(block) || typeof block.text !== 'string' || block.text.trim() === '') return [];
  return [{ ...block, text: taggedSystemText(block.text) }];
}

function repairBlock(block: JsonValue, options: RepairOptions): JsonValue | undefined {
  if (!isObject(block)) return block;
  if (block.type === 'thinking') {
    const signature = asString(block.signature) ?? '';
    const isForeign = isForeignSignature(signature);
    if (options.isUnsignedThinkingDropped) return signature === '' || isForeign ? undefined : block;
    return isForeign ? { ...block, signature: '' } : block;
  }
  if (block.type === 'text' && Array.isArray(block.citations)) return withAnthropicCitations(block, block.citations);
  if (block.type === 'tool_use') return withPlainId(block, 'id');
  if (block.type === 'tool_result') return withPlainId(block, 'tool_use_id');
  return block;
}

/** Some models write a line feed before their calls, which a client sends back as it came. */
function isBlank(block: JsonValue): boolean {
  return isObject(block) && block.type === 'text' && asString(block.text)?.trim() === '';
}

function withAnthropicCitations(block: JsonObject, citations: readonly JsonValue[]): JsonObject {
  const kept = withoutPassageCitations(citations);
  if (kept.length === citations.length) return block;
  const { citations: _all, ...rest } = block;
  return kept.length > 0 ? { ...rest, citations: kept } : rest;
}

function withPlainId(block: JsonObject, key: 'id' | 'tool_use_id'): JsonObject {
  const id = asString(block[key]);
  if (id === undefined) return block;
  const plain = plainToolCallId(id);
  return plain === id ? block : { ...block, [key]: plain };
}

/**
 * With a thinking budget, the last assistant turn must begin with a thought where it calls tools, and must not be a
 * prefill; else Anthropic refuses the request.
 */
export function isThoughtMissing(messages: readonly JsonValue[]): boolean {
  const last = messages.findLastIndex((message) => asObject(message)?.role === 'assistant');
  if (last < 0) return false;
  const blocks = asArray(asObject(messages[last])?.content).map(asObject);
  const hasToolCalls = blocks.some((block) => block?.type === 'tool_use');
  const isPrefill = last === messages.length - 1;
  const first = blocks[0]?.type;
  return isPrefill || (hasToolCalls && first !== 'thinking' && first !== 'redacted_thinking');
}
