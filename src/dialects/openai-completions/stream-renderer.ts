// Frames → the server-sent events of a streamed text completion.

import type { GatewayError } from '../../errors.ts';
import type { ChatRequest, TokenLogprob, Usage } from '../../model/chat.ts';
import type { JsonObject } from '../../model/json.ts';
import type { Frame, StreamEvent } from '../../model/stream.ts';
import type { AnswerIdentity, StreamRenderer } from '../dialect.ts';
import { renderUsage } from '../openai-chat/answer-fields.ts';
import { renderError } from '../openai-chat/errors.ts';
import { sseData } from '../sse-text.ts';
import { legacyAnswerId, renderLegacyFinish, renderLegacyLogprobs } from './answer-fields.ts';

export class CompletionStreamRenderer implements StreamRenderer {
  readonly keepAlive = ': keep-alive\n\n';
  readonly #isUsageWanted: boolean;
  readonly #id: string;
  #model: string;
  #createdAt: number;
  #usage: Usage | undefined;
  /** By choice: how long the logged tokens are so far, for `text_offset`. */
  readonly #offsets = new Map<number, number>();
  #isEnded = false;

  constructor(request: ChatRequest, answer: AnswerIdentity) {
    this.#isUsageWanted = request.isUsageWanted === true;
    this.#id = legacyAnswerId(answer.id);
    this.#model = request.model;
    this.#createdAt = answer.createdAt;
  }

  /** An `error` event says nothing here: `fail` tells the client. */
  render(frame: Frame): string {
    let text = '';
    for (const event of frame.events) if (!this.#isEnded) text += this.#renderEvent(event);
    return text;
  }

  fail(error: GatewayError): string {
    if (this.#isEnded) return '';
    this.#isEnded = true;
    return sseData(JSON.stringify(renderError(error)));
  }

  #renderEvent(event: StreamEvent): string {
    switch (event.type) {
      case 'response-start':
        this.#usage = event.usage ?? this.#usage;
        if (event.model !== '') this.#model = event.model;
        this.#createdAt = event.createdAt ?? this.#createdAt;
        return '';
      case 'usage':
        this.#usage = event.usage;
        return '';
      case 'text-delta':
      case 'refusal-delta':
        return event.text === '' ? '' : this.#chunk({ index: event.choice, text: event.text });
      case 'logprobs-add':
        return this.#chunk({ index: event.choice, logprobs: this.#logprobs(event.choice, event.logprobs) });
      case 'finish':
        return this.#chunk({ index: event.choice, finish_reason: renderLegacyFinish(event.finishReason) });
      case 'response-end':
        this.#isEnded = true;
        return this.#usageChunk() + sseData('[DONE]');
      default:
        return '';
    }
  }

  #logprobs(choice: number, logprobs: readonly TokenLogprob[]): JsonObject {
    const offset = this.#offsets.get(choice) ?? 0;
    this.#offsets.set(
      choice,
      logprobs.reduce((sum, entry) => sum + entry.token.length, offset),
    );
    return renderLegacyLogprobs(logprobs, offset);
  }

  #usageChunk(): string {
    return this.#isUsageWanted && this.#usage ? this.#write({ choices: [], usage: renderUsage(this.#usage) }) : '';
  }

  #chunk(fields: JsonObject): string {
    return this.#write({ choices: [{ text: '', index: 0, logprobs: null, finish_reason: null, ...fields }] });
  }

  #write(fields: JsonObject): string {
    const head = { id: this.#id, object: 'text_completion', created: this.#createdAt, model: this.#model };
    return sseData(JSON.stringify({ ...head, ...fields }));
  }
}
