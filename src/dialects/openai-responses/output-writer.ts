// Events → output items and the wire events that tell them: one item at a time, each opened, filled and closed in
// OpenAI's order. Calls whose arguments interleave stay open side by side until they are complete.

import type { MediaPart, TokenLogprob } from '../../model/chat.ts';
import type { JsonObject, JsonValue } from '../../model/json.ts';
import type { StreamEvent } from '../../model/stream.ts';
import { sealSignature } from '../sealed-signature.ts';
import { linkTo } from '../without-pictures.ts';
import { renderAnnotation } from './annotations.ts';
import { type CallWriter, callWriter } from './call-writer.ts';
import type { ClientTools } from './client-tools.ts';
import { compactionItem } from './compaction.ts';
import { type OwnItemKind, ownItemId } from './own-items.ts';
import { pictureItem } from './pictures.ts';

/** A wire event without its `sequence_number`. */
export interface WireEvent extends JsonObject {
  readonly type: string;
}

interface Item {
  readonly index: number;
  readonly id: string;
}

interface ReasoningItem extends Item {
  readonly kind: 'reasoning';
  text: string;
}

interface MessageItem extends Item {
  readonly kind: 'message';
  readonly content: JsonObject[];
  part: ContentPart | undefined;
}

interface ContentPart {
  readonly type: 'text' | 'refusal';
  readonly item: Item;
  readonly contentIndex: number;
  /** Characters of the whole answer before this part. */
  readonly offset: number;
  text: string;
  readonly annotations: JsonObject[];
  readonly logprobs: JsonObject[];
}

export class OutputWriter {
  /** Every item that is closed, at its output index. */
  readonly output: JsonObject[] = [];
  readonly #identity: string;
  readonly #tools: ClientTools;
  #itemCount = 0;
  #textLength = 0;
  #open: ReasoningItem | MessageItem | undefined;
  #lastText: ContentPart | undefined;
  readonly #calls = new Map<number, CallWriter>();
  #summary: string | undefined;

  /**
   * @param identity what the item ids are made of, `[A-Za-z0-9]+`
   * @param tools those of the request, whose calls are told under their own names
   * @param isSummary the answer's text stands for the conversation: it becomes one `compaction` item
   */
  constructor(identity: string, tools: ClientTools, isSummary = false) {
    this.#identity = identity;
    this.#tools = tools;
    this.#summary = isSummary ? '' : undefined;
  }

