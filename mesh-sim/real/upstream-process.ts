// An OpenAI-compatible server in a machine of its own, whose mood can be changed while it runs. What it does is told to
// whoever started it. Streams have `max_tokens` frames, one every `seed` ms, each `number@sent `: so a lost, doubled or
// overtaken one is seen by the client.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { UpstreamMood } from '../topologies.ts';
import { moment } from './moment.ts';

export interface UpstreamOptions {
  readonly port: number;
  readonly host?: string;
  readonly models: readonly string[];
  /** How long an answer takes to begin. */
  readonly ttftMs: number;
}

export type UpstreamOrder = { readonly mood: UpstreamMood };

export type UpstreamNews =
  | { readonly kind: 'ready' }
  /** A client went away in the middle of its answer. */
  | { readonly kind: 'left'; readonly at: number }
  | { readonly kind: 'asked'; readonly at: number };

const options: UpstreamOptions = JSON.parse(process.argv[2] ?? '{}');
const SLOW_FACTOR = 20;
const CUT_AFTER_FRAMES = 3;
const PROMPT_TOKENS = 12;

let mood: UpstreamMood = 'well';
const sockets = new Set<Socket>();
let server = listen();

process.on('message', (order: UpstreamOrder) => {
  const wasRefusing = mood === 'refuse';
  mood = order.mood;
  if (mood === 'refuse' && !wasRefusing) {
    server.close();
    for (const socket of sockets) socket.destroy();
  }
  if (mood !== 'refuse' && wasRefusing) server = listen();
});
process.on('disconnect', () => process.exit());

function listen(): Server {
  const { port, host = '127.0.0.1' } = options;
  const made = createServer({ noDelay: true }, (request, response) => void answer(request, response));
  made.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return made.listen(port, host, () => tell({ kind: 'ready' }));
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.url?.endsWith('/models')) {
    return sendJson(response, 200, { object: 'list', data: options.models.map((id) => ({ id, object: 'model' })) });
  }
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = JSON.parse(Buffer.concat(chunks).toString());
  tell({ kind: 'asked', at: moment() });
  response.once('close', () => {
    if (!response.writableFinished) tell({ kind: 'left', at: moment() });
  });
  if (mood === 'rate-limit') {
    response.setHeader('retry-after', '2');
    return sendJson(response, 429, { error: { message: 'too many requests', type: 'rate_limit_error' } });
  }
  const waitMs = options.ttftMs * (mood === 'slow' ? SLOW_FACTOR : 1);
  setTimeout(() => {
    if (response.destroyed) return;
    if (body.stream) stream(response, body);
    else if (mood !== 'stall') sendJson(response, 200, whole(body));
  }, waitMs);
}

function whole({ model }: { readonly model: string }): object {
  return {
    id: 'chatcmpl-sim',
    object: 'chat.completion',
    created: 1_750_000_000,
    model,
    choices: [{ index: 0, message: { role: 'assistant', content: 'It works.' }, finish_reason: 'stop' }],
    usage: { prompt_tokens: PROMPT_TOKENS, completion_tokens: 3, total_tokens: PROMPT_TOKENS + 3 },
  };
}

interface StreamBody {
  readonly model: string;
  readonly max_tokens: number;
  readonly seed: number;
}

function stream(response: ServerResponse, { model, max_tokens: count, seed: intervalMs }: StreamBody): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const frame = (delta: object, finish: string | null): string => {
    const choices = [{ index: 0, delta, finish_reason: finish }];
    const chunk = { id: 'chatcmpl-sim', object: 'chat.completion.chunk', created: 1_750_000_000, model, choices };
    return `data: ${JSON.stringify(chunk)}\n\n`;
  };
  response.write(frame({ role: 'assistant', content: '' }, null));
  let sequence = 0;
  let isOpen = true;
  const next = (): void => {
    if (!isOpen) return;
    if (mood === 'stall') return;
    if (mood === 'cut' && sequence >= CUT_AFTER_FRAMES) return void response.destroy();
    if (sequence >= count) return void response.end(`${frame({}, 'stop')}data: [DONE]\n\n`);
    const isRoomLeft = response.write(frame({ content: `${sequence}@${Math.round(moment())} ` }, null));
    sequence += 1;
    if (intervalMs > 0) setTimeout(next, intervalMs);
    else if (isRoomLeft) setImmediate(next);
    else response.once('drain', next);
  };
  response.once('close', () => {
    isOpen = false;
  });
  next();
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function tell(news: UpstreamNews): void {
  if (process.connected) process.send?.(news);
}
