// What an upstream said when it failed, as a plain value the gateway branches on.

import type { ErrorCode, OriginalError } from '../errors.ts';

export interface UpstreamError {
  readonly code: ErrorCode;
  /** The upstream's sentence, fit for the client. */
  readonly message: string;
  /** HTTP status, when there was one of its own (an error inside a 200 has none). */
  readonly status?: number;
  readonly retryAfterMs?: number;
  /** The request field at fault, when we refused the request ourselves. */
  readonly param?: string;
  readonly original?: OriginalError;
}