  /** Only the first choice: the wire has no place for another. */
  write(event: StreamEvent): WireEvent[] {
    if ('choice' in event && event.choice !== 0) return [];
    if (this.#summary !== undefined && !event.type.startsWith('reasoning-')) {
      if (event.type === 'text-delta') this.#summary += event.text;
      return [];
    }
    switch (event.type) {
      case 'text-delta':
        return event.text === '' ? [] : this.#text('text', event.text);
      case 'refusal-delta':
        return event.text === '' ? [] : this.#text('refusal', event.text);
      case 'reasoning-delta':
        return event.text === '' ? [] : this.#reasoning(event.text);
      case 'reasoning-signature':
        return this.#signature(sealSignature(event.signature, event.isRedacted === true));
      case 'annotation-add': {
        const annotation = renderAnnotation(event.annotation, this.#lastText?.offset ?? 0);
        return annotation ? this.#annotation(annotation) : [];
      }
      case 'media-add':
        return this.#picture(event.media);
      case 'logprobs-add':
        return this.#logprobs(event.logprobs.map(renderLogprob));
      case 'tool-call-start':
        return this.#startCall(event.index, event.id, event.name);
      case 'tool-call-delta':
        return this.#calls.get(event.index)?.append(event.argumentsDelta) ?? [];
      default:
        return [];
    }
  }

  /** Closes what is open; items that the end cut off are `incomplete`. */
  close(isIncomplete: boolean): WireEvent[] {
    const status = isIncomplete ? 'incomplete' : 'completed';
    const events = this.#closeOpen(status);
    for (const index of [...this.#calls.keys()]) events.push(...this.#closeCall(index, status));
    return this.#summary ? [...events, ...this.#compaction(this.#summary)] : events;
  }

  #compaction(summary: string): WireEvent[] {
    const item = this.#nextItem('cmp');
    const wire = compactionItem(item.id, summary);
    return [itemAdded(item, wire), this.#itemDone(item, wire)];
  }

  #nextItem(kind: OwnItemKind): Item {
    const index = this.#itemCount;
    this.#itemCount += 1;
    return { index, id: ownItemId(kind, this.#identity, index) };
  }

  #text(type: ContentPart['type'], text: string): WireEvent[] {
    const { events, part } = this.#contentPart(type);
    part.text += text;
    if (type === 'text') this.#textLength += text.length;
    const place = placeOf(part);
    events.push(
      type === 'text'
        ? { type: 'response.output_text.delta', ...place, delta: text, logprobs: [] }
        : { type: 'response.refusal.delta', ...place, delta: text },
    );
    return events;
  }

  /** The open part of this type, opening message and part where there is none. */
  #contentPart(type: ContentPart['type']): { events: WireEvent[]; part: ContentPart } {
    const events: WireEvent[] = [];
    if (this.#open?.kind !== 'message') {
      events.push(...this.#closeOpen('completed'), ...this.#closeCompleteCalls());
      const item = this.#nextItem('msg');
      this.#open = { kind: 'message', ...item, content: [], part: undefined };
      events.push(itemAdded(item, messageItem(item.id, 'in_progress', [])));
    }
    const message = this.#open;
    if (message.part?.type === type) return { events, part: message.part };
    events.push(...closePart(message));
    const part: ContentPart = {
      type,
      item: message,
      contentIndex: message.content.length,
      offset: this.#textLength,
      text: '',
      annotations: [],
      logprobs: [],
    };
    message.part = part;
    if (type === 'text') this.#lastText = part;
    events.push({ type: 'response.content_part.added', ...placeOf(part), part: partObject(part) });
    return { events, part };
  }

  #annotation(annotation: JsonObject): WireEvent[] {
    const events = this.#lastText ? [] : this.#contentPart('text').events;
    const part = this.#lastText;
    if (!part) return events;
    const annotationIndex = part.annotations.length;
    part.annotations.push(annotation);
    this.#refresh(part);
    const place = { ...placeOf(part), annotation_index: annotationIndex };
    return [...events, { type: 'response.output_text.annotation.added', ...place, annotation }];
  }

  #logprobs(logprobs: JsonObject[]): WireEvent[] {
    const part = this.#lastText;
    if (!part) return [];
    part.logprobs.push(...logprobs);
    this.#refresh(part);
    const isOpen = this.#open?.kind === 'message' && this.#open.part === part;
    return isOpen ? [{ type: 'response.output_text.delta', ...placeOf(part), delta: '', logprobs }] : [];
  }

  /** What comes after its part was closed still belongs into the final output. */
  #refresh(part: ContentPart): void {
    const closed = this.output[part.item.index]?.content;
    const content = Array.isArray(closed) ? closed : this.#open?.kind === 'message' ? this.#open.content : [];
    if (part.contentIndex < content.length) content[part.contentIndex] = partObject(part);
  }

  #reasoning(text: string): WireEvent[] {
    const events: WireEvent[] = [];
    if (this.#open?.kind !== 'reasoning') events.push(...this.#openReasoning());
    const item = this.#open;
    if (item?.kind !== 'reasoning') return events;
    const place = summaryPlace(item);
    if (item.text === '') {
      const part = { type: 'summary_text', text: '' };
      events.push({ type: 'response.reasoning_summary_part.added', ...place, part });
    }
    item.text += text;
    events.push({ type: 'response.reasoning_summary_text.delta', ...place, delta: text });
    return events;
  }

  #openReasoning(): WireEvent[] {
    const events = [...this.#closeOpen('completed'), ...this.#closeCompleteCalls()];
    const item = this.#nextItem('rs');
    this.#open = { kind: 'reasoning', ...item, text: '' };
    events.push(itemAdded(item, { id: item.id, type: 'reasoning', summary: [] }));
    return events;
  }

  #signature(encrypted: string): WireEvent[] {
    const events = this.#open?.kind === 'reasoning' ? [] : this.#openReasoning();
    return [...events, ...this.#closeOpen('completed', encrypted)];
  }

