// A chat request in any dialect: parse, handle, and write the answer whole or as a stream.

import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../config/config.ts';
import type { Dialect, RouteHints } from '../dialects/dialect.ts';
import { dialects } from '../dialects/registry.ts';
import { GatewayError, toGatewayError } from '../errors.ts';
import type { Answer } from '../gateway/answer.ts';
import { handle, type PipelineDeps, type RequestContext } from '../gateway/pipeline.ts';
import type { ChatRequest, ChatResponse, DialectName } from '../model/chat.ts';
import { ResponseCollector } from '../model/collect.ts';
import type { JsonObject } from '../model/json.ts';
import { EventStream } from './event-stream.ts';
import { answerHeaders, type ExchangeDeps, exchange, jsonBody, noteFailure, sendJson } from './exchange.ts';

export interface ChatEndpointDeps extends ExchangeDeps {
  readonly pipeline: PipelineDeps;
  readonly config: () => Config;
}

/** What one kind of endpoint does besides: the Responses API keeps its conversations. */
export interface ChatEndpointOptions {
  readonly hints?: (request: FastifyRequest) => RouteHints;
  /** Completes the body before it is parsed. */
  readonly prepare?: (body: JsonObject) => JsonObject;
  /** Sees the complete answer once, as it was shown to the client. */
  readonly onResponse?: OnResponse;
}

export function chatEndpoint(name: DialectName, deps: ChatEndpointDeps, options: ChatEndpointOptions = {}) {
  const dialect = dialects[name];
  return (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> =>
    exchange(request, reply, name, deps, async (context) => {
      const sent = jsonBody(request);
      const body = options.prepare ? options.prepare(sent) : sent;
      const chat = dialect.client.parseRequest(body, { ...options.hints?.(request), headers: formatHeaders(request) });
      const { messagesMax } = deps.config().server;
      if (chat.messages.length > messagesMax) {
        throw new GatewayError(
          'bad_request',
          `The conversation has ${chat.messages.length} messages; at most ${messagesMax} are accepted.`,
        );
      }
      if (chat.isStream) await answerStreamed(dialect, chat, reply, context, deps, options.onResponse);
      else await answerWhole(dialect, chat, reply, context, deps, options.onResponse);
    });
}

type OnResponse = (response: ChatResponse, request: ChatRequest) => void;

async function answerWhole(
  dialect: Dialect,
  chat: ChatRequest,
  reply: FastifyReply,
  context: RequestContext,
  deps: ChatEndpointDeps,
  onResponse: OnResponse | undefined,
): Promise<void> {
  const answer = await handle(chat, context, deps.pipeline);
  const collector = new ResponseCollector();
  for (let batch = await answer.next(); batch; batch = await answer.next()) {
    for (const frame of batch) collector.add(frame);
  }
  const response = named(collector.response(), context, deps);
  const text = dialect.client.renderResponse(response, chat);
  onResponse?.(response, chat);
  sendJson(reply, 200, text, answerHeaders(context.trace));
}

async function answerStreamed(
  dialect: Dialect,
  chat: ChatRequest,
  reply: FastifyReply,
  context: RequestContext,
  deps: ChatEndpointDeps,
  onResponse: OnResponse | undefined,
): Promise<void> {
  const { trace, signal } = context;
  const renderer = dialect.client.streamRenderer(chat, identity(trace.requestId, deps));
  const head = (): Record<string, string> => ({
    'content-type': renderer.contentType ?? CONTENT_TYPES[dialect.framing],
    ...STREAM_HEADERS,
    ...answerHeaders(trace),
  });
  const stream = new EventStream(reply, head, renderer.keepAlive, deps.config().server.keepAliveMs, deps.clock);
  const collector = onResponse && new ResponseCollector();
  let answer: Answer | undefined;
  try {
    answer = await handle(chat, context, deps.pipeline);
    for (let batch = await answer.next(); batch; batch = await answer.next()) {
      let text = '';
      for (const frame of batch) {
        text += renderer.render(frame);
        collector?.add(frame);
      }
      const room = stream.write(text);
      if (room) await room;
      if (signal.aborted) throw signal.reason;
    }
    if (collector) onResponse?.(named(collector.response(), context, deps), chat);
    stream.end('');
  } catch (thrown) {
    answer?.cancel();
    const error = toGatewayError(thrown);
    if (!stream.isStarted) {
      stream.abandon();
      throw error;
    }
    noteFailure(trace, error);
    stream.end(renderer.fail(error));
  }
}

const CONTENT_TYPES: Readonly<Record<Dialect['framing'], string>> = {
  sse: 'text/event-stream; charset=utf-8',
  ndjson: 'application/x-ndjson',
};
/** No cache and no proxy may hold frames back. */
const STREAM_HEADERS = { 'cache-control': 'no-cache', 'x-accel-buffering': 'no' };

/** Upstreams that do not name their answers get a name from us. */
function named(response: ChatResponse, { trace }: RequestContext, deps: ChatEndpointDeps): ChatResponse {
  if (response.id !== '' && response.createdAt !== undefined) return response;
  const { id, createdAt } = identity(trace.requestId, deps);
  return { ...response, id: response.id || id, createdAt: response.createdAt ?? createdAt };
}

function identity(requestId: string, deps: ChatEndpointDeps) {
  return { id: requestId.replace(/[^A-Za-z0-9]/g, ''), createdAt: Math.floor(deps.clock.now() / 1_000) };
}

/** Headers that belong to a wire format and so travel with the request to an upstream of the same one. */
export function formatHeaders(request: FastifyRequest): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of FORMAT_HEADERS) {
    const value = request.headers[name];
    if (typeof value === 'string') kept[name] = value;
  }
  return kept;
}

const FORMAT_HEADERS = ['anthropic-version', 'anthropic-beta', 'openai-beta'];
