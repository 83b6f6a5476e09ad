// One tool call of an answer as an output item: a function's arguments as JSON text, a custom tool's input as the free
// text inside them.

import { type JsonObject, parseObject } from '../../model/json.ts';
import { FreeTextReader } from '../free-text-reader.ts';
import type { WireTool } from './client-tools.ts';
import type { WireEvent } from './output-writer.ts';

export interface CallPlace {
  readonly id: string;
  /** Its output index. */
  readonly index: number;
}

export function callWriter(tool: WireTool, callId: string, place: CallPlace): CallWriter {
  return tool.isCustom ? new CustomCallWriter(tool, callId, place) : new FunctionCallWriter(tool, callId, place);
}

export abstract class CallWriter implements CallPlace {
  readonly id: string;
  readonly index: number;
  readonly #names: JsonObject;

  constructor({ name, namespace }: WireTool, callId: string, { id, index }: CallPlace) {
    this.id = id;
    this.index = index;
    this.#names = { call_id: callId, name, ...(namespace !== undefined && { namespace }) };
  }

  /** The item as it stands. */
  item(status: string): JsonObject {
    return { id: this.id, status, ...this.content(), ...this.#names };
  }

  abstract append(argumentsDelta: string): WireEvent[];
  /** The last of its input. */
  abstract end(): WireEvent[];
  /** Its input cannot grow any more. */
  abstract get isComplete(): boolean;
  protected abstract content(): JsonObject;

  protected event(type: string, fields: JsonObject): WireEvent {
    return { type, item_id: this.id, output_index: this.index, ...fields };
  }
}

class FunctionCallWriter extends CallWriter {
  #argumentsJson = '';

  append(delta: string): WireEvent[] {
    if (delta === '') return [];
    this.#argumentsJson += delta;
    return [this.event('response.function_call_arguments.delta', { delta })];
  }

  /** Clients parse the arguments: none at all must read as an empty object. */
  end(): WireEvent[] {
    const rest = this.#argumentsJson === '' ? this.append('{}') : [];
    return [...rest, this.event('response.function_call_arguments.done', { arguments: this.#argumentsJson })];
  }

  get isComplete(): boolean {
    return parseObject(this.#argumentsJson) !== undefined;
  }

  protected content(): JsonObject {
    return { type: 'function_call', arguments: this.#argumentsJson };
  }
}

class CustomCallWriter extends CallWriter {
  readonly #input = new FreeTextReader();

  append(argumentsDelta: string): WireEvent[] {
    return this.#delta(this.#input.read(argumentsDelta));
  }

  end(): WireEvent[] {
    const rest = this.#delta(this.#input.end());
    return [...rest, this.event('response.custom_tool_call_input.done', { input: this.#input.text })];
  }

  get isComplete(): boolean {
    return this.#input.isComplete;
  }

  protected content(): JsonObject {
    return { type: 'custom_tool_call', input: this.#input.text };
  }

  #delta(delta: string): WireEvent[] {
    return delta === '' ? [] : [this.event('response.custom_tool_call_input.delta', { delta })];
  }
}
