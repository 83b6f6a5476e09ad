// Streams whose every piece says which stream it is of and which place it has, so that a lost, doubled, reordered or
// foreign piece shows: the upstream that sends them and the clients that read them.

import { once } from 'node:events';
import { type Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { CLIENT_KEY } from './gateway.ts';

/** The whole text of a stream. */
export function numberedText(stream: number, pieces: number, padding = ''): string {
  return Array.from({ length: pieces }, (_, at) => piece(stream, at, padding)).join('');
}

function piece(stream: number, at: number, padding: string): string {
  return `[${stream}#${at}é漢🙂${padding}]`;
}

export interface NumberedOptions {
  readonly pieces: number;
  readonly padding?: string;
  /** Streams that are refused with 503 before they begin. */
  readonly isRefused?: (stream: number) => boolean;
}

/** Speaks chat completions and Messages. Streams begin together, when `expect` of them are open, and take turns. */
export class NumberedUpstream {
  readonly #options: NumberedOptions;
  readonly #server = createServer((message, response) => void this.#answer(message, response));
  #waiting: (() => void)[] = [];
  #expected = 1;
  refusedCount = 0;
  /** Bytes handed to sockets so far. */
  writtenBytes = 0;
  readonly open = new Set<ServerResponse>();

  constructor(options: NumberedOptions) {
    this.#options = options;
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** No stream begins before so many are open. */
  expect(count: number): void {
    this.#expected = count;
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  async #answer(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const { messages } = JSON.parse(await textOf(message));
    const stream = Number(/stream (\d+)/.exec(JSON.stringify(messages))?.[1]);
    if (this.#options.isRefused?.(stream)) {
      this.refusedCount += 1;
      response.writeHead(503, { 'content-type': 'text/plain' }).end('not now');
      return;
    }
    this.open.add(response);
    response.once('close', () => this.open.delete(response));
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const frames = message.url === '/v1/messages' ? messageFrames : chatFrames;
    await this.#everybody();
    for (const frame of frames(stream, this.#options)) {
      if (response.destroyed) return;
      this.writtenBytes += Buffer.byteLength(frame);
      if (!response.write(frame)) await Promise.race([once(response, 'drain'), once(response, 'close')]);
      await turn();
    }
    response.end();
  }

  async #everybody(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
      if (this.#waiting.length < this.#expected) return;
      for (const begin of this.#waiting) begin();
      this.#waiting = [];
    });
  }
}

function* chatFrames(stream: number, { pieces, padding = '' }: NumberedOptions): Generator<string> {
  const chunk = (delta: object, finish_reason: string | null = null): string =>
    `data: ${JSON.stringify({ id: `chatcmpl-${stream}`, object: 'chat.completion.chunk', created: 1, model: 'numbered', choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
  yield chunk({ role: 'assistant', content: '' });
  for (let at = 0; at < pieces; at += 1) yield chunk({ content: piece(stream, at, padding) });
  yield chunk({}, 'stop');
  yield `data: ${JSON.stringify({ choices: [], usage: { prompt_tokens: 1, completion_tokens: pieces } })}\n\n`;
  yield 'data: [DONE]\n\n';
}

function* messageFrames(stream: number, { pieces, padding = '' }: NumberedOptions): Generator<string> {
  const event = (type: string, fields: object): string =>
    `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
  const usage = { input_tokens: 1, output_tokens: 1 };
  yield event('message_start', {
    message: { id: `msg_${stream}`, type: 'message', role: 'assistant', model: 'numbered', content: [], usage },
  });
  yield event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } });
  for (let at = 0; at < pieces; at += 1) {
    yield event('content_block_delta', {
      index: 0,
      delta: { type: 'text_delta', text: piece(stream, at, padding) },
    });
  }
  yield event('content_block_stop', { index: 0 });
  yield event('message_delta', { delta: { stop_reason: 'end_turn' }, usage });
  yield event('message_stop', {});
}

interface Reader {
  path(model: string): string;
  body(model: string, text: string): object;
  /** The text of one line of the answer. */
  read(value: any): string | undefined;
  /** Is it the mark of a complete answer? */
  isEnd(value: any): boolean;
}

function user(content: string): object[] {
  return [{ role: 'user', content }];
}

export const READERS: readonly Reader[] = [
  {
    path: () => '/v1/chat/completions',
    body: (model, text) => ({ model, messages: user(text), stream: true }),
    read: (value) => value.choices?.[0]?.delta?.content,
    isEnd: (value) => value === '[DONE]',
  },
  {
    path: () => '/v1/messages',
    body: (model, text) => ({ model, max_tokens: 100, messages: user(text), stream: true }),
    read: (value) => value.delta?.text,
    isEnd: (value) => value.type === 'message_stop',
  },
  {
    path: () => '/v1/responses',
    body: (model, text) => ({ model, input: text, stream: true, store: false }),
    read: (value) => (value.type === 'response.output_text.delta' ? value.delta : undefined),
    isEnd: (value) => value.type === 'response.completed',
  },
  {
    path: (model) => `/v1beta/models/${model}:streamGenerateContent?alt=sse`,
    body: (_model, text) => ({ contents: [{ role: 'user', parts: [{ text }] }] }),
    read: (value) => value.candidates?.[0]?.content?.parts?.[0]?.text,
    isEnd: (value) => value.candidates?.[0]?.finishReason === 'STOP',
  },
  {
    path: () => '/api/chat',
    body: (model, text) => ({ model, messages: user(text) }),
    read: (value) => value.message?.content,
    isEnd: (value) => value.done === true,
  },
];

export interface ReadStream {
  readonly status: number;
  readonly text: string;
  /** Marks of a complete answer: must be one. */
  readonly endCount: number;
  readonly attempts: string;
}

/** Opens a stream; the answer is not read before `read` is called. */
export async function openNumbered(
  url: string,
  agent: Agent,
  stream: number,
): Promise<{ read(): Promise<ReadStream> }> {
  const reader = READERS[stream % READERS.length];
  if (!reader) throw new Error('no reader');
  const outgoing = request(`${url}${reader.path('chain')}`, {
    method: 'POST',
    agent,
    headers: { authorization: `Bearer ${CLIENT_KEY}`, 'content-type': 'application/json' },
  });
  outgoing.end(JSON.stringify(reader.body('chain', `stream ${stream}`)));
  const [message] = (await once(outgoing, 'response')) as [IncomingMessage];
  return { read: () => readNumbered(message, reader) };
}

async function readNumbered(message: IncomingMessage, reader: Reader): Promise<ReadStream> {
  let text = '';
  let endCount = 0;
  const take = (line: string): void => {
    // A keep-alive of lines of JSON is a space in front of the next one.
    const trimmed = line.trimStart();
    const data = trimmed.startsWith('data: ') ? trimmed.slice('data: '.length) : trimmed.startsWith('{') ? trimmed : '';
    if (data === '') return;
    const value = data === '[DONE]' ? data : JSON.parse(data);
    text += reader.read(value) ?? '';
    if (reader.isEnd(value)) endCount += 1;
  };
  let rest = '';
  message.setEncoding('utf8');
  for await (const chunk of message) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) take(line);
  }
  take(rest);
  return { status: message.statusCode ?? 0, text, endCount, attempts: String(message.headers['x-flowmesh-attempts']) };
}

async function textOf(message: IncomingMessage): Promise<string> {
  let text = '';
  message.setEncoding('utf8');
  for await (const chunk of message) text += chunk;
  return text;
}
