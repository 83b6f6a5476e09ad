// The outside world, as flowmesh sees it. Real ones live in src/system/; tests and mesh-sim pass others.
// Nothing else in src/ may read a clock, roll a die, start a timer or open a connection.

/** A pending timer. `refresh` restarts its full delay without allocating a new one. */
export interface Timer {
  cancel(): void;
  refresh(): void;
}

export interface Clock {
  /** Wall time in milliseconds since 1970; may jump. */
  now(): number;
  /** Monotonic milliseconds since some fixed moment; never goes back. Use it for durations. */
  elapsed(): number;
  /** Runs `action` once after `delayMs`. */
  after(delayMs: number, action: () => void): Timer;
  /** Runs `action` after the events that are at hand, before any timer. */
  soon(action: () => void): void;
  /** Runs `action` every `periodMs` until cancelled. */
  every(periodMs: number, action: () => void): Timer;
  /** Resolves after `delayMs`; rejects with the signal's reason when aborted. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** Unpredictable bytes, for secrets. */
  bytes(count: number): Uint8Array;
  /** A fresh unique identifier (UUID v4 text). */
  uuid(): string;
}

export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}

export interface HttpRequest {
  readonly method: string;
  /** Absolute. Only configuration decides it, never a client's request. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Aborting closes the connection at once. */
  readonly signal?: AbortSignal;
  readonly connectTimeoutMs?: number;
}

export interface HttpResponse {
  readonly status: number;
  /** Lower-case names; repeated headers joined by ", ". */
  readonly headers: Readonly<Record<string, string>>;
  /** Everything that one read of the socket brought comes as one chunk; reading slowly slows the sender. */
  readonly body: AsyncIterable<Uint8Array>;
}

export interface HttpClient {
  /** Resolves when the response head is in; rejects with `HttpFailure` before that. Never times out by itself except to connect. */
  request(request: HttpRequest): Promise<HttpResponse>;
  close(): Promise<void>;
}

/** Why no (complete) HTTP response came: `connect` means the server never saw the request. */
export class HttpFailure extends Error {
  override readonly name = 'HttpFailure';
  readonly stage: 'connect' | 'response';

  constructor(stage: 'connect' | 'response', message: string, options?: ErrorOptions) {
    super(message, options);
    this.stage = stage;
  }
}
