// One error class and one closed table of codes. docs/errors.md lists the same rows; a test compares the two.

import { hideKeys } from './key-shapes.ts';

interface ErrorRow {
  readonly status: number;
  readonly meaning: string;
  /** Who can put it right. */
  readonly fault: 'client' | 'operator' | 'upstream' | 'gateway';
}

export const ERROR_TABLE = {
  bad_request: { status: 400, meaning: 'The request is malformed or a field has a wrong value', fault: 'client' },
  unsupported: {
    status: 400,
    meaning: 'The request asks for something the chosen upstream cannot express',
    fault: 'client',
  },
  context_length_exceeded: { status: 400, meaning: 'The prompt is longer than the model accepts', fault: 'client' },
  content_filtered: { status: 400, meaning: 'The upstream refused the prompt by its content policy', fault: 'client' },
  unauthenticated: { status: 401, meaning: 'The client sent no valid key', fault: 'client' },
  forbidden: { status: 403, meaning: 'The key may not do this', fault: 'client' },
  not_found: { status: 404, meaning: 'No such endpoint or object', fault: 'client' },
  model_not_found: { status: 404, meaning: 'No chain, alias or target serves this model', fault: 'client' },
  method_not_allowed: { status: 405, meaning: 'The endpoint exists but not with this method', fault: 'client' },
  request_timeout: { status: 408, meaning: 'The client was too slow to send its request', fault: 'client' },
  body_too_large: { status: 413, meaning: 'The body is larger than server.bodyBytesMax', fault: 'client' },
  unprocessable: {
    status: 422,
    meaning: 'The upstream understood the request and rejected its content',
    fault: 'client',
  },
  rate_limited: { status: 429, meaning: 'The client has reached a limit of its key or tenant', fault: 'client' },
  budget_exhausted: { status: 402, meaning: 'The budget of the key or tenant is used up', fault: 'client' },
  not_cached: { status: 504, meaning: 'The client wanted a kept answer only, and there is none', fault: 'client' },
  client_closed: { status: 499, meaning: 'The client left before the answer was complete', fault: 'client' },
  upstream_authentication: { status: 401, meaning: 'The upstream refused our credential', fault: 'operator' },
  upstream_permission: { status: 403, meaning: 'Our credential may not use this model or feature', fault: 'operator' },
  upstream_quota: { status: 429, meaning: 'Our account at the upstream has no credit left', fault: 'operator' },
  upstream_not_found: { status: 404, meaning: 'The upstream does not know the model or endpoint', fault: 'operator' },
  upstream_rate_limited: { status: 429, meaning: 'The upstream asks us to slow down', fault: 'upstream' },
  upstream_overloaded: { status: 503, meaning: 'The upstream has no capacity now', fault: 'upstream' },
  upstream_error: { status: 502, meaning: 'The upstream failed', fault: 'upstream' },
  upstream_unreachable: { status: 502, meaning: 'No connection to the upstream', fault: 'upstream' },
  upstream_timeout: { status: 504, meaning: 'The upstream did not answer within the deadline', fault: 'upstream' },
  upstream_cut: { status: 502, meaning: 'The upstream ended its answer before it was complete', fault: 'upstream' },
  upstream_garbage: { status: 502, meaning: 'The upstream answered with something unreadable', fault: 'upstream' },
  unavailable: { status: 503, meaning: 'Every target is cooling down or full', fault: 'operator' },
  overloaded: { status: 503, meaning: 'This node has too much to do', fault: 'operator' },
  disk_full: { status: 507, meaning: 'The disk of this node is full: nothing can be kept', fault: 'operator' },
  draining: { status: 503, meaning: 'This node is shutting down and takes no new requests', fault: 'operator' },
  internal: { status: 500, meaning: 'A defect in flowmesh', fault: 'gateway' },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERROR_TABLE;

/** What an upstream said when it failed, in the upstream's own words. */
export interface OriginalError {
  /** The dialect's name. */
  readonly dialect: string;
  readonly status: number;
  /** The wire's JSON body. */
  readonly body: object;
}

export interface GatewayErrorOptions {
  readonly cause?: unknown;
  /** How long the client should wait before trying again, milliseconds. */
  readonly retryAfterMs?: number | undefined;
  /** The request field at fault, in the client's spelling, e.g. `messages[2].content`. */
  readonly param?: string | undefined;
  /** Status to answer with where the upstream's own says more than the table's. */
  readonly status?: number | undefined;
  /** Kept only when the upstream spoke of the client's request, never of our credential. */
  readonly original?: OriginalError | undefined;
  /** What was tried, in order; never contains a secret. */
  readonly attempts?: readonly AttemptSummary[] | undefined;
}

export interface AttemptSummary {
  /** `account/model`. */
  readonly target: string;
  readonly code: ErrorCode;
  readonly message: string;
  readonly durationMs: number;
}

export class GatewayError extends Error {
  override readonly name = 'GatewayError';
  readonly code: ErrorCode;
  readonly status: number;
  readonly retryAfterMs: number | undefined;
  readonly param: string | undefined;
  readonly original: OriginalError | undefined;
  readonly attempts: readonly AttemptSummary[];

  /** @param message may quote what a client wrote: keys in it are hidden */
  constructor(code: ErrorCode, message: string, options: GatewayErrorOptions = {}) {
    super(hideKeys(message), options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.status = options.status ?? ERROR_TABLE[code].status;
    this.retryAfterMs = options.retryAfterMs;
    this.param = options.param;
    this.original = options.original;
    this.attempts = options.attempts ?? [];
  }
}

/** Any thrown thing as a GatewayError; what is not one of ours is a defect. */
export function toGatewayError(thrown: unknown): GatewayError {
  if (thrown instanceof GatewayError) return thrown;
  if (isDiskFull(thrown)) {
    return new GatewayError('disk_full', 'The disk of this node is full, so this was not kept.', { cause: thrown });
  }
  return new GatewayError(
    'internal',
    'flowmesh met an unexpected error; the log has the details under this request id',
    {
      cause: thrown,
    },
  );
}

/** As SQLite and the operating system say it. */
const DISK_FULL_CODES: ReadonlySet<unknown> = new Set(['SQLITE_FULL', 'ENOSPC', 'EDQUOT']);

export function isDiskFull(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && DISK_FULL_CODES.has(thrown.code);
}
