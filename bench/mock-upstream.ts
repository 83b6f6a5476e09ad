// An OpenAI chat server that costs next to nothing and always answers alike. Its own process: `node mock-upstream.ts PORT`.
// It speaks just the HTTP that clients of it send, on bare sockets, so that whoever stands before it is the bottleneck.
//
// Streams: `max_tokens` frames, one every `seed` ms (0: as fast as they can be written). Each frame's content is
// `sequence@sentAt `, microseconds of the machine's monotonic clock, which all processes share: so the client can tell
// how long a frame was under way, and whether one is lost or overtaken.

import { createServer, type Socket } from 'node:net';
import { MODEL, monotonicMicros } from './protocol.ts';

const ANSWER_TEXT = 'The quick brown fox jumps over the lazy dog. '.repeat(12).trim();
const USAGE = { prompt_tokens: 220, completion_tokens: 120, total_tokens: 340 };
const CREATED = 1_750_000_000;
const ENVELOPE = { id: 'chatcmpl-bench', object: 'chat.completion.chunk', created: CREATED, model: MODEL };
const STREAM_HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';
const WHOLE = wholeAnswer();
const HEAD_END = '\r\n\r\n';

const server = createServer({ noDelay: true }, (socket) => {
  let pending: Buffer | undefined;
  socket.on('data', (arrived: Buffer) => {
    const bytes = pending ? Buffer.concat([pending, arrived]) : arrived;
    const body = bodyOf(bytes);
    pending = body === undefined ? bytes : undefined;
    if (body !== undefined) answer(socket, body);
  });
  // Clients that leave in the middle are part of the benchmark.
  socket.on('error', () => socket.destroy());
});
server.listen(Number(process.argv[2]), '127.0.0.1');

/** The body, once all of it is here. Nobody sends two requests at once. */
function bodyOf(bytes: Buffer): string | undefined {
  const headEnd = bytes.indexOf(HEAD_END);
  if (headEnd < 0) return undefined;
  const head = bytes.toString('latin1', 0, headEnd);
  const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1]);
  const start = headEnd + HEAD_END.length;
  return bytes.length < start + length ? undefined : bytes.toString('utf8', start, start + length);
}

function answer(socket: Socket, text: string): void {
  const body = JSON.parse(text);
  if (body.stream) stream(socket, body.max_tokens, body.seed);
  else socket.write(WHOLE);
}

function stream(socket: Socket, frameCount: number, intervalMs: number): void {
  socket.write(STREAM_HEAD + frame({ role: 'assistant', content: '' }, null));
  let sequence = 0;
  const next = (): boolean => {
    if (socket.destroyed) return false;
    if (sequence < frameCount) {
      socket.write(frame({ content: `${sequence}@${monotonicMicros()} ` }, null));
      sequence += 1;
      return true;
    }
    const usage = chunk(`data: ${JSON.stringify({ ...ENVELOPE, choices: [], usage: USAGE })}\n\n`);
    socket.write(`${frame({}, 'stop')}${usage}${chunk('data: [DONE]\n\n')}0\r\n\r\n`);
    return false;
  };
  if (intervalMs > 0) {
    const timer = setInterval(() => next() || clearInterval(timer), intervalMs);
    return;
  }
  const burst = (): void => {
    if (next()) setImmediate(burst);
  };
  burst();
}

function frame(delta: object, finishReason: string | null): string {
  const choices = [{ index: 0, delta, logprobs: null, finish_reason: finishReason }];
  return chunk(`data: ${JSON.stringify({ ...ENVELOPE, choices })}\n\n`);
}

/** One chunk of HTTP's chunked encoding. The text is ASCII. */
function chunk(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}

function wholeAnswer(): Buffer {
  const message = { role: 'assistant', content: ANSWER_TEXT };
  const text = JSON.stringify({
    ...ENVELOPE,
    object: 'chat.completion',
    choices: [{ index: 0, message, logprobs: null, finish_reason: 'stop' }],
    usage: USAGE,
  });
  return Buffer.from(
    `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${text.length}\r\n\r\n${text}`,
  );
}
