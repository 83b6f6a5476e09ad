// Output items → events, piece by piece or whole. Servers may stream a piece, tell it whole in a `.done`, or only in the
// finished item: every `…Done` method emits just what was not said before, so nothing is lost and nothing comes twice.

import type { TokenLogprob } from '../../model/chat.ts';
import { asArray, asNumber, asObject, asString, type JsonObject, type JsonValue } from '../../model/json.ts';
import type { StreamEvent } from '../../model/stream.ts';
import { definedOnly } from '../fields.ts';
import { parseAnnotation } from './annotations.ts';
import { sectionTexts } from './parse-content.ts';
import { readPicture } from './pictures.ts';

interface ItemState {
  /** Of a function call: its place among the calls. */
  callIndex?: number;
  argumentsLength: number;
  /** By content index. */
  readonly content: Map<number, ContentState>;
  /** Servers stream the summary or the raw reasoning; of one that streams both, the first counts. */
  reasoningSource?: 'summary' | 'content';
  /** Length by summary or content index. */
  readonly reasoning: Map<number, number>;
  isDone: boolean;
}

interface ContentState {
  /** Characters of the whole answer before this part. */
  readonly offset: number;
  length: number;
  annotationCount: number;
}

export class ItemReader {
  readonly #items = new Map<number, ItemState>();
  #textLength = 0;
  #callCount = 0;

  get hasToolCalls(): boolean {
    return this.#callCount > 0;
  }

  /** Nothing of any item was told yet. */
  get isEmpty(): boolean {
    return this.#items.size === 0;
  }

  added(index: number, item: JsonObject): StreamEvent[] {
    const state = this.#item(index);
    if (item.type === 'function_call') return this.#startCall(state, item);
    return isModelled(item) ? [] : [{ type: 'opaque-delta' }];
  }

  text(index: number, contentIndex: number, text: string, logprobs?: JsonValue): StreamEvent[] {
    const events = this.#content(index, contentIndex, text, 'text-delta');
    const parsed = parseLogprobs(logprobs);
    return parsed.length === 0 ? events : [...events, { type: 'logprobs-add', choice: 0, logprobs: parsed }];
  }

  refusal(index: number, contentIndex: number, text: string): StreamEvent[] {
    return this.#content(index, contentIndex, text, 'refusal-delta');
  }

  textDone(index: number, contentIndex: number, whole: string, logprobs?: JsonValue): StreamEvent[] {
    const { length } = this.#contentState(index, contentIndex);
    // The log probabilities came with the deltas, if there were any.
    return this.text(index, contentIndex, whole.slice(length), length === 0 ? logprobs : undefined);
  }

