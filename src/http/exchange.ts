// One request and its answer at the HTTP edge, whatever the endpoint: its trace, the signal that its client has left,
// the common headers, the error in the client's dialect, and the one settlement at the end.

import type { FastifyReply, FastifyRequest } from 'fastify';
import { dialects } from '../dialects/registry.ts';
import { GatewayError, toGatewayError } from '../errors.ts';
import type { Admission } from '../gateway/admission.ts';
import type { RequestContext } from '../gateway/pipeline.ts';
import { newTrace, type RequestTrace } from '../gateway/trace.ts';
import type { DialectName } from '../model/chat.ts';
import { isObject, type JsonObject } from '../model/json.ts';
import type { Clock, Logger } from '../ports.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { logRequest } from '../telemetry/request-log.ts';

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
  }
  interface FastifyContextConfig {
    /** Whose error shape this route answers with. */
    dialect?: DialectName;
  }
}

/** Runs `work` as one admitted, traced, settled request. Errors that `work` throws before the head become the answer. */
export async function exchange(
  request: FastifyRequest,
  reply: FastifyReply,
  operation: string,
  deps: ExchangeDeps,
  work: (context: RequestContext) => Promise<void>,
): Promise<FastifyReply> {
  const trace = newTrace(request.id, operation, request.receivedAt);
  const client = new AbortController();
  const onClose = (): void => {
    if (!reply.raw.writableFinished) client.abort(new GatewayError('client_closed', 'The client left.'));
  };
  reply.raw.once('close', onClose);
  let isAdmitted = false;
  try {
    deps.admission.enter();
    isAdmitted = true;
    await work({ trace, signal: client.signal });
  } catch (thrown) {
    const error = toGatewayError(thrown);
    noteFailure(trace, error);
    if (!reply.raw.headersSent) sendError(request, reply, error, trace);
    // The head is out and the work did not end the answer: only a broken connection tells the client.
    else if (!reply.raw.writableEnded) reply.raw.destroy();
  } finally {
    if (isAdmitted) deps.admission.leave();
    trace.durationMs = deps.clock.elapsed() - trace.startedAt;
    deps.metrics.record(trace);
    logRequest(deps.logger, trace);
  }
  return reply;
}

export function noteFailure(trace: RequestTrace, error: GatewayError): void {
  trace.errorCode = error.code;
  if (error.cause !== undefined) trace.cause = error.cause;
}

/** Headers that say who answered and what it cost us. */
export function answerHeaders(trace: RequestTrace): Record<string, string> {
  const headers: Record<string, string> = { 'x-request-id': trace.requestId };
  if (trace.target !== undefined) {
    // Model names are the client's: what a header cannot hold is escaped.
    headers['x-flowmesh-target'] = encodeURI(trace.target);
    headers['x-flowmesh-attempts'] = String(trace.attemptCount);
  }
  if (trace.ttftMs !== undefined)
    headers['x-flowmesh-overhead-ms'] = Math.max(0, trace.ttftMs - trace.waitedMs).toFixed(2);
  return headers;
}

export function sendError(
  request: FastifyRequest,
  reply: FastifyReply,
  error: GatewayError,
  trace?: RequestTrace,
): void {
  const { client } = dialects[request.routeOptions.config.dialect ?? 'openai-chat'];
  const headers: Record<string, string> = trace ? answerHeaders(trace) : { 'x-request-id': request.id };
  if (error.retryAfterMs !== undefined) {
    headers['retry-after'] = String(Math.ceil(error.retryAfterMs / 1_000));
    headers['retry-after-ms'] = String(Math.ceil(error.retryAfterMs));
  }
  sendJson(reply, error.status, JSON.stringify(client.renderError(error, request.id)), headers);
}

export function sendJson(
  reply: FastifyReply,
  status: number,
  text: string,
  headers: Record<string, string> = {},
): void {
  reply.code(status).headers(headers).type('application/json; charset=utf-8').send(text);
}

/** The body as a JSON object. Content types are not looked at: `curl -d` names a wrong one. */
export function jsonBody(request: FastifyRequest): JsonObject {
  const bytes = request.body;
  if (!Buffer.isBuffer(bytes) || bytes.length === 0)
    throw new GatewayError('bad_request', 'The request has no body. Send a JSON object.');
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(bytes));
  } catch (error) {
    if (error instanceof TypeError) throw new GatewayError('bad_request', 'The request body is not valid UTF-8.');
    throw new GatewayError('bad_request', `The request body is not valid JSON: ${(error as Error).message}`);
  }
  if (!isObject(value)) throw new GatewayError('bad_request', 'The request body must be a JSON object.');
  return value;
}

const decoder = new TextDecoder('utf-8', { fatal: true });
