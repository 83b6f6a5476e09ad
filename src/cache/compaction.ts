// Fewer tokens for the same words: what may be left out of a conversation before it is sent. Each message becomes what it
// becomes by itself and by those before it, never by those after: a conversation that grows keeps its beginning, and with
// it the provider's prompt cache.

import type { CompactionRule } from '../config/cache.ts';
import type { ChatRequest, MediaPart, Message, Part, TextPart, ToolResultPart } from '../model/chat.ts';
import { compactJson } from './compact-json.ts';
import { compactText } from './compact-text.ts';

/** A reference costs some thirty tokens. */
const REPEATED_LENGTH_MIN = 500;

export interface Compacted {
  readonly request: ChatRequest;
  /** The texts that were changed, as they were and as they are. */
  readonly before: readonly string[];
  readonly after: readonly string[];
}

/** Undefined when nothing can be left out. */
export function compactRequest(request: ChatRequest, rule: CompactionRule): Compacted | undefined {
  if (!rule.isEnabled) return undefined;
  const compactor = new Compactor(rule);
  const messages = request.messages.map((message) => compactor.message(message));
  const { before, after } = compactor;
  if (before.length === 0) return undefined;
  const { original } = request;
  return {
    request: { ...request, messages, ...(original && { original: { ...original, isConversationEdited: true } }) },
    before,
    after,
  };
}

class Compactor {
  readonly before: string[] = [];
  readonly after: string[] = [];
  readonly #isDeduplicating: boolean;
  /** Text of long tool results → the call that had it first. */
  readonly #seen = new Map<string, string>();

  constructor({ isDeduplicating }: CompactionRule) {
    this.#isDeduplicating = isDeduplicating;
  }

  message(message: Message): Message {
    // A model's own words stay as it wrote them: providers sign some of them, and have all of them in their cache.
    if (message.role === 'assistant') return message;
    return this.#same(message, message.parts, (part) => this.#part(part));
  }

  #part(part: Part): Part {
    if (part.type === 'text') return this.#text(part, compactText);
    return part.type === 'tool-result' ? this.#result(part) : part;
  }

  #result(result: ToolResultPart): ToolResultPart {
    return this.#same(result, result.parts, (part) =>
      part.type === 'text' ? this.#text(part, (text) => this.#output(text, result.toolCallId)) : part,
    );
  }

  /** A tool's output may be a file: only of JSON it is known what its white space means. */
  #output(text: string, toolCallId: string): string {
    if (!this.#isDeduplicating || text.length < REPEATED_LENGTH_MIN) return compactJson(text);
    const first = this.#seen.get(text);
    if (first !== undefined) return `[The same output, to the letter, as the earlier result of tool call ${first}.]`;
    this.#seen.set(text, toolCallId);
    return compactJson(text);
  }

  #text(part: TextPart, compact: (text: string) => string): TextPart {
    const text = compact(part.text);
    if (text.length >= part.text.length) return part;
    this.before.push(part.text);
    this.after.push(text);
    return { ...part, text };
  }

  /** The holder itself when none of its parts has changed. */
  #same<Holder extends { readonly parts: readonly Each[] }, Each extends Part | TextPart | MediaPart>(
    holder: Holder,
    parts: readonly Each[],
    compact: (part: Each) => Each,
  ): Holder {
    const compacted = parts.map(compact);
    return compacted.every((part, index) => part === parts[index]) ? holder : { ...holder, parts: compacted };
  }
}
