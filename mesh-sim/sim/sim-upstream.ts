// The upstream of a simulated machine: an OpenAI-compatible server that answers what it was asked, so that a checker can
// see whose answer a client got, and that fails in all the ways upstreams do.

import type { Random, StopSignal } from '../../src/ports.ts';
import { type HttpClient, HttpFailure, type HttpRequest, type HttpResponse } from '../../src/ports.ts';
import type { UpstreamMood } from '../topologies.ts';
import type { HostClock } from './host-clock.ts';

/** One call that an upstream has taken. */
export interface UpstreamCall {
  readonly machine: number;
  /** The last message's text. */
  readonly prompt: string;
  readonly at: number;
  /** It has sent all of its answer, and all of it was read. */
  isComplete: boolean;
  isOpen: boolean;
  /** The process that made it has died, and it with the process. */
  readonly isOrphan: () => boolean;
}

export interface SimUpstreamOptions {
  readonly machine: number;
  readonly clock: HostClock;
  readonly random: Random;
  readonly mood: () => UpstreamMood;
  readonly onCall: (call: UpstreamCall) => void;
}

export const ANSWER_PIECES = 3;
const USAGE = { prompt_tokens: 10, completion_tokens: ANSWER_PIECES, total_tokens: 10 + ANSWER_PIECES };

/** What the upstreams answer to a prompt, in pieces. */
export function answerPieces(prompt: string): readonly string[] {
  return Array.from({ length: ANSWER_PIECES }, (_, index) => `${prompt}#${index} `);
}

export class SimUpstream implements HttpClient {
  readonly #options: SimUpstreamOptions;

  constructor(options: SimUpstreamOptions) {
    this.#options = options;
  }

  async request(request: HttpRequest): Promise<HttpResponse> {
    const { machine, clock, random, mood, onCall } = this.#options;
    const { signal } = request;
    if (signal?.aborted) throw signal.reason;
    await clock.sleep(1 + random.next() * 5, signal);
    if (mood() === 'refuse') throw new HttpFailure('connect', 'connection refused');
    request.onSend?.(false);
    const { prompt, isStream } = promptIn(request);
    const call: UpstreamCall = {
      machine,
      prompt,
      at: clock.elapsed(),
      isComplete: false,
      isOpen: true,
      isOrphan: () => clock.isOff,
    };
    onCall(call);
    if (mood() === 'rate-limit') {
      call.isOpen = false;
      const headers = { 'content-type': 'application/json', 'retry-after': '1' };
      return { status: 429, headers, body: once('{"error":{"message":"slow down","type":"rate_limit"}}') };
    }
    try {
      await clock.sleep(mood() === 'slow' ? 800 + random.next() * 1_500 : 10 + random.next() * 60, signal);
    } catch (aborted) {
      call.isOpen = false;
      throw aborted;
    }
    const type = isStream ? 'text/event-stream' : 'application/json';
    const body = isStream ? this.#streamed(call, signal) : this.#whole(call, signal);
    signal?.addEventListener('abort', () => closeCall(call), { once: true });
    return { status: 200, headers: { 'content-type': type }, body: closing(body, call) };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async *#streamed(call: UpstreamCall, signal: StopSignal | undefined): AsyncGenerator<Uint8Array> {
    try {
      for (const [index, content] of answerPieces(call.prompt).entries()) {
        await this.#pause(index, signal);
        yield Buffer.from(sse({ id: 'sim', model: 'sim', choices: [{ index: 0, delta: { content } }] }));
      }
      call.isComplete = true;
      const finish = {
        id: 'sim',
        model: 'sim',
        choices: [{ index: 0, delta: {}, finish_reason: 'stop' }],
        usage: USAGE,
      };
      yield Buffer.from(`${sse(finish)}data: [DONE]\n\n`);
    } finally {
      call.isOpen = false;
    }
  }

  async *#whole(call: UpstreamCall, signal: StopSignal | undefined): AsyncGenerator<Uint8Array> {
    try {
      await this.#pause(1, signal);
      call.isComplete = true;
      const message = { role: 'assistant', content: answerPieces(call.prompt).join('') };
      yield Buffer.from(
        JSON.stringify({
          id: 'sim',
          model: 'sim',
          choices: [{ index: 0, message, finish_reason: 'stop' }],
          usage: USAGE,
        }),
      );
    } finally {
      call.isOpen = false;
    }
  }

  async #pause(index: number, signal: StopSignal | undefined): Promise<void> {
    const { clock, random, mood } = this.#options;
    if (index > 0) await clock.sleep(5 + random.next() * (mood() === 'slow' ? 400 : 30), signal);
    if (index > 0 && mood() === 'cut') throw new HttpFailure('response', 'connection reset');
    if (index > 0 && mood() === 'stall') await clock.sleep(Number.MAX_SAFE_INTEGER, signal);
    if (signal?.aborted) throw signal.reason;
  }
}

function closeCall(call: UpstreamCall): void {
  call.isOpen = false;
}

/** Leaving a body closes its connection, also before anything of it was read. */
function closing(body: AsyncGenerator<Uint8Array>, call: UpstreamCall): AsyncIterable<Uint8Array> {
  const leave = (): Promise<IteratorResult<Uint8Array>> => {
    closeCall(call);
    return body.return(undefined);
  };
  return { [Symbol.asyncIterator]: () => ({ next: () => body.next(), return: leave }) };
}

function promptIn({ body }: HttpRequest): { readonly prompt: string; readonly isStream: boolean } {
  const parsed = JSON.parse(String(body)) as { messages: { content: string }[]; stream?: boolean };
  return { prompt: parsed.messages.at(-1)?.content ?? '', isStream: parsed.stream === true };
}

function sse(value: object): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}
