// A chat request in any dialect: parse, handle, and write the answer whole or as a stream.

import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../config/config.ts';
import type { AnswerIdentity, ClientSide, Dialect, RouteHints } from '../dialects/dialect.ts';
import { dialects } from '../dialects/registry.ts';
import { GatewayError, toGatewayError } from '../errors.ts';
import type { Answer } from '../gateway/answer.ts';
import { handle, type PipelineDeps, type RequestContext } from '../gateway/pipeline.ts';
import { ReplayedAnswer } from '../gateway/replay.ts';
import type { ChatRequest, ChatResponse, DialectName } from '../model/chat.ts';
import { ResponseCollector } from '../model/collect.ts';
import { type JsonObject, parseObject } from '../model/json.ts';
import { noteFailure } from '../telemetry/settlement.ts';
import type { Principal } from '../tenancy/principal.ts';
import { EventStream } from './event-stream.ts';
import { answerHeaders, type ExchangeDeps, exchange, sendJsonSoon } from './exchange.ts';
import { FreshIdentity } from './fresh-identity.ts';
import { jsonBody } from './json-body.ts';
import { type RepeatPlace, Repeats } from './repeats.ts';

export interface ChatEndpointDeps extends ExchangeDeps {
  readonly pipeline: PipelineDeps;
  readonly config: () => Config;
}

/** What one kind of endpoint does besides: the Responses API keeps its conversations. */
export interface ChatEndpointOptions {
  /** Where the dialect has another way to ask than its first one. */
  readonly client?: ClientSide;
  readonly hints?: (request: FastifyRequest) => RouteHints;
  /** Completes the body before it is parsed. */
  readonly prepare?: (body: JsonObject, principal: Principal) => JsonObject;
  readonly onAnswer?: OnAnswer;
}

/** Told once of each complete answer; `body` is what its client was shown. */
export type OnAnswer = (body: () => JsonObject | undefined, request: ChatRequest, principal: Principal) => void;

export function chatEndpoint(name: DialectName, deps: ChatEndpointDeps, options: ChatEndpointOptions = {}) {
  const dialect = { ...dialects[name], ...(options.client && { client: options.client }) };
  // What a prepared body becomes depends on more than its bytes, and who keeps an answer wants to see all of it.
  const repeats = options.prepare || options.onAnswer ? undefined : new Repeats();
  return (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const work = (context: RequestContext): Promise<void> | undefined => {
      const hints = options.hints?.(request);
      const { principal } = context;
      const place = repeats?.placeOf(request.body, { hints, headers: request.headers });
      const name = new FreshIdentity(deps.clock, deps.pipeline.random);
      const known = place?.textAgain(name, context, deps.pipeline);
      if (known !== undefined) {
        sendJsonSoon(deps.clock, reply, 200, known, answerHeaders(context.trace));
        return undefined;
      }
      const parsed = (): ChatRequest => {
        const sent = jsonBody(request);
        const body = options.prepare ? options.prepare(sent, principal) : sent;
        return dialect.client.parseRequest(body, { ...hints, headers: formatHeaders(request) });
      };
      const chat = place?.chat ?? parsed();
      const { messagesMax } = deps.config().server;
      if (chat.messages.length > messagesMax) {
        throw new GatewayError(
          'bad_request',
          `The conversation has ${chat.messages.length} messages; at most ${messagesMax} are accepted.`,
        );
      }
      const answer = chat.isStream ? answerStreamed : answerWhole;
      return answer({ dialect, chat, reply, context, deps, onAnswer: options.onAnswer, place, name });
    };
    const hasPeers = deps.pipeline.peers !== undefined;
    return exchange(request, reply, name, deps, work, hasPeers);
  };
}

/** A parsed request, and what it takes to answer it. */
interface ChatWork {
  readonly dialect: Dialect;
  readonly chat: ChatRequest;
  readonly reply: FastifyReply;
  readonly context: RequestContext;
  readonly deps: ChatEndpointDeps;
  readonly onAnswer: OnAnswer | undefined;
  readonly place: RepeatPlace | undefined;
  readonly name: AnswerIdentity;
}

async function answerWhole({ dialect, chat, reply, context, deps, onAnswer, place, name }: ChatWork): Promise<void> {
  const answer = await handle(chat, context, deps.pipeline);
  let [text] = place?.textsOf(answer, name) ?? [];
  if (text === undefined) {
    text = dialect.client.renderResponse(completed(await collected(answer), name, context), chat);
    place?.keep(chat, answer, name, [text]);
  }
  onAnswer?.(() => parseObject(text), chat, context.principal);
  sendJsonSoon(deps.clock, reply, 200, text, answerHeaders(context.trace));
}

async function collected(answer: Answer): Promise<ChatResponse> {
  const collector = new ResponseCollector();
  try {
    for (let batch = await answer.next(); batch; batch = answer.isEnded ? undefined : await answer.next()) {
      for (const frame of batch) collector.add(frame);
    }
    return collector.response();
  } catch (error) {
    answer.cancel();
    throw error;
  }
}

/** What the upstream left unsaid: a name, a time, and our estimate of its tokens. */
function completed(response: ChatResponse, name: AnswerIdentity, { trace }: RequestContext): ChatResponse {
  const { usage = trace.usage } = response;
  if (response.id !== '' && response.createdAt !== undefined && response.usage) return response;
  return {
    ...response,
    id: response.id || name.id,
    createdAt: response.createdAt ?? name.createdAt,
    ...(usage && { usage }),
  };
}

async function answerStreamed(work: ChatWork): Promise<void> {
  const { dialect, chat, reply, context, deps, onAnswer, place, name } = work;
  const { trace, signal } = context;
  const renderer = dialect.client.streamRenderer(chat, name);
  const head = (): Record<string, string> => ({
    'content-type': renderer.contentType ?? CONTENT_TYPES[dialect.framing],
    ...STREAM_HEADERS,
    ...answerHeaders(trace),
  });
  const stream = new EventStream(reply, head, renderer.keepAlive, deps.config().server.keepAliveMs, deps.clock);
  const passOn = async (text: string): Promise<void> => {
    await stream.write(text);
    if (signal.aborted) throw signal.reason;
  };
  let answer: Answer | undefined;
  try {
    answer = await handle(chat, context, deps.pipeline);
    const known = place?.textsOf(answer, name);
    const texts: string[] = [];
    for (const text of known ?? []) await passOn(text);
    for (let batch = await answer.next(); batch; batch = await answer.next()) {
      let text = '';
      for (const frame of batch) text += renderer.render(frame);
      if (answer instanceof ReplayedAnswer) texts.push(text);
      await passOn(text);
    }
    if (!known) place?.keep(chat, answer, name, texts);
    onAnswer?.(() => renderer.finalBody, chat, context.principal);
    stream.end('');
  } catch (thrown) {
    answer?.cancel();
    const error = toGatewayError(thrown);
    if (!stream.isStarted) {
      stream.abandon();
      throw thrown;
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
