// The events of one choice → the changing fields of its chunks (`delta`, `logprobs`, `finish_reason`).

import type { FinishReason } from '../../model/chat.ts';
import type { JsonObject } from '../../model/json.ts';
import type { StreamEvent } from '../../model/stream.ts';
import { FreeTextReader } from '../free-text-reader.ts';
import { renderAnnotation, renderFinishReason, renderLogprobs } from './answer-fields.ts';
import { renderPicture } from './pictures.ts';
import { renderReasoningDetail } from './reasoning-details.ts';
import { isCustomCall } from './tool-call.ts';

type ChoiceEvent = Extract<StreamEvent, { choice: number }>;
type ContentEvent = Exclude<ChoiceEvent, { type: 'finish' }>;

interface RenderedCall {
  /** Of a custom tool's call: takes its text out of the arguments. */
  readonly input: FreeTextReader | undefined;
  argumentsText: string;
}

export class ChoiceRenderer {
  readonly #hasLegacyCalls: boolean;
  readonly #customTools: ReadonlySet<string>;
  readonly #calls = new Map<number, RenderedCall>();
  #isOpened = false;
  /** The text of the reasoning block that no signature has closed yet: its detail repeats it whole. */
  #reasoningText = '';
  #reasoningCount = 0;
  #annotationCount = 0;
  #pictureCount = 0;

  constructor(hasLegacyCalls: boolean, customTools: ReadonlySet<string>) {
    this.#hasLegacyCalls = hasLegacyCalls;
    this.#customTools = customTools;
  }

  /** The first chunk of every choice tells the role. */
  open(): JsonObject[] {
    if (this.#isOpened) return [];
    this.#isOpened = true;
    return [{ delta: { role: 'assistant', content: '' } }];
  }

  /** The event was written verbatim: later built chunks go on from it. */
  follow(event: ContentEvent): void {
    this.#isOpened = true;
    if (event.type === 'tool-call-start') this.#begin(event);
    if (event.type === 'tool-call-delta') this.#append(event);
    if (event.type === 'media-add') this.#nextPicture();
  }

  render(event: ContentEvent): JsonObject[] {
    return [...this.open(), ...this.#fields(event)];
  }

  finish(reason: FinishReason): JsonObject[] {
    const word = renderFinishReason(reason);
    return [
      ...this.open(),
      ...[...this.#calls].flatMap(([index, call]) => this.#closeCall(index, call)),
      { delta: {}, finish_reason: this.#hasLegacyCalls && word === 'tool_calls' ? 'function_call' : word },
    ];
  }

  #fields(event: ContentEvent): JsonObject[] {
    switch (event.type) {
      case 'text-delta':
        return event.text === '' ? [] : [{ delta: { content: event.text } }];
      case 'refusal-delta':
        return [{ delta: { refusal: event.text } }];
      case 'reasoning-delta':
        this.#reasoningText += event.text;
        return event.text === '' ? [] : [{ delta: { reasoning_content: event.text } }];
      case 'reasoning-signature':
        return this.#signature(event);
      case 'annotation-add': {
        const annotation = renderAnnotation(event.annotation);
        return annotation ? [this.#annotation(annotation)] : [];
      }
      case 'media-add':
        return [{ delta: { images: [renderPicture(event.media, this.#nextPicture())] } }];
      case 'logprobs-add':
        return [{ logprobs: renderLogprobs(event.logprobs) }];
      case 'tool-call-start':
        return this.#startCall(event);
      case 'tool-call-delta':
        return this.#append(event);
    }
  }

  /** With its place in the list: OpenAI's own Python SDK adds up lists of several chunks by it, and fails without. */
  #annotation(annotation: JsonObject): JsonObject {
    const index = this.#annotationCount;
    this.#annotationCount += 1;
    return { delta: { annotations: [{ index, ...annotation }] } };
  }

  #nextPicture(): number {
    this.#pictureCount += 1;
    return this.#pictureCount - 1;
  }

  #signature(event: Extract<StreamEvent, { type: 'reasoning-signature' }>): JsonObject[] {
    const text = event.isRedacted ? '' : this.#reasoningText;
    if (!event.isRedacted) this.#reasoningText = '';
    const block = { text, signature: event.signature, isRedacted: event.isRedacted };
    const detail = renderReasoningDetail(block, this.#reasoningCount);
    this.#reasoningCount += 1;
    return [{ delta: { reasoning_details: [detail] } }];
  }

  #startCall(event: Extract<StreamEvent, { type: 'tool-call-start' }>): JsonObject[] {
    const { index, id, name } = event;
    const isCustom = this.#begin(event).input !== undefined;
    if (this.#hasLegacyCalls) return index === 0 ? [{ delta: { function_call: { name, arguments: '' } } }] : [];
    const call = isCustom
      ? { index, id, type: 'custom', custom: { name, input: '' } }
      : { index, id, type: 'function', function: { name, arguments: '' } };
    return [{ delta: { tool_calls: [call] } }];
  }

  #begin(event: Extract<StreamEvent, { type: 'tool-call-start' }>): RenderedCall {
    const isCustom = isCustomCall(event) || this.#customTools.has(event.name);
    const call = { input: isCustom ? new FreeTextReader() : undefined, argumentsText: '' };
    this.#calls.set(event.index, call);
    return call;
  }

  #append({ index, argumentsDelta }: { index: number; argumentsDelta: string }): JsonObject[] {
    const call = this.#calls.get(index);
    if (!call || argumentsDelta === '') return [];
    call.argumentsText += argumentsDelta;
    if (call.input) return inputDelta(index, call.input.read(argumentsDelta));
    if (!this.#hasLegacyCalls) return [{ delta: { tool_calls: [{ index, function: { arguments: argumentsDelta } }] } }];
    return index === 0 ? [{ delta: { function_call: { arguments: argumentsDelta } } }] : [];
  }

  /** Clients parse the arguments when the call ends: none at all must read as an empty object. */
  #closeCall(index: number, call: RenderedCall): JsonObject[] {
    if (call.input) return inputDelta(index, call.input.end());
    return call.argumentsText === '' ? this.#append({ index, argumentsDelta: '{}' }) : [];
  }
}

function inputDelta(index: number, input: string): JsonObject[] {
  return input === '' ? [] : [{ delta: { tool_calls: [{ index, custom: { input } }] } }];
}
