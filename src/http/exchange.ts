// One request and its answer at the HTTP edge, whatever the endpoint: its trace, the signal that its client has left,
// the common headers, the error in the client's dialect, and the one settlement at the end.

import type { FastifyReply, FastifyRequest } from 'fastify';
import { dialects } from '../dialects/registry.ts';
import { GatewayError, toGatewayError } from '../errors.ts';
import { AbortScope } from '../gateway/abort-scope.ts';
import type { Admission } from '../gateway/admission.ts';
import type { RequestContext } from '../gateway/pipeline.ts';
import { type KnowledgeTrace, RequestTrace } from '../gateway/trace.ts';
import type { DialectName } from '../model/chat.ts';
import type { Clock, Logger, Stage } from '../ports.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { noteFailure, settle } from '../telemetry/settlement.ts';
import { LimitReached } from '../tenancy/limiter.ts';
import type { Principal } from '../tenancy/principal.ts';
import { clientDialect } from './client-dialect.ts';
import { ownKeys } from './client-key.ts';
import { stackOverflowOf } from './json-body.ts';
import { addRateLimitHeaders } from './rate-limit-headers.ts';

export interface ExchangeDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly admission: Admission;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Monotonic milliseconds at which the request's head was in. */
    receivedAt: number;
    /** Who asks; set before the body is read. */
    principal: Principal;
  }
  interface FastifyContextConfig {
    /** Whose error shape this route answers with. */
    dialect?: DialectName;
  }
}

/**
 * Runs `work` as one admitted, traced, settled request. Errors that `work` throws before the head become the answer.
 * @param work returns undefined when it is done already
 * @param mayGoElsewhere when this node is full, another one may answer
 */
export async function exchange(
  request: FastifyRequest,
  reply: FastifyReply,
  operation: string,
  deps: ExchangeDeps,
  work: (context: RequestContext) => Promise<void> | undefined,
  mayGoElsewhere = false,
): Promise<FastifyReply> {
  const trace = new RequestTrace(request.id, operation, request.receivedAt);
  const client = new AbortScope(deps.clock);
  const onClose = (): void => {
    if (!reply.raw.writableFinished) client.abort(new GatewayError('client_closed', 'The client left.'));
  };
  reply.raw.once('close', onClose);
  let place: 'here' | 'elsewhere' | undefined;
  try {
    await stage(deps.clock, 'begin');
    place = deps.admission.enter(mayGoElsewhere);
    const { principal } = request;
    const pending = work({
      trace,
      signal: client.signal,
      principal,
      ownKeys: ownKeys(request),
      headers: () => singleHeaders(request),
      knowledgeHeader: singleHeader(request, 'x-flowmesh-knowledge'),
      isExplained: request.headers['x-flowmesh-explain'] === '1',
      isSpilledOver: place === 'elsewhere',
    });
    if (pending) await pending;
  } catch (thrown) {
    const error = stackOverflowOf(thrown, request.body) ?? toGatewayError(thrown);
    noteFailure(trace, error);
    if (!reply.raw.headersSent) sendError(request, reply, error, trace);
    // The head is out and the work did not end the answer: only a broken connection tells the client.
    else if (!reply.raw.writableEnded) reply.raw.destroy();
  } finally {
    if (place) deps.admission.leave(place);
    deps.clock.soon(() => settle(trace, deps), 'settle');
  }
  return reply;
}

/** Resolves when it is this stage's turn, for this request and all others that wait for it. */
function stage(clock: Clock, name: Stage): Promise<void> {
  return new Promise((resolve) => clock.soon(resolve, name));
}

function singleHeader({ headers }: FastifyRequest, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}

/** Only those with one value, which are all but a few. */
function singleHeaders({ headers }: FastifyRequest): Record<string, string> {
  const single: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name];
    if (typeof value === 'string') single[name] = value;
  }
  return single;
}

/** Answers a request that never got as far as `exchange`: turned away at the door, or of no endpoint. */
export function refuse(
  request: FastifyRequest,
  reply: FastifyReply,
  error: GatewayError,
  deps: Omit<ExchangeDeps, 'admission'>,
): void {
  const trace = new RequestTrace(request.id, 'refused', request.receivedAt || deps.clock.elapsed());
  noteFailure(trace, error);
  sendError(request, reply, error);
  settle(trace, deps);
}

