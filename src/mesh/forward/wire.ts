// How requests and their answers travel between nodes: one JSON body there; of a chat, one line of JSON for each batch of
// frames back, of vectors, one JSON body. What is only passed on goes as bytes, behind a line that says what they are.
//
// Originals go along where the client speaks their dialect, so that what the neutral model does not know survives the
// hop; else they would be bytes for nobody. An answer ends with a batch whose last event is `response-end` or `error`:
// a body that ends without one was cut.

import { ERROR_TABLE, type ErrorCode, GatewayError } from '../../errors.ts';
import { OPAQUE_PATHS, type OpaquePath } from '../../gateway/opaque-request.ts';
import type { Forwarded, ForwardedChat, ForwardedEmbedding, ForwardedOpaque } from '../../gateway/peers.ts';
import type { ChatRequest, DialectName } from '../../model/chat.ts';
import type { EmbeddingRequest, EmbeddingResponse } from '../../model/embedding.ts';
import { asNumber, asObject, asString, isObject, type JsonObject, parseObject } from '../../model/json.ts';
import type { Frame, StreamEvent } from '../../model/stream.ts';
import type { UpstreamError } from '../../model/upstream-error.ts';
import type { Principal } from '../../tenancy/principal.ts';

export const FORWARD_PATH = '/forward/chat';
export const EMBED_PATH = '/forward/embeddings';
export const PASS_PATH = '/forward/pass';
export const TARGET_HEADER = 'x-flowmesh-target';
/** Of one line of an answer, in bytes; a whole answer may stand in one. */
const LINE_BYTES_MAX = 64 * 1_048_576;

export function renderForwarded(asked: Forwarded<ChatRequest | EmbeddingRequest>): Uint8Array {
  return Buffer.from(JSON.stringify(asked));
}

/**
 * The sender is a member and writes what our own code wrote; what is checked is what we go by.
 * @throws GatewayError `bad_request`
 */
export function parseChat(bytes: Uint8Array): ForwardedChat {
  return parseForwarded<ChatRequest>(
    bytes,
    ({ messages, tools, sampling }) => Array.isArray(messages) && Array.isArray(tools) && isObject(sampling),
  );
}

/** @throws GatewayError `bad_request` */
export function parseEmbedding(bytes: Uint8Array): ForwardedEmbedding {
  return parseForwarded<EmbeddingRequest>(bytes, ({ inputs }) => Array.isArray(inputs));
}

export function renderOpaque({ request: { before, after, ...request }, ...asked }: ForwardedOpaque): Uint8Array {
  const head = JSON.stringify({ ...asked, request: { ...request, beforeLength: before.length } });
  return Buffer.concat([Buffer.from(`${head}\n`), before, after]);
}

/** @throws GatewayError `bad_request` */
export function parseOpaque(bytes: Uint8Array): ForwardedOpaque {
  const headEnd = Math.max(0, bytes.indexOf(NEWLINE));
  const { request, ...asked } = parseForwarded<OpaqueHead>(
    bytes.subarray(0, headEnd),
    ({ path, contentType, beforeLength }) =>
      OPAQUE_PATHS.some((known) => known === path) && typeof contentType === 'string' && Number.isInteger(beforeLength),
  );
  const { beforeLength, ...rest } = request;
  const body = bytes.subarray(headEnd + 1);
  return { ...asked, request: { ...rest, before: body.subarray(0, beforeLength), after: body.subarray(beforeLength) } };
}

interface OpaqueHead {
  readonly model: string;
  readonly path: OpaquePath;
  readonly contentType: string;
  readonly beforeLength: number;
}

function parseForwarded<Request>(bytes: Uint8Array, isRequest: (value: JsonObject) => boolean): Forwarded<Request> {
  const asked = parseObject(Buffer.from(bytes).toString());
  const request = asObject(asked?.request);
  const principal = asObject(asked?.principal);
  const requestId = asString(asked?.requestId);
  const attempt = asNumber(asked?.attempt);
  const remainingMs = asNumber(asked?.remainingMs);
  const isSound =
    typeof request?.model === 'string' &&
    isRequest(request) &&
    typeof principal?.tenant === 'string' &&
    isObject(principal.tags) &&
    isObject(principal.scopes) &&
    isObject(principal.accounts) &&
    Array.isArray(principal.limits);
  if (!isSound || requestId === undefined || attempt === undefined || remainingMs === undefined) {
    throw new GatewayError('bad_request', 'This is not a forwarded request.');
  }
  return {
    request: request as unknown as Request,
    principal: principal as unknown as Principal,
    requestId,
    attempt,
    remainingMs,
  };
}

