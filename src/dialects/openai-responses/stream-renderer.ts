// Frames → the typed server-sent events of a Responses stream.

import type { GatewayError } from '../../errors.ts';
import type { ChatRequest, FinishReason, Usage } from '../../model/chat.ts';
import { asNumber, asObject, asString, type JsonObject } from '../../model/json.ts';
import type { Frame, OriginalFrame, StreamEvent } from '../../model/stream.ts';
import type { AnswerIdentity, StreamRenderer } from '../dialect.ts';
import { renderError } from './errors.ts';
import type { OutputWriter, WireEvent } from './output-writer.ts';
import { endedBody, incompleteReason, responseFrame, responseId, writerFor } from './render-response.ts';

export class ResponsesStreamRenderer implements StreamRenderer {
  readonly keepAlive = ': keep-alive\n\n';
  readonly #request: ChatRequest;
  readonly #answer: AnswerIdentity;
  #sequenceNumber = 0;
  /** The Response as it was first told; absent until then. */
  #response: JsonObject | undefined;
  #writer: OutputWriter | undefined;
  #finishReason: FinishReason = { unified: 'other', raw: '' };
  #usage: Usage | undefined;
  #finalBody: JsonObject | undefined;
  #isEnded = false;

  constructor(request: ChatRequest, answer: AnswerIdentity) {
    this.#request = request;
    this.#answer = answer;
  }

  /** The complete Response as the client got it, to be stored; undefined until the answer has ended well. */
  get finalBody(): JsonObject | undefined {
    return this.#finalBody;
  }

  render(frame: Frame): string {
    if (this.#isEnded) return '';
    // A failure is told by `fail`, once, whichever dialect reported it.
    if (frame.events.some((event) => event.type === 'error')) return '';
    const { original } = frame;
    if (original?.dialect === 'openai-responses' && !original.isWhole) return this.#verbatim(original);
    return frame.events.map((event) => this.#event(event)).join('');
  }

  /**
   * `error`, then `response.failed`, as OpenAI itself does. openai-node and openai-python raise on `event: error` only,
   * Codex on `response.failed` only, the AI SDK on both. The error stands flat, as documented, and under `error`, as
   * OpenAI sends it: SDKs of both kinds are in use.
   */
  fail(error: GatewayError): string {
    if (this.#isEnded) return '';
    this.#isEnded = true;
    const { message, param, ...fields } = asObject(renderError(error).error) ?? {};
    const word = fields.code ?? fields.type ?? null;
    // OpenRouter's are numbers; clients with types refuse the event then.
    const code = typeof word === 'number' ? String(word) : word;
    const response = this.#response ?? this.#frame(this.#answer.id, '', this.#answer.createdAt);
    const output = this.#writer?.output.filter((item) => item !== undefined) ?? [];
    return this.#send([
      { type: 'error', code, message, param, error: { ...fields, code, message, param } },
      {
        type: 'response.failed',
        response: { ...response, status: 'failed', error: { code, message }, output },
      },
    ]);
  }

  #verbatim({ event, data, value }: OriginalFrame): string {
    if (data === '[DONE]') return '';
    const wire = asObject(value) ?? {};
    this.#sequenceNumber = (asNumber(wire.sequence_number) ?? this.#sequenceNumber) + 1;
    const response = asObject(wire.response);
    this.#response ??= response;
    const type = event ?? asString(wire.type);
    if (response && (type === 'response.completed' || type === 'response.incomplete')) {
      this.#finalBody = response;
      this.#isEnded = true;
    }
    const lines = data.split('\n').map((line) => `data: ${line}\n`);
    return `${type === undefined ? '' : `event: ${type}\n`}${lines.join('')}\n`;
  }

  #event(event: StreamEvent): string {
    switch (event.type) {
      case 'response-start':
        return this.#start(event.id || this.#answer.id, event.model, event.createdAt);
      case 'finish':
        if (event.choice === 0) this.#finishReason = event.finishReason;
        return '';
      case 'usage':
        this.#usage = event.usage;
        return '';
      case 'response-end':
        return this.#end();
      default: {
        const start = this.#start(this.#answer.id, '', undefined);
        return start + this.#send(this.#writer?.write(event) ?? []);
      }
    }
  }

  #start(id: string, model: string, createdAt: number | undefined): string {
    this.#writer ??= writerFor(this.#request, id);
    if (this.#response) return '';
    const response = this.#frame(id, model, createdAt ?? this.#answer.createdAt);
    this.#response = response;
    return this.#send([
      { type: 'response.created', response },
      { type: 'response.in_progress', response },
    ]);
  }

  #frame(id: string, model: string, createdAt: number): JsonObject {
    return responseFrame(this.#request, { id: responseId(id), model, createdAt });
  }

  #end(): string {
    const start = this.#start(this.#answer.id, '', undefined);
    if (!this.#writer || !this.#response) return start;
    this.#isEnded = true;
    const isIncomplete = incompleteReason(this.#finishReason) !== null;
    const closing = this.#writer.close(isIncomplete);
    const response = endedBody(this.#response, this.#finishReason, this.#writer.output, this.#usage);
    this.#finalBody = response;
    const type = isIncomplete ? 'response.incomplete' : 'response.completed';
    return start + this.#send([...closing, { type, response }]);
  }

  #send(events: readonly WireEvent[]): string {
    return events
      .map(({ type, ...fields }) => {
        const data = JSON.stringify({ type, sequence_number: this.#sequenceNumber, ...fields });
        this.#sequenceNumber += 1;
        return `event: ${type}\ndata: ${data}\n\n`;
      })
      .join('');
  }
}
