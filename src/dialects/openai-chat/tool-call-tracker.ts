// Gives the tool calls of one choice clean indexes (from 0, without gaps) and unique ids, whatever the server numbers
// them: from 1, not at all, or every call 0 with a new id. Deltas of interleaved calls stay apart.

import { asNumber, asString, isObject, type JsonObject } from '../../model/json.ts';
import type { StreamEvent } from '../../model/stream.ts';
import { madeToolCallId } from '../tool-call-id.ts';

interface TrackedCall {
  readonly index: number;
  readonly wireIndex: number | undefined;
  readonly id: string;
  readonly type: 'function' | 'custom' | 'function_call';
  name: string;
  argumentsText: string;
  isStarted: boolean;
  /** `{}` came: the arguments, or only their place. */
  isEmptyObjectHeld: boolean;
}

/** One entry of `tool_calls`, or a legacy `function_call`, with names unified. */
interface CallDelta {
  readonly index: number | undefined;
  readonly id: string;
  readonly name: string;
  readonly argumentsText: string;
  readonly type: TrackedCall['type'];
}

export interface TrackedDelta {
  readonly events: readonly StreamEvent[];
  /** Where the entry belongs. */
  readonly index: number;
  readonly id: string;
  /** The entry is the first of its call, so that the wire must tell its id here. */
  readonly isFirst: boolean;
  /** Its arguments were complete before and are told once more. */
  readonly isRepetition: boolean;
}

export class ToolCallTracker {
  readonly #choice: number;
  readonly #calls: TrackedCall[] = [];

  constructor(choice: number) {
    this.#choice = choice;
  }

  get size(): number {
    return this.#calls.length;
  }

  /** @param seed the answer's id, from which missing call ids are made */
  add(entry: JsonObject, seed: string, type?: 'function_call'): TrackedDelta {
    const delta = readDelta(entry, type);
    const known = this.#find(delta);
    const events: StreamEvent[] = known ? [] : this.#calls.flatMap((call) => this.#tellEmptyObject(call));
    const call = known ?? this.#begin(delta, seed);
    if (call.name === '') call.name = delta.name;
    const isRepetition = repeatsArguments(call, delta.argumentsText);
    const argumentsText = isRepetition ? '' : newArguments(call, delta.argumentsText);
    call.argumentsText += argumentsText;
    if (call.isStarted) {
      if (argumentsText !== '') events.push(this.#argumentsEvent(call, argumentsText));
    } else if (call.name !== '') {
      events.push(...this.#start(call));
    }
    return { events, index: call.index, id: call.id, isFirst: !known, isRepetition };
  }

  /** What remains to be said when the choice ends. */
  close(): StreamEvent[] {
    return this.#calls.flatMap((call) => {
      const events = call.isStarted ? [] : this.#start(call);
      events.push(...this.#tellEmptyObject(call));
      if (call.type === 'custom') events.push(this.#rawArgumentsEvent(call, '"}'));
      return events;
    });
  }

  #find({ index, id, name }: CallDelta): TrackedCall | undefined {
    if (id !== '') {
      const isSame = (call: TrackedCall) =>
        call.id === id && (index === undefined || call.wireIndex === undefined || call.wireIndex === index);
      // A new id with a name begins a call even under a used index; without a name the id is noise on a running one.
      const running = this.#calls.findLast(isSame);
      if (running || name !== '' || index === undefined) return running;
    }
    const candidate =
      index === undefined ? this.#calls.at(-1) : this.#calls.findLast((call) => call.wireIndex === index);
    if (!candidate || name === '' || candidate.name === '' || id !== '') return candidate;
    // Named again without an id: a server that repeats the name, unless the call before was already whole.
    const isWhole = candidate.isEmptyObjectHeld || isCompleteJson(candidate.argumentsText);
    return name === candidate.name && !isWhole ? candidate : undefined;
  }

  #begin(delta: CallDelta, seed: string): TrackedCall {
    const index = this.#calls.length;
    const isUsable = delta.id !== '' && !this.#calls.some((call) => call.id === delta.id);
    const call: TrackedCall = {
      index,
      wireIndex: delta.index,
      id: isUsable ? delta.id : madeToolCallId(index, `${seed}/${this.#choice}/${delta.name}`),
      type: delta.type,
      name: delta.name,
      argumentsText: '',
      isStarted: false,
      isEmptyObjectHeld: false,
    };
    this.#calls.push(call);
    return call;
  }

  #start(call: TrackedCall): StreamEvent[] {
    call.isStarted = true;
    const { index, id, name, type } = call;
    const extensions = type === 'function' ? undefined : { 'openai-chat': { type } };
    const events: StreamEvent[] = [
      { type: 'tool-call-start', choice: this.#choice, index, id, name, ...(extensions && { extensions }) },
    ];
    if (type === 'custom') events.push(this.#rawArgumentsEvent(call, '{"input":"'));
    if (call.argumentsText !== '') events.push(this.#argumentsEvent(call, call.argumentsText));
    return events;
  }

  /** Nothing else came: the call has no arguments. */
  #tellEmptyObject(call: TrackedCall): StreamEvent[] {
    if (!call.isEmptyObjectHeld) return [];
    call.isEmptyObjectHeld = false;
    call.argumentsText = '{}';
    return call.isStarted ? [this.#argumentsEvent(call, '{}')] : [];
  }

  /** The input of a custom tool is free text: it becomes the one string of a JSON object. */
  #argumentsEvent(call: TrackedCall, text: string): StreamEvent {
    return this.#rawArgumentsEvent(call, call.type === 'custom' ? JSON.stringify(text).slice(1, -1) : text);
  }

  #rawArgumentsEvent(call: TrackedCall, argumentsDelta: string): StreamEvent {
    return { type: 'tool-call-delta', choice: this.#choice, index: call.index, argumentsDelta };
  }
}

function readDelta(entry: JsonObject, type?: 'function_call'): CallDelta {
  const isCustom = isObject(entry.custom);
  const definition = isObject(entry.custom) ? entry.custom : isObject(entry.function) ? entry.function : entry;
  const text = isCustom ? definition.input : definition.arguments;
  return {
    index: asNumber(entry.index),
    id: asString(entry.id) ?? '',
    name: asString(definition.name) ?? '',
    // Some servers send the object itself instead of its text.
    argumentsText: isObject(text) ? JSON.stringify(text) : (asString(text) ?? ''),
    type: type ?? (isCustom ? 'custom' : 'function'),
  };
}

/** Nothing can follow a whole object: some servers close a streamed call by telling its arguments whole. */
function repeatsArguments(call: TrackedCall, text: string): boolean {
  if (call.type === 'custom' || !text.trimStart().startsWith('{')) return false;
  // Looked at first, because parsing at every piece would be quadratic.
  return call.argumentsText.trimEnd().endsWith('}') && isCompleteJson(call.argumentsText);
}

/** Some converters begin every call with `{}` and stream the arguments after it. */
function newArguments(call: TrackedCall, text: string): string {
  if (text === '' || call.type === 'custom' || call.argumentsText !== '') return text;
  call.isEmptyObjectHeld = text.trim() === '{}';
  return call.isEmptyObjectHeld ? '' : text;
}

function isCompleteJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