  refusalDone(index: number, contentIndex: number, whole: string): StreamEvent[] {
    return this.refusal(index, contentIndex, whole.slice(this.#contentState(index, contentIndex).length));
  }

  annotation(index: number, contentIndex: number, wire: JsonObject): StreamEvent[] {
    const state = this.#contentState(index, contentIndex);
    state.annotationCount += 1;
    return [{ type: 'annotation-add', choice: 0, annotation: parseAnnotation(wire, state.offset) }];
  }

  reasoning(index: number, source: 'summary' | 'content', section: number, text: string): StreamEvent[] {
    const state = this.#item(index);
    state.reasoningSource ??= source;
    if (state.reasoningSource !== source || text === '') return [];
    const length = state.reasoning.get(section);
    const isNextSection = length === undefined && state.reasoning.size > 0;
    state.reasoning.set(section, (length ?? 0) + text.length);
    return [{ type: 'reasoning-delta', choice: 0, text: isNextSection ? `\n\n${text}` : text }];
  }

  reasoningDone(index: number, source: 'summary' | 'content', section: number, whole: string): StreamEvent[] {
    return this.reasoning(index, source, section, whole.slice(this.#item(index).reasoning.get(section) ?? 0));
  }

  arguments(index: number, delta: string): StreamEvent[] {
    const state = this.#item(index);
    if (delta === '' || state.callIndex === undefined) return [];
    state.argumentsLength += delta.length;
    return [{ type: 'tool-call-delta', choice: 0, index: state.callIndex, argumentsDelta: delta }];
  }

  argumentsDone(index: number, whole: string): StreamEvent[] {
    return this.arguments(index, whole.slice(this.#item(index).argumentsLength));
  }

  done(index: number, item: JsonObject): StreamEvent[] {
    const state = this.#item(index);
    if (state.isDone) return [];
    state.isDone = true;
    switch (item.type) {
      case 'message':
        return asArray(item.content).flatMap((part, contentIndex) => this.#partDone(index, contentIndex, part));
      case 'reasoning':
        return this.#reasoningItemDone(index, item);
      case 'function_call':
        return [...this.#startCall(state, item), ...this.argumentsDone(index, asString(item.arguments) ?? '')];
      case 'image_generation_call': {
        const media = readPicture(item);
        return [media ? { type: 'media-add', choice: 0, media } : { type: 'opaque-delta' }];
      }
      default:
        return [{ type: 'opaque-delta' }];
    }
  }

  #partDone(index: number, contentIndex: number, value: JsonValue): StreamEvent[] {
    const part = asObject(value);
    if (!part) return [];
    if (part.type === 'refusal') return this.refusalDone(index, contentIndex, asString(part.refusal) ?? '');
    const events = this.textDone(index, contentIndex, asString(part.text) ?? '', part.logprobs);
    const { annotationCount } = this.#contentState(index, contentIndex);
    const annotations = asArray(part.annotations).slice(annotationCount);
    return [...events, ...annotations.flatMap((wire) => this.annotation(index, contentIndex, asObject(wire) ?? {}))];
  }

  #reasoningItemDone(index: number, item: JsonObject): StreamEvent[] {
    const content = sectionTexts(item.content);
    const source = this.#item(index).reasoningSource ?? (content.length > 0 ? 'content' : 'summary');
    const texts = source === 'content' ? content : sectionTexts(item.summary);
    const events = texts.flatMap((text, section) => this.reasoningDone(index, source, section, text));
    const value = asString(item.encrypted_content) ?? '';
    if (value === '') return events;
    const id = asString(item.id);
    const signature = { dialect: 'openai-responses', value, ...(id !== undefined && { id }) } as const;
    return [...events, { type: 'reasoning-signature', choice: 0, signature }];
  }

  #startCall(state: ItemState, item: JsonObject): StreamEvent[] {
    if (state.callIndex !== undefined) return [];
    state.callIndex = this.#callCount;
    this.#callCount += 1;
    const id = asString(item.call_id) || asString(item.id) || `call_${state.callIndex}`;
    return [{ type: 'tool-call-start', choice: 0, index: state.callIndex, id, name: asString(item.name) ?? '' }];
  }

  #content(index: number, contentIndex: number, text: string, type: 'text-delta' | 'refusal-delta'): StreamEvent[] {
    const state = this.#contentState(index, contentIndex);
    if (text === '') return [];
    state.length += text.length;
    if (type === 'text-delta') this.#textLength += text.length;
    return [{ type, choice: 0, text }];
  }

  #contentState(index: number, contentIndex: number): ContentState {
    const { content } = this.#item(index);
    let state = content.get(contentIndex);
    if (!state) {
      state = { offset: this.#textLength, length: 0, annotationCount: 0 };
      content.set(contentIndex, state);
    }
    return state;
  }

  #item(index: number): ItemState {
    let state = this.#items.get(index);
    if (!state) {
      state = { argumentsLength: 0, content: new Map(), reasoning: new Map(), isDone: false };
      this.#items.set(index, state);
    }
    return state;
  }
}

function isModelled(item: JsonObject): boolean {
  return item.type === 'message' || item.type === 'reasoning' || item.type === 'function_call';
}

function parseLogprobs(value: JsonValue | undefined): TokenLogprob[] {
  return asArray(value).flatMap((entry) => {
    const wire = asObject(entry);
    const token = asString(wire?.token);
    const logprob = asNumber(wire?.logprob);
    if (!wire || token === undefined || logprob === undefined) return [];
    const bytes = Array.isArray(wire.bytes) ? wire.bytes.filter((byte) => typeof byte === 'number') : undefined;
    const topLogprobs = Array.isArray(wire.top_logprobs) ? parseLogprobs(wire.top_logprobs) : undefined;
    return [definedOnly<TokenLogprob>({ token, logprob, bytes, topLogprobs })];
  });
}
