// Reads answers: the chunks of a stream and whole bodies alike, as a body is a stream of one chunk whose choices have a
// `message` instead of a `delta`.

import type { ReasoningPart } from '../../model/chat.ts';
import { asArray, asNumber, asObject, asString, isObject, type JsonObject, type JsonValue } from '../../model/json.ts';
import type { StreamEvent } from '../../model/stream.ts';
import { openAiEventError } from '../openai-error.ts';
import { readAnnotation, readFinishReason, readLogprobs, readUsage } from './answer-fields.ts';
import { readPictures } from './pictures.ts';
import { readReasoning, reasoningEvents } from './reasoning-details.ts';
import { soundMessage } from './sound-message.ts';
import { readThinking } from './thinking-content.ts';
import { ToolCallTracker } from './tool-call-tracker.ts';

interface ChoiceState {
  readonly toolCalls: ToolCallTracker;
  isFinished: boolean;
  /** Something of it was streamed. */
  hasDeltas: boolean;
  /** Of the block that no signature has closed yet. */
  reasoningText: string;
}

export interface ReadChunk {
  readonly events: StreamEvent[];
  /** The chunk itself, or a copy whose messages and tool calls are as clients need them. */
  readonly value: JsonObject;
}

/** Finish reasons by which a server says, inside a 200, that it failed: OpenRouter's, DeepSeek's, Z.AI's. */
const FAILURES: ReadonlySet<string> = new Set([
  'error',
  'insufficient_system_resource',
  'network_error',
  'network-error',
]);

export class AnswerReader {
  #id = '';
  #isStarted = false;
  readonly #choices = new Map<number, ChoiceState>();

  /** At least one choice was begun. */
  get hasChoices(): boolean {
    return this.#choices.size > 0;
  }

