// The client's end of a streamed answer: one head, backpressure, and a keep-alive whenever nothing else is said.

import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import type { Clock, Timer } from '../ports.ts';
import { ClientWriter } from './client-writer.ts';

export class EventStream {
  readonly #reply: FastifyReply;
  readonly #response: ServerResponse;
  readonly #writer: ClientWriter;
  readonly #timer: Timer;
  readonly #head: () => Record<string, string>;

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
    this.#writer = new ClientWriter(response, clock);
    this.#timer = clock.after(keepAliveMs, () => {
      this.#timer.refresh();
      // Who still has something to read needs no sign of life.
      if (response.writableNeedDrain || response.writableEnded || keepAlive === '') return;
      this.#start();
      response.write(keepAlive);
    });
    response.on('close', () => this.#timer.cancel());
  }

  /** Is it too late for a status code? */
  get isStarted(): boolean {
    return this.#response.headersSent;
  }

  /** Resolves when the client has room for more, or has left; undefined when there is room already. */
  write(text: string): Promise<void> | undefined {
    if (text === '') return undefined;
    this.#timer.refresh();
    this.#start();
    return this.#writer.write(text);
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

  #start(): void {
    if (this.#response.headersSent) return;
    this.#reply.hijack();
    this.#response.writeHead(200, this.#head());
  }
}