/** Headers that say who answered and what it cost us. */
export function answerHeaders(trace: RequestTrace): Record<string, string> {
  const headers = requestIdHeaders(trace.requestId);
  if (trace.target !== undefined) {
    // Model names are the client's: what a header cannot hold is escaped.
    headers['x-flowmesh-target'] = encodeURI(trace.target.toWellFormed());
    headers['x-flowmesh-attempts'] = String(trace.attemptCount);
  }
  if (trace.cache !== undefined) headers['x-flowmesh-cache'] = trace.cache;
  if (trace.cacheAgeMs !== undefined) headers.age = String(Math.floor(trace.cacheAgeMs / 1_000));
  if (trace.route !== undefined) headers['x-flowmesh-route'] = headerText(trace.route);
  if (trace.knowledge) headers['x-flowmesh-knowledge'] = knowledgeText(trace.knowledge);
  if (trace.account) addRateLimitHeaders(headers, trace.account.rateLimit);
  if (trace.ttftMs !== undefined)
    headers['x-flowmesh-overhead-ms'] = Math.max(0, trace.ttftMs - trace.waitedMs).toFixed(2);
  return headers;
}

/** How many passages went into the prompt, and from which documents; or why none did. */
function knowledgeText({ outcome, passageCount, documentIds }: KnowledgeTrace): string {
  if (outcome !== 'used') return outcome === 'empty' ? '0' : `0; ${outcome}`;
  return headerText(`${passageCount}; documents=${documentIds.slice(0, DOCUMENTS_SHOWN_MAX).join(',')}`);
}

/** Clients read up to 16 KB of headers. */
const DOCUMENTS_SHOWN_MAX = 20;

/** Readable where it is plain; names in other scripts are escaped. */
function headerText(text: string): string {
  return text.toWellFormed().replace(/[^ -~]+/g, encodeURIComponent);
}

/** Anthropic's SDKs look for the id under its own name. */
function requestIdHeaders(requestId: string): Record<string, string> {
  return { 'x-request-id': requestId, 'request-id': requestId };
}

export function sendError(
  request: FastifyRequest,
  reply: FastifyReply,
  error: GatewayError,
  trace?: RequestTrace,
): void {
  const { client } = dialects[clientDialect(request)];
  const headers: Record<string, string> = trace ? answerHeaders(trace) : requestIdHeaders(request.id);
  if (error.retryAfterMs !== undefined) {
    headers['retry-after'] = String(Math.ceil(error.retryAfterMs / 1_000));
    headers['retry-after-ms'] = String(Math.ceil(error.retryAfterMs));
  }
  if (error instanceof LimitReached) addRateLimitHeaders(headers, error.rateLimit);
  if (isLastOfConnection(error, request)) headers.connection = 'close';
  sendJson(reply, error.status, JSON.stringify(client.renderError(error, request.id)), headers);
}

/** A node that shuts down has nothing more to say; a body of unknown length past the limit might never end. */
function isLastOfConnection({ code }: GatewayError, { headers }: FastifyRequest): boolean {
  return code === 'draining' || (code === 'body_too_large' && headers['content-length'] === undefined);
}

/**
 * Written past the framework, which would look at each header and the body's type again.
 * @param headers are completed, not copied
 */
export function sendJson(
  reply: FastifyReply,
  status: number,
  text: string,
  headers: Record<string, string> = {},
): void {
  jsonHead(reply, status, text, headers).end(text);
}

/** The same, together with the other answers of this turn. */
export function sendJsonSoon(
  clock: Clock,
  reply: FastifyReply,
  status: number,
  text: string,
  headers: Record<string, string>,
): void {
  const response = jsonHead(reply, status, text, headers);
  clock.soon(() => response.end(text), 'reply');
}

function jsonHead(
  reply: FastifyReply,
  status: number,
  text: string,
  headers: Record<string, string>,
): FastifyReply['raw'] {
  reply.hijack();
  headers['content-type'] = JSON_TYPE;
  headers['content-length'] = String(Buffer.byteLength(text));
  return reply.raw.writeHead(status, headers);
}

const JSON_TYPE = 'application/json; charset=utf-8';