  /** Every choice that was begun has its finish reason. */
  get isFinished(): boolean {
    return this.hasChoices && [...this.#choices.values()].every((choice) => choice.isFinished);
  }

  /** @param isStreamed it is a chunk of a stream, whose readers expect a `delta` */
  read(value: JsonObject, isStreamed = false): ReadChunk {
    const choices = asArray(value.choices);
    const events = this.#start(value, choices);
    let repaired: JsonValue[] | undefined;
    for (const [position, choice] of choices.entries()) {
      if (!isObject(choice)) continue;
      const sound = this.#readChoice(choice, position, events, isStreamed);
      if (sound === choice) continue;
      repaired ??= [...choices];
      repaired[position] = sound;
    }
    // Groq and Moonshot put it in corners of their own.
    const usage =
      asObject(value.usage) ?? asObject(asObject(value.x_groq)?.usage) ?? asObject(asObject(choices[0])?.usage);
    if (usage) events.push({ type: 'usage', usage: readUsage(usage) });
    // Clients go through the list of every chunk, also where a server has none beside its usage.
    if (!Array.isArray(value.choices)) repaired = [];
    return { events, value: repaired ? { ...value, choices: repaired } : value };
  }

  /** Finish events for the choices whose server forgot them, though it said that the answer is complete. */
  finishRest(): StreamEvent[] {
    return [...this.#choices.entries()].flatMap(([index, state]) =>
      state.isFinished ? [] : this.#finish(index, state, '', undefined),
    );
  }

  /** Azure's first chunk has neither id nor choices, only what its filters found: the answer starts after it. */
  #start(value: JsonObject, choices: readonly JsonValue[]): StreamEvent[] {
    const id = asString(value.id) ?? '';
    const model = asString(value.model) ?? '';
    if (this.#isStarted || (id === '' && model === '' && choices.length === 0)) return [];
    this.#isStarted = true;
    this.#id = id;
    const createdAt = asNumber(value.created);
    return [{ type: 'response-start', id, model, ...(createdAt && { createdAt }) }];
  }

  /** Returns the choice, or its repaired copy. */
  #readChoice(wire: JsonObject, position: number, events: StreamEvent[], isStreamed: boolean): JsonObject {
    const index = asNumber(wire.index) ?? position;
    let state = this.#choices.get(index);
    if (!state) {
      state = { toolCalls: new ToolCallTracker(index), isFinished: false, hasDeltas: false, reasoningText: '' };
      this.#choices.set(index, state);
    }
    const key = isStreamed ? 'delta' : 'message';
    const choice = holding(wire, key, state.hasDeltas);
    const holder = asObject(choice[key]) ?? {};
    const told = events.length;
    if (holder.reasoning_content || holder.reasoning || holder.reasoning_details) {
      events.push(...reasoningEvents(withoutRepetition(readReasoning(holder), state), index));
    }
    contentEvents(holder, index, events);
    const toolCalls = this.#readToolCalls(asArray(holder.tool_calls), state.toolCalls, key, events);
    if (isObject(holder.function_call)) {
      events.push(...state.toolCalls.add(holder.function_call, this.#id, 'function_call').events);
    }
    const logprobs = readLogprobs(choice.logprobs);
    if (logprobs.length > 0) events.push({ type: 'logprobs-add', choice: index, logprobs });
    state.hasDeltas ||= key === 'delta' && events.length > told;
    const finish = asString(choice.finish_reason);
    if (finish && !state.isFinished) events.push(...this.#finish(index, state, finish, asObject(choice.error)));
    const sound = soundMessage(holder);
    if (!toolCalls && sound === holder) return choice;
    return { ...choice, [key]: { ...sound, ...(toolCalls && { tool_calls: toolCalls }) } };
  }

  /** Returns repaired entries when the wire's own would confuse a client. */
  #readToolCalls(
    entries: readonly JsonValue[],
    tracker: ToolCallTracker,
    key: 'delta' | 'message',
    events: StreamEvent[],
  ): JsonValue[] | undefined {
    let repaired: JsonValue[] | undefined;
    for (const [position, entry] of entries.entries()) {
      if (!isObject(entry)) continue;
      const tracked = tracker.add(entry, this.#id);
      events.push(...tracked.events);
      const isIndexSound = key === 'message' || entry.index === tracked.index;
      const isIdSound = entry.id === tracked.id || (!tracked.isFirst && !entry.id);
      // Mistral leaves the type out, and OpenAI's own SDK then refuses the whole answer.
      const isTypeSound = !tracked.isFirst || typeof entry.type === 'string';
      if (isIndexSound && isIdSound && isTypeSound && !tracked.isRepetition) continue;
      repaired ??= [...entries];
      repaired[position] = {
        ...entry,
        ...(tracked.isRepetition && { function: { ...asObject(entry.function), arguments: '' } }),
        ...(key === 'delta' && { index: tracked.index }),
        ...(!isIdSound && { id: tracked.id }),
        ...(!isTypeSound && { type: isObject(entry.custom) ? 'custom' : 'function' }),
      };
    }
    return repaired;
  }

  /** @param cause what OpenRouter says of a failure, beside the finish reason */
  #finish(index: number, state: ChoiceState, raw: string, cause: JsonObject | undefined): StreamEvent[] {
    state.isFinished = true;
    if (FAILURES.has(raw)) {
      const message = `The upstream stopped its answer with the finish reason '${raw}'.`;
      return [{ type: 'error', error: openAiEventError('openai-chat', cause ?? { message, code: raw }) }];
    }
    const finishReason = readFinishReason(raw === '' ? 'stop' : raw, state.toolCalls.size > 0);
    return [...state.toolCalls.close(), { type: 'finish', choice: index, finishReason: { ...finishReason, raw } }];
  }
}

/**
 * A choice with the `message` of whole answers, or the `delta` of chunks: official SDKs fail on one without. Servers leave
 * it out of their last chunks, take the one for the other, or send the `text` of legacy completions. MiniMax ends its
 * streams with a message that was all told.
 */
function holding(choice: JsonObject, key: 'delta' | 'message', hasDeltas: boolean): JsonObject {
  if (isObject(choice[key])) return choice;
  const { message, delta, text, ...rest } = choice;
  const other = asObject(message) ?? asObject(delta);
  if (other && hasDeltas) return { ...choice, [key]: {} };
  return { ...rest, [key]: other ?? (typeof text === 'string' ? { content: text } : {}) };
}

/** The detail that closes a streamed block may repeat its whole text (ours do, so that clients can send it back). */
function withoutRepetition(parts: readonly ReasoningPart[], state: ChoiceState): ReasoningPart[] {
  return parts.map((part) => {
    if (part.isRedacted) return part;
    const isRepetition = part.signature !== undefined && part.text === state.reasoningText;
    state.reasoningText = part.signature ? '' : state.reasoningText + part.text;
    return isRepetition ? { ...part, text: '' } : part;
  });
}

function contentEvents(holder: JsonObject, choice: number, events: StreamEvent[]): void {
  const { content } = holder;
  if (typeof content === 'string') {
    if (content !== '') events.push({ type: 'text-delta', choice, text: content });
  } else if (Array.isArray(content)) {
    for (const part of content) events.push(...partEvents(part, choice));
  }
  if (typeof holder.refusal === 'string' && holder.refusal !== '') {
    events.push({ type: 'refusal-delta', choice, text: holder.refusal });
  }
  for (const annotation of asArray(holder.annotations)) {
    if (isObject(annotation)) events.push({ type: 'annotation-add', choice, annotation: readAnnotation(annotation) });
  }
  const pictures = readPictures(holder);
  for (const media of pictures) events.push({ type: 'media-add', choice, media });
  // What a spoken answer says is its text where nobody can hear it.
  const transcript = content ? '' : (asString(asObject(holder.audio)?.transcript) ?? '');
  if (transcript !== '') events.push({ type: 'text-delta', choice, text: transcript });
  // Spoken answers, and pictures of unknown shape: content that only this dialect can carry on.
  if (isObject(holder.audio) || asArray(holder.images).length > pictures.length) events.push({ type: 'opaque-delta' });
}

/** Mistral's reasoning models answer in parts, and some servers have pictures among them. */
function partEvents(part: JsonValue, choice: number): StreamEvent[] {
  if (!isObject(part)) return [];
  if (part.type === 'thinking') {
    const text = readThinking(part);
    return text === '' ? [] : [{ type: 'reasoning-delta', choice, text }];
  }
  if (part.type === 'image_url') {
    const [media] = readPictures({ images: [part] });
    return [media ? { type: 'media-add', choice, media } : { type: 'opaque-delta' }];
  }
  if (part.type !== 'text') return [{ type: 'opaque-delta' }];
  const text = asString(part.text) ?? '';
  return text === '' ? [] : [{ type: 'text-delta', choice, text }];
}
