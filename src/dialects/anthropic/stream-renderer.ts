// Frames → the Messages API's event stream, whose order is exact: message_start, then blocks one after another, each
// (content_block_start, content_block_delta*, content_block_stop), then message_delta and message_stop.
//
// Frames of this dialect are written verbatim. When another upstream goes on with an answer that one has begun, its
// frames are rendered from their events instead, so that there is one message_start and one numbering of the blocks.

import type { GatewayError } from '../../errors.ts';
import type { ChatRequest, FinishReason, Usage } from '../../model/chat.ts';
import { asNumber, asObject, type JsonObject } from '../../model/json.ts';
import { roughInputTokens, roughTokens } from '../../model/rough-tokens.ts';
import { type Frame, isContent, type OriginalFrame, type StreamEvent } from '../../model/stream.ts';
import type { AnswerIdentity, StreamRenderer } from '../dialect.ts';
import { sseData } from '../sse-text.ts';
import { BlockWriter } from './block-writer.ts';
import { renderError } from './errors.ts';
import { messageHead } from './render-response.ts';
import { renderStopReason } from './stop-reason.ts';
import { renderUsage } from './usage.ts';
import { wireEvent } from './wire-event.ts';

export class AnthropicStreamRenderer implements StreamRenderer {
  readonly keepAlive = 'event: ping\ndata: {"type": "ping"}\n\n';
  readonly #request: ChatRequest;
  readonly #answer: AnswerIdentity;
  readonly #blocks = new BlockWriter();
  #mode: 'undecided' | 'verbatim' | 'rendered' = 'undecided';
  #isStarted = false;
  #isOver = false;
  #usage: Usage | undefined;
  #finishReason: FinishReason | undefined;

  constructor(request: ChatRequest, answer: AnswerIdentity) {
    this.#request = request;
    this.#answer = answer;
  }

  render(frame: Frame): string {
    // A failure is told by `fail`, in our own words and once.
    if (this.#isOver || frame.events.some((event) => event.type === 'error')) return '';
    const original = frame.original?.dialect === 'anthropic' && !frame.original.isWhole ? frame.original : undefined;
    this.#chooseMode(frame, original);
    if (this.#mode === 'rendered') return frame.events.map((event) => this.#event(event)).join('');
    return original ? this.#verbatim(original, frame) : '';
  }

  fail(error: GatewayError): string {
    if (this.#isOver) return '';
    this.#isOver = true;
    return wireEvent('error', renderError(error, null));
  }

  #chooseMode(frame: Frame, original: OriginalFrame | undefined): void {
    const isStart = frame.events.some((event) => event.type === 'response-start');
    if (this.#mode === 'undecided' && isStart && original) this.#mode = 'verbatim';
    else if (this.#mode === 'verbatim' && isStart) this.#mode = 'rendered';
    else if (!original && (isStart || frame.events.some(isContent))) this.#mode = 'rendered';
  }

  #verbatim(original: OriginalFrame, frame: Frame): string {
    const value = asObject(original.value) ?? {};
    const index = asNumber(value.index) ?? 0;
    if (value.type === 'content_block_start') this.#blocks.follow(index, true);
    if (value.type === 'content_block_stop') this.#blocks.follow(index, false);
    this.#isStarted ||= this.#mode === 'verbatim';
    this.#isOver = frame.events.some((event) => event.type === 'response-end');
    const name = original.event ?? value.type;
    return `${typeof name === 'string' ? `event: ${name}\n` : ''}${sseData(original.data)}`;
  }

  #event(event: StreamEvent): string {
    switch (event.type) {
      case 'response-start':
        this.#usage = event.usage ?? this.#usage;
        return this.#start(event.id, event.model);
      case 'usage':
        this.#usage = event.usage;
        return '';
      case 'finish':
        if (event.choice === 0) this.#finishReason = event.finishReason;
        return '';
      case 'response-end':
        return `${this.#start('', '')}${this.#blocks.end()}${this.#end()}`;
      // Told elsewhere, or without a form in this dialect.
      case 'error':
      case 'opaque-delta':
      case 'media-add':
      case 'logprobs-add':
        return '';
      default:
        return event.choice === 0 ? `${this.#start('', '')}${this.#blocks.write(event)}` : '';
    }
  }

  #start(id: string, model: string): string {
    if (this.#isStarted) return '';
    this.#isStarted = true;
    const message = {
      ...messageHead(id || this.#answer.id, model || this.#request.model),
      usage: this.#usage ? renderUsage(this.#usage) : estimatedStart(this.#request),
    };
    return wireEvent('message_start', { type: 'message_start', message });
  }

  #end(): string {
    this.#isOver = true;
    const stopReason = renderStopReason(this.#finishReason, this.#blocks.hasToolCalls);
    const messageDelta: JsonObject = {
      type: 'message_delta',
      delta: { stop_reason: stopReason, stop_sequence: null },
      usage: renderUsage(this.#usage),
    };
    return wireEvent('message_delta', messageDelta) + wireEvent('message_stop', { type: 'message_stop' });
  }
}

/**
 * Anthropic knows the prompt's tokens when it begins, others when they end. Claude Code reads here how full its context
 * is; the last event has the true number.
 */
function estimatedStart(request: ChatRequest): JsonObject {
  const tools = request.tools.length > 0 ? JSON.stringify(request.original?.body.tools ?? request.tools).length : 0;
  const inputTokens = roughInputTokens(request) + roughTokens(tools);
  return { ...renderUsage(undefined), input_tokens: inputTokens };
}