export function renderVectors(answer: EmbeddingResponse): string {
  return JSON.stringify(answer);
}

/** Undefined for what is no such answer, a cut one for instance. */
export function parseVectors(text: string): EmbeddingResponse | undefined {
  const answer = parseObject(text);
  return typeof answer?.model === 'string' && Array.isArray(answer.vectors) && answer.vectors.every(Array.isArray)
    ? (answer as unknown as EmbeddingResponse)
    : undefined;
}

/** One line. `dialect`: the client's, whose originals go along. */
export function renderFrames(frames: readonly Frame[], dialect: DialectName | undefined): string {
  const wire = frames.map(({ events, original }) => {
    if (!original || original.dialect !== dialect) return { events };
    // `value` is `data` parsed: the other side parses it itself.
    const { value: _value, ...rest } = original;
    return { events, original: rest };
  });
  return `${JSON.stringify(wire)}\n`;
}

/** The answer's batches, always with an end: a cut is an `error` event. */
export async function* parseFrames(body: AsyncIterable<Uint8Array>): AsyncGenerator<readonly Frame[]> {
  let isEnded = false;
  for await (const line of lines(body)) {
    // What follows the end means nothing, but it is read, so that the connection can be used again.
    if (isEnded) continue;
    const frames = framesOf(line);
    yield frames;
    isEnded = isEnd(frames.at(-1)?.events.at(-1));
  }
  if (!isEnded)
    yield [errorFrame({ code: 'upstream_cut', message: 'The other node ended its answer before it was complete.' })];
}

export function errorFrame(error: UpstreamError): Frame {
  return { events: [{ type: 'error', error }] };
}

export function isEnd(event: StreamEvent | undefined): boolean {
  return event?.type === 'response-end' || event?.type === 'error';
}

async function* lines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  for await (const chunk of body) {
    let rest = chunk;
    for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE)) {
      yield Buffer.concat([...held, rest.subarray(0, end)]).toString();
      held = [];
      heldBytes = 0;
      rest = rest.subarray(end + 1);
    }
    if (rest.length === 0) continue;
    held.push(rest);
    heldBytes += rest.length;
    if (heldBytes > LINE_BYTES_MAX) return;
  }
}

const NEWLINE = 10;

function framesOf(line: string): readonly Frame[] {
  try {
    const wire: unknown = JSON.parse(line);
    if (Array.isArray(wire) && wire.every((frame) => isObject(frame) && Array.isArray(frame.events))) {
      return (wire as Frame[]).map(withValue);
    }
  } catch {
    // Reported below, like every other line that is none.
  }
  return [errorFrame({ code: 'upstream_garbage', message: 'The other node answered with something unreadable.' })];
}

function withValue(frame: Frame): Frame {
  if (!frame.original) return frame;
  const value = parseObject(frame.original.data);
  return value ? { ...frame, original: { ...frame.original, value } } : frame;
}

export function renderError(error: GatewayError): JsonObject {
  const { code, message, retryAfterMs, param, original, status } = error;
  return {
    code,
    message,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(param !== undefined && { param }),
    ...(status !== ERROR_TABLE[code].status && { status }),
    ...(original && { original: original as unknown as JsonObject }),
  };
}

/** What another node said when it could not answer, as a failure of this attempt. */
export function parseError(text: string): UpstreamError {
  const wire = parseObject(text);
  const code = asString(wire?.code);
  const message = asString(wire?.message);
  if (!wire || code === undefined || message === undefined || !Object.hasOwn(ERROR_TABLE, code)) {
    return { code: 'upstream_garbage', message: 'The other node failed with something unreadable.' };
  }
  const retryAfterMs = asNumber(wire.retryAfterMs);
  const status = asNumber(wire.status);
  const param = asString(wire.param);
  const original = asObject(wire.original);
  return {
    code: codeHere(code as ErrorCode),
    message,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(status !== undefined && { status }),
    ...(param !== undefined && { param }),
    ...(original && { original: original as unknown as NonNullable<UpstreamError['original']> }),
  };
}

/** What is final there need not be here: another node may know the model, or be up. */
function codeHere(code: ErrorCode): ErrorCode {
  return PASSED_OVER.has(code) ? 'unavailable' : code;
}

const PASSED_OVER: ReadonlySet<ErrorCode> = new Set([
  'model_not_found',
  'draining',
  'internal',
  'client_closed',
  'not_found',
  'unauthenticated',
  'forbidden',
]);
