// The smallest OpenAI-compatible server: it lists its models and says back what it heard, streamed a word at a time.
//
//   await using upstream = await startEcho({ models: ['m'], keys: ['k'], date, isHeld, reasoning });
//   upstream.url, upstream.requests (bodies), upstream.release(), upstream.failNext(status, message),
//   await upstream.untilLeft()   a client left before the end

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

export interface EchoOptions {
  readonly models?: readonly string[];
  /** None: no key is asked for. */
  readonly keys?: readonly string[];
  /** Sent as `Date` instead of the real time. */
  readonly date?: string;
  /** Answers begin, and end only after `release()`. */
  readonly isHeld?: boolean;
  /** Streamed before the answer. */
  readonly reasoning?: string;
  /** Said instead of what it heard. */
  readonly answer?: (heard: string) => string;
}

export class EchoUpstream {
  readonly requests: any[] = [];
  readonly #options: EchoOptions;
  readonly #server: Server = createServer((request, response) => void this.#answer(request, response));
  readonly #left = Promise.withResolvers<void>();
  readonly #released = Promise.withResolvers<void>();

  #failure: { readonly status: number; readonly message: string } | undefined;

  constructor(options: EchoOptions) {
    this.#options = options;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  /** The next question is answered with an error. */
  failNext(status: number, message: string): void {
    this.#failure = { status, message };
  }

  release(): void {
    this.#released.resolve();
  }

  untilLeft(): Promise<void> {
    return this.#left.promise;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { models = ['echo-1'], keys = [], date, isHeld, reasoning, answer } = this.#options;
    if (date !== undefined) response.setHeader('date', date);
    const key = request.headers.authorization?.replace('Bearer ', '');
    if (keys.length > 0 && !keys.includes(key ?? '')) {
      response.statusCode = 401;
      response.end(JSON.stringify({ error: { message: 'Incorrect API key provided: sk-…', code: 'invalid_api_key' } }));
      return;
    }
    if (request.url === '/v1/models') {
      const data = models.map((id) => ({ id, object: 'model', created: 1, owned_by: 'echo' }));
      response.end(JSON.stringify({ object: 'list', data }));
      return;
    }
    const body: any = await json(request);
    this.requests.push(body);
    if (this.#failure) {
      const { status, message } = this.#failure;
      this.#failure = undefined;
      response.statusCode = status;
      response.end(JSON.stringify({ error: { message } }));
      return;
    }
    const heard = body.messages.map(({ role, content }: any) => `${role}: ${textOf(content)}`).join(' | ');
    const said = answer ? answer(heard) : heard;
    response.setHeader('content-type', 'text/event-stream');
    const send = (fields: object): boolean => response.write(`data: ${JSON.stringify({ ...CHUNK, ...fields })}\n\n`);
    const delta = (part: object): boolean => send({ choices: [{ index: 0, delta: part, finish_reason: null }] });
    if (reasoning !== undefined) delta({ reasoning_content: reasoning });
    for (const word of said.split(/(?<= )/)) delta({ content: word });
    response.once('close', () => response.writableFinished || this.#left.resolve());
    if (isHeld) await this.#released.promise;
    send({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
    send({ choices: [], usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 } });
    response.end('data: [DONE]\n\n');
  }
}

const CHUNK = { id: 'chatcmpl-echo', object: 'chat.completion.chunk', created: 1, model: 'echo-1' };

function textOf(content: any): string {
  if (content === null) return '';
  return typeof content === 'string' ? content : content.map((part: any) => part.text).join('');
}

export async function startEcho(options: EchoOptions = {}): Promise<EchoUpstream> {
  const upstream = new EchoUpstream(options);
  await upstream.listen();
  return upstream;
}