  /** A picture without bytes has no item: its address is told as text. */
  #picture(media: MediaPart): WireEvent[] {
    const { source } = media;
    if (source.type !== 'base64') return this.#text('text', linkTo(media) ?? '');
    const events = [...this.#closeOpen('completed'), ...this.#closeCompleteCalls()];
    const item = this.#nextItem('ig');
    const wire = pictureItem(item.id, media, source.data);
    const place = { item_id: item.id, output_index: item.index };
    return [
      ...events,
      itemAdded(item, { ...wire, status: 'in_progress', result: null }),
      { type: 'response.image_generation_call.in_progress', ...place },
      { type: 'response.image_generation_call.generating', ...place },
      { type: 'response.image_generation_call.completed', ...place },
      this.#itemDone(item, wire),
    ];
  }

  #startCall(index: number, callId: string, name: string): WireEvent[] {
    const events = [...this.#closeOpen('completed'), ...this.#closeCompleteCalls()];
    const tool = this.#tools.called(name);
    const call = callWriter(tool, callId, this.#nextItem(tool.isCustom ? 'ctc' : 'fc'));
    this.#calls.set(index, call);
    events.push(itemAdded(call, call.item('in_progress')));
    return events;
  }

  #closeCompleteCalls(): WireEvent[] {
    const complete = [...this.#calls].filter(([, call]) => call.isComplete);
    return complete.flatMap(([index]) => this.#closeCall(index, 'completed'));
  }

  #closeCall(index: number, status: string): WireEvent[] {
    const call = this.#calls.get(index);
    if (!call) return [];
    this.#calls.delete(index);
    return [...call.end(), this.#itemDone(call, call.item(status))];
  }

  #closeOpen(status: string, encrypted?: string): WireEvent[] {
    const open = this.#open;
    this.#open = undefined;
    if (!open) return [];
    if (open.kind === 'message') {
      const events = closePart(open);
      return [...events, this.#itemDone(open, messageItem(open.id, status, open.content))];
    }
    const events: WireEvent[] = [];
    const summary = open.text === '' ? [] : [{ type: 'summary_text', text: open.text }];
    if (open.text !== '') {
      const place = summaryPlace(open);
      events.push({ type: 'response.reasoning_summary_text.done', ...place, text: open.text });
      events.push({ type: 'response.reasoning_summary_part.done', ...place, part: summary[0] });
    }
    const proof = encrypted === undefined ? {} : { encrypted_content: encrypted };
    return [...events, this.#itemDone(open, { id: open.id, type: 'reasoning', summary, ...proof })];
  }

  #itemDone(item: Item, wire: JsonObject): WireEvent {
    this.output[item.index] = wire;
    return { type: 'response.output_item.done', output_index: item.index, item: wire };
  }
}

function itemAdded(item: Item, wire: JsonObject): WireEvent {
  return { type: 'response.output_item.added', output_index: item.index, item: wire };
}

function messageItem(id: string, status: string, content: JsonObject[]): JsonObject {
  return { id, type: 'message', status, role: 'assistant', content };
}

function closePart(message: MessageItem): WireEvent[] {
  const { part } = message;
  message.part = undefined;
  if (!part) return [];
  const wire = partObject(part);
  message.content.push(wire);
  const place = placeOf(part);
  return [
    part.type === 'text'
      ? { type: 'response.output_text.done', ...place, text: part.text, logprobs: [...part.logprobs] }
      : { type: 'response.refusal.done', ...place, refusal: part.text },
    { type: 'response.content_part.done', ...place, part: wire },
  ];
}

function placeOf(part: ContentPart): JsonObject {
  return { item_id: part.item.id, output_index: part.item.index, content_index: part.contentIndex };
}

function summaryPlace(item: Item): JsonObject {
  return { item_id: item.id, output_index: item.index, summary_index: 0 };
}

function partObject(part: ContentPart): JsonObject {
  if (part.type === 'refusal') return { type: 'refusal', refusal: part.text };
  const { text, annotations, logprobs } = part;
  return { type: 'output_text', text, annotations: [...annotations], logprobs: [...logprobs] };
}

function renderLogprob(entry: TokenLogprob): JsonObject {
  return {
    ...renderToken(entry),
    top_logprobs: (entry.topLogprobs ?? []).map(renderToken) satisfies JsonValue,
  };
}

function renderToken(entry: Omit<TokenLogprob, 'topLogprobs'>): JsonObject {
  const bytes = entry.bytes ?? [...Buffer.from(entry.token)];
  return { token: entry.token, logprob: entry.logprob, bytes: [...bytes] };
}
