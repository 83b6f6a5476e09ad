// Output items → events, piece by piece or whole. Servers may stream a piece, tell it whole in a `.done`, or only in the
// finished item: every `…Done` method emits just what was not said before, so nothing is lost and nothing comes twice.

import type { TokenLogprob } from '../../model/chat.ts';
import { asArray, asNumber, asObject, asString, type JsonObject, type JsonValue } from '../../model/json.ts';
import type { StreamEvent } from '../../model/stream.ts';
import { definedOnly } from '../fields.ts';
import { parseAnnotation } from './annotations.ts';
import { type ItemPlace, ItemTable } from './item-table.ts';
import { sectionTexts } from './parse-content.ts';
import { readPicture } from './pictures.ts';
import { ToldText } from './told-text.ts';

interface ItemState {
  /** Of a function call: its place among the calls. */
  callIndex?: number;
  argumentsLength: number;
  /** Of a message, whose sections are its content parts. */
  readonly text: ToldText;
  /** By content index. */
  readonly content: Map<number, ContentState>;
  /** Servers stream the summary or the raw reasoning; of one that streams both, the first counts. */
  reasoningSource?: 'summary' | 'content';
  readonly reasoning: ToldText;
  /** The last part of the summary of which something was told. */
  summaryIndex?: number;
}

interface ContentState {
  /** Characters of the whole answer before this part. */
  readonly offset: number;
  annotationCount: number;
}

/** One part of an item, as an event names it. */
export interface SectionPlace extends ItemPlace {
  readonly section: number;
}

