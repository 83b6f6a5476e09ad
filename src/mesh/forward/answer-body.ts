// What an executor sends back while it is made: the lines of a chat's frames, or the bytes of what is only passed on.

import { GatewayError, toGatewayError } from '../../errors.ts';
import type { Answer } from '../../gateway/answer.ts';
import type { OpaqueAnswer } from '../../gateway/pass-through.ts';
import type { ChatRequest } from '../../model/chat.ts';
import { KEPT_ANSWER_LENGTH_MAX } from './repetitions.ts';
import { errorFrame, renderFrames } from './wire.ts';

export interface AnswerEnd {
  /** @param text all of it, unless it was too long to be kept */
  onDone(text: string | undefined): void;
  onFailure(error: GatewayError): void;
  /** By whom it was for: it may have been bought, and is not bought again. */
  onLeft(error: GatewayError): void;
}

/** The lines of a running answer. Whoever leaves them stops the upstream. */
export class AnswerLines implements AsyncIterableIterator<Uint8Array> {
  readonly #answer: Answer;
  readonly #request: ChatRequest;
  readonly #end: AnswerEnd;
  /** Kept for its repetition, until it is clear that it is too long. */
  #text: string | undefined = '';
  #isEnded = false;

  constructor(answer: Answer, request: ChatRequest, end: AnswerEnd) {
    this.#answer = answer;
    this.#request = request;
    this.#end = end;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    if (this.#isEnded) return { done: true, value: undefined };
    try {
      const batch = await this.#answer.next();
      // Its reader may have gone while it was waited for: that was its end.
      if (this.#isEnded) return { done: true, value: undefined };
      if (!batch) return this.#finish();
      const line = renderFrames(batch, this.#request.original?.dialect);
      this.#keep(line);
      return { done: false, value: Buffer.from(line) };
    } catch (thrown) {
      if (this.#isEnded) return { done: true, value: undefined };
      return this.#fail(toGatewayError(thrown));
    }
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    if (!this.#isEnded) {
      this.#isEnded = true;
      this.#answer.cancel();
      this.#end.onLeft(new GatewayError('client_closed', 'The entry node left.'));
    }
    return { done: true, value: undefined };
  }

  #finish(): IteratorResult<Uint8Array> {
    this.#isEnded = true;
    this.#end.onDone(this.#text);
    return { done: true, value: undefined };
  }

  #keep(line: string): void {
    if (this.#text === undefined) return;
    this.#text = this.#text.length + line.length <= KEPT_ANSWER_LENGTH_MAX ? this.#text + line : undefined;
  }

  /** The head is out: the answer's last line says what broke it. */
  #fail(error: GatewayError): IteratorResult<Uint8Array> {
    this.#isEnded = true;
    this.#answer.cancel();
    this.#end.onFailure(error);
    const { code, message } = error;
    return { done: false, value: Buffer.from(renderFrames([errorFrame({ code, message })], undefined)) };
  }
}

/** Whoever leaves them stops the upstream. A failure breaks the stream: nothing else can say that bytes are missing. */
export class AnswerBytes implements AsyncIterableIterator<Uint8Array> {
  readonly #answer: OpaqueAnswer;
  readonly #end: AnswerEnd;
  #isEnded = false;

  constructor(answer: OpaqueAnswer, end: AnswerEnd) {
    this.#answer = answer;
    this.#end = end;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    if (this.#isEnded) return { done: true, value: undefined };
    try {
      const bytes = await this.#answer.next();
      if (bytes && !this.#isEnded) return { done: false, value: bytes };
      this.#finish(() => this.#end.onDone(undefined));
      return { done: true, value: undefined };
    } catch (thrown) {
      this.#finish(() => this.#end.onFailure(toGatewayError(thrown)));
      throw thrown;
    }
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    this.#finish(() => this.#end.onLeft(new GatewayError('client_closed', 'The entry node left.')));
    return { done: true, value: undefined };
  }

  #finish(tell: () => void): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#answer.cancel();
    tell();
  }
}
