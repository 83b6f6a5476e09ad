// Content blocks of an answer → events. A whole block is told by `start` and `stop`, a streamed one has deltas between.

import { asArray, asObject, asString, isObject, type JsonObject } from '../../model/json.ts';
import type { StreamEvent } from '../../model/stream.ts';
import { madeToolCallId } from '../tool-call-id.ts';
import { furtherFields, parseCitation } from './extensions.ts';

interface OpenBlock {
  readonly type: string;
  /** Where its text begins in the whole answer's text. */
  readonly textStart: number;
  readonly citations: JsonObject[];
  signature: string;
  /** Which of the answer's tool calls it is. */
  readonly toolIndex: number;
  /** Arguments that came whole with the start: some compatible servers send no deltas. */
  readonly wholeInput: string;
  hasDeltas: boolean;
}

const OPAQUE: readonly StreamEvent[] = [{ type: 'opaque-delta' }];

export class BlockReader {
  readonly #messageId: string;
  readonly #open = new Map<number, OpenBlock>();
  #toolCallCount = 0;
  #textLength = 0;

  constructor(messageId: string) {
    this.#messageId = messageId;
  }

  start(index: number, block: JsonObject): readonly StreamEvent[] {
    const type = asString(block.type) ?? '';
    const toolIndex = type === 'tool_use' ? this.#toolCallCount++ : -1;
    this.#open.set(index, {
      type,
      textStart: this.#textLength,
      citations: asArray(block.citations).filter(isObject),
      signature: asString(block.signature) ?? '',
      toolIndex,
      wholeInput: JSON.stringify(asObject(block.input) ?? {}),
      hasDeltas: false,
    });
    switch (type) {
      case 'text':
        return this.#text(asString(block.text) ?? '');
      case 'thinking':
        return thought(asString(block.thinking) ?? '');
      case 'redacted_thinking': {
        const signature = { dialect: 'anthropic', value: asString(block.data) ?? '' } as const;
        return [{ type: 'reasoning-signature', choice: 0, signature, isRedacted: true }];
      }
      case 'tool_use':
        return [
          {
            type: 'tool-call-start',
            choice: 0,
            index: toolIndex,
            id: asString(block.id) || madeToolCallId(toolIndex, this.#messageId),
            name: asString(block.name) ?? '',
            ...furtherFields(block, ['type', 'id', 'name', 'input']),
          },
        ];
      default:
        return OPAQUE;
    }
  }

  delta(index: number, delta: JsonObject): readonly StreamEvent[] {
    const block = this.#open.get(index);
    switch (delta.type) {
      case 'text_delta':
        return this.#text(asString(delta.text) ?? '');
      case 'thinking_delta':
        return thought(asString(delta.thinking) ?? '');
      case 'signature_delta':
        if (block) block.signature = asString(delta.signature) ?? '';
        return [];
      case 'citations_delta':
        if (block && isObject(delta.citation)) block.citations.push(delta.citation);
        return [];
      case 'input_json_delta': {
        if (block?.type !== 'tool_use') return OPAQUE;
        const argumentsDelta = asString(delta.partial_json) ?? '';
        if (argumentsDelta === '') return [];
        block.hasDeltas = true;
        return [{ type: 'tool-call-delta', choice: 0, index: block.toolIndex, argumentsDelta }];
      }
      default:
        return OPAQUE;
    }
  }

  stop(index: number): readonly StreamEvent[] {
    const block = this.#open.get(index);
    if (!block) return [];
    this.#open.delete(index);
    if (block.type === 'tool_use' && !block.hasDeltas) {
      return [{ type: 'tool-call-delta', choice: 0, index: block.toolIndex, argumentsDelta: block.wholeInput }];
    }
    if (block.type === 'thinking' && block.signature !== '') {
      const signature = { dialect: 'anthropic', value: block.signature } as const;
      return [{ type: 'reasoning-signature', choice: 0, signature }];
    }
    return block.citations.map((citation) => ({
      type: 'annotation-add',
      choice: 0,
      annotation: parseCitation(citation, block.textStart, this.#textLength),
    }));
  }

  /** Stops whatever the wire forgot to stop. */
  stopAll(): readonly StreamEvent[] {
    return [...this.#open.keys()].flatMap((index) => this.stop(index));
  }

  #text(text: string): readonly StreamEvent[] {
    if (text === '') return [];
    this.#textLength += text.length;
    return [{ type: 'text-delta', choice: 0, text }];
  }
}

function thought(text: string): readonly StreamEvent[] {
  return text === '' ? [] : [{ type: 'reasoning-delta', choice: 0, text }];
}
