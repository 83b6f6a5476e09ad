// Asks a node for a whole answer and measures it: bounded retries, a deadline, and an end with Ctrl-C.

import type { Usage } from '../model/chat.ts';
import { isContent } from '../model/stream.ts';
import type { Clock } from '../ports.ts';
import { CommandError } from './command-error.ts';
import { type NodeClient, NodeRefusal, type Question } from './node-client.ts';

/** The node retries and falls back by itself; this bridges a limit of the minute or a restart. */
const PAUSES_MS = [1_000, 5_000] as const;

/** Longer than the node's own deadline for most answers; ends what hangs between here and there. */
const ANSWER_TIMEOUT_MS = 15 * 60_000;

/** All answers are held until the report is written. */
const ANSWER_CHARACTERS_MAX = 1_000_000;

export interface WholeAnswer {
  readonly text: string;
  readonly target: string | undefined;
  readonly ttftMs: number | undefined;
  readonly totalMs: number;
  readonly usage: Usage | undefined;
  readonly finish: string | undefined;
}

export class Asker {
  readonly #client: Pick<NodeClient, 'ask'>;
  readonly #clock: Clock;
  readonly #interruption: AbortSignal;

  constructor(client: Pick<NodeClient, 'ask'>, clock: Clock, interruption: AbortSignal) {
    this.#client = client;
    this.#clock = clock;
    this.#interruption = interruption;
  }

  /** @throws CommandError when no try brought an answer; the interruption's reason when there was one */
  async ask(question: Question): Promise<WholeAnswer> {
    for (const pauseMs of PAUSES_MS) {
      try {
        return await this.#tryOnce(question);
      } catch (error) {
        if (!isPassing(error)) throw error;
        await this.#clock.sleep(pauseMs, this.#interruption);
      }
    }
    return this.#tryOnce(question);
  }

  async #tryOnce(question: Question): Promise<WholeAnswer> {
    const late = new AbortController();
    const deadline = this.#clock.after(ANSWER_TIMEOUT_MS, () =>
      late.abort(new CommandError(`There was no complete answer within ${ANSWER_TIMEOUT_MS / 60_000} minutes.`)),
    );
    const signal = AbortSignal.any([this.#interruption, late.signal]);
    try {
      return await this.#measure(question, signal);
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      deadline.cancel();
    }
  }

  async #measure(question: Question, signal: AbortSignal): Promise<WholeAnswer> {
    const startedAt = this.#clock.elapsed();
    const { target, events } = await this.#client.ask(question, signal);
    let text = '';
    let ttftMs: number | undefined;
    let usage: Usage | undefined;
    let finish: string | undefined;
    for await (const event of events) {
      if (isContent(event)) ttftMs ??= this.#clock.elapsed() - startedAt;
      if (event.type === 'text-delta' || event.type === 'refusal-delta') text += event.text;
      if (event.type === 'usage') usage = event.usage;
      if (event.type === 'finish') finish = event.finishReason.unified;
      if (text.length > ANSWER_CHARACTERS_MAX)
        throw new CommandError('The answer is longer than a million characters.');
    }
    const totalMs = this.#clock.elapsed() - startedAt;
    return { text, target: target && decodeURI(target), ttftMs, totalMs, usage, finish };
  }
}

/** A wrong name or key stays wrong; a busy or broken upstream may recover. */
function isPassing(error: unknown): boolean {
  if (error instanceof NodeRefusal) return error.status === 408 || error.status === 429 || error.status >= 500;
  return false;
}
