// The client's end of a streamed answer: one head, backpressure, and a keep-alive whenever nothing else is said.

import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import type { Clock, Timer } from '../ports.ts';

export class EventStream {
  readonly #reply: FastifyReply;
  readonly #response: ServerResponse;
  readonly #keepAlive: string;
  readonly #timer: Timer;
  readonly #head: () => Record<string, string>;
  #onDrain: (() => void) | undefined;

  /**
   * @param head read when the first byte is due: a keep-alive may come before anything is known of the answer
   * @param keepAliveMs silence after which a keep-alive is written
   */
  constructor(
    reply: FastifyReply,
    head: () => Record<string, string>,
    keepAlive: string,
    keepAliveMs: number,
    clock: Clock,
  ) {
    const response = reply.raw;
    this.#reply = reply;
    this.#response = response;
    this.#head = head;
    this.#keepAlive = keepAlive;
    const tick = (): void => {
      if (response.writableNeedDrain || response.writableEnded) return;
      if (keepAlive !== '') this.#send(this.#keepAlive);
    };
    this.#timer = clock.every(keepAliveMs, tick);
    response.on('drain', () => this.#release());
    response.on('close', () => {
      this.#timer.cancel();
      this.#release();
    });
  }

  /** Is it too late for a status code? */
  get isStarted(): boolean {
    return this.#response.headersSent;
  }

  /** Resolves when the client has room for more, or has left. */
  write(text: string): Promise<void> | undefined {
    if (text === '') return undefined;
    this.#timer.refresh();
    if (this.#send(text) || this.#response.destroyed) return undefined;
    return new Promise((resolve) => {
      this.#onDrain = resolve;
    });
  }

  end(text: string): void {
    this.#timer.cancel();
    this.#start();
    this.#response.end(text);
  }

  /** Stops keep-alives of a stream that never began. */
  abandon(): void {
    this.#timer.cancel();
  }

  #send(text: string): boolean {
    this.#start();
    return this.#response.write(text);
  }

  #start(): void {
    if (this.#response.headersSent) return;
    this.#reply.hijack();
    this.#response.writeHead(200, this.#head());
  }

  #release(): void {
    this.#onDrain?.();
    this.#onDrain = undefined;
  }
}