export class ItemReader {
  readonly #items = new ItemTable<ItemState>(() => ({
    argumentsLength: 0,
    text: new ToldText(),
    content: new Map(),
    reasoning: new ToldText(),
  }));
  #textLength = 0;
  #callCount = 0;

  get hasToolCalls(): boolean {
    return this.#callCount > 0;
  }

  /** Nothing of any item was told yet. */
  get isEmpty(): boolean {
    return this.#items.isEmpty;
  }

  added(index: number, item: JsonObject): StreamEvent[] {
    const state = this.#items.begin({ index, id: asString(item.id) ?? '' });
    if (item.type === 'function_call') return this.#startCall(state, item);
    return isModelled(item) ? [] : [{ type: 'opaque-delta' }];
  }

  text(place: SectionPlace, text: string, logprobs?: JsonValue): StreamEvent[] {
    const state = this.#items.at(place);
    this.#contentState(state, place.section);
    return [...this.#say(state, text, 'text-delta'), ...logprobEvents(logprobs)];
  }

  refusal(place: SectionPlace, text: string): StreamEvent[] {
    const state = this.#items.at(place);
    this.#contentState(state, place.section);
    return this.#say(state, text, 'refusal-delta');
  }

  textDone(place: SectionPlace, whole: string, logprobs?: JsonValue): StreamEvent[] {
    const { text } = this.#items.at(place);
    const rest = text.restOfSection(place.section, whole);
    // The log probabilities came with the deltas, if there were any.
    const events = this.text(place, rest, rest === whole ? logprobs : undefined);
    text.closeSection(place.section);
    return events;
  }

  refusalDone(place: SectionPlace, whole: string): StreamEvent[] {
    const { text } = this.#items.at(place);
    const events = this.refusal(place, text.restOfSection(place.section, whole));
    text.closeSection(place.section);
    return events;
  }

  annotation(place: SectionPlace, wire: JsonObject): StreamEvent[] {
    return this.#annotate(this.#contentState(this.#items.at(place), place.section), wire);
  }

  reasoning(place: SectionPlace, source: 'summary' | 'content', text: string): StreamEvent[] {
    const state = this.#items.at(place);
    state.reasoningSource ??= source;
    if (state.reasoningSource !== source || text === '') return [];
    if (source === 'summary' && state.summaryIndex !== place.section) {
      state.summaryIndex = place.section;
      state.reasoning.beginSection();
    }
    const isNextSection = state.reasoning.isBetweenSections;
    state.reasoning.add(text);
    return [{ type: 'reasoning-delta', choice: 0, text: isNextSection ? `\n\n${text}` : text }];
  }

  reasoningDone(place: SectionPlace, source: 'summary' | 'content', whole: string): StreamEvent[] {
    const { reasoning, reasoningSource } = this.#items.at(place);
    if (reasoningSource !== undefined && reasoningSource !== source) return [];
    const events = this.reasoning(place, source, reasoning.restOfSection(place.section, whole));
    reasoning.closeSection(place.section);
    return events;
  }

  arguments(place: ItemPlace, delta: string): StreamEvent[] {
    return this.#addArguments(this.#items.at(place), delta);
  }

  argumentsDone(place: ItemPlace, whole: string): StreamEvent[] {
    const state = this.#items.at(place);
    return this.#addArguments(state, whole.slice(state.argumentsLength));
  }

  done(index: number, item: JsonObject): StreamEvent[] {
    const state = this.#items.end({ index, id: asString(item.id) ?? '' });
    if (!state) return [];
    switch (item.type) {
      case 'message':
        return this.#messageDone(state, item);
      case 'reasoning':
        return reasoningItemDone(state, item);
      case 'function_call': {
        const start = this.#startCall(state, item);
        const rest = (asString(item.arguments) ?? '').slice(state.argumentsLength);
        return [...start, ...this.#addArguments(state, rest)];
      }
      case 'image_generation_call': {
        const media = readPicture(item);
        return [media ? { type: 'media-add', choice: 0, media } : { type: 'opaque-delta' }];
      }
      default:
        return [{ type: 'opaque-delta' }];
    }
  }

  #messageDone(state: ItemState, item: JsonObject): StreamEvent[] {
    const parts = asArray(item.content).map((value) => asObject(value) ?? {});
    const isNew = state.text.isEmpty;
    const rests = state.text.restOfItem(parts.map((part) => asString(part.text) ?? asString(part.refusal) ?? ''));
    return parts.flatMap((part, section) => {
      const content = this.#contentState(state, section);
      const type = part.type === 'refusal' ? 'refusal-delta' : 'text-delta';
      const events = this.#say(state, rests[section] ?? '', type);
      const annotations = asArray(part.annotations).slice(content.annotationCount);
      return [
        ...events,
        ...(isNew ? logprobEvents(part.logprobs) : []),
        ...annotations.flatMap((wire) => this.#annotate(content, asObject(wire) ?? {})),
      ];
    });
  }

  #annotate(content: ContentState, wire: JsonObject): StreamEvent[] {
    content.annotationCount += 1;
    return [{ type: 'annotation-add', choice: 0, annotation: parseAnnotation(wire, content.offset) }];
  }

  #startCall(state: ItemState, item: JsonObject): StreamEvent[] {
    if (state.callIndex !== undefined) return [];
    state.callIndex = this.#callCount;
    this.#callCount += 1;
    const id = asString(item.call_id) || asString(item.id) || `call_${state.callIndex}`;
    return [{ type: 'tool-call-start', choice: 0, index: state.callIndex, id, name: asString(item.name) ?? '' }];
  }

  #addArguments(state: ItemState, delta: string): StreamEvent[] {
    if (delta === '' || state.callIndex === undefined) return [];
    state.argumentsLength += delta.length;
    return [{ type: 'tool-call-delta', choice: 0, index: state.callIndex, argumentsDelta: delta }];
  }

  #say(state: ItemState, text: string, type: 'text-delta' | 'refusal-delta'): StreamEvent[] {
    if (text === '') return [];
    state.text.add(text);
    if (type === 'text-delta') this.#textLength += text.length;
    return [{ type, choice: 0, text }];
  }

  /** Made before the part's first text is told, as that moves the offset. */
  #contentState({ content }: ItemState, index: number): ContentState {
    let state = content.get(index);
    if (!state) {
      state = { offset: this.#textLength, annotationCount: 0 };
      content.set(index, state);
    }
    return state;
  }
}

function reasoningItemDone(state: ItemState, item: JsonObject): StreamEvent[] {
  const content = sectionTexts(item.content);
  const source = state.reasoningSource ?? (content.length > 0 ? 'content' : 'summary');
  const texts = source === 'content' ? content : sectionTexts(item.summary);
  const events = state.reasoning.restOfItem(texts).flatMap((rest, section): StreamEvent[] => {
    if (rest === '') return [];
    const isNextSection = !state.reasoning.isEmpty && rest === texts[section];
    state.reasoning.add(rest);
    return [{ type: 'reasoning-delta', choice: 0, text: isNextSection ? `\n\n${rest}` : rest }];
  });
  const value = asString(item.encrypted_content) ?? '';
  if (value === '') return events;
  const id = asString(item.id);
  const signature = { dialect: 'openai-responses', value, ...(id !== undefined && { id }) } as const;
  return [...events, { type: 'reasoning-signature', choice: 0, signature }];
}

function isModelled(item: JsonObject): boolean {
  return item.type === 'message' || item.type === 'reasoning' || item.type === 'function_call';
}

function logprobEvents(value: JsonValue | undefined): StreamEvent[] {
  const logprobs = parseLogprobs(value);
  return logprobs.length === 0 ? [] : [{ type: 'logprobs-add', choice: 0, logprobs }];
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
