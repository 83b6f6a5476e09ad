// Logger on pino. Secrets are kept out by construction: no caller may log headers or bodies, and known secret names
// are censored anyway.

import { pino } from 'pino';
import type { Logger } from '../ports.ts';

export interface LoggerOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  readonly isPretty: boolean;
}

const SECRET_FIELDS = ['key', 'keys', 'apiKey', 'authorization', 'headers', 'token', 'secret', 'password', 'body'];
/** Lines wait for this many bytes, or the flush period, so that a log line does not cost a system call. */
const BUFFER_BYTES = 4_096;
const FLUSH_PERIOD_MS = 250;

/** Writes to standard output; `flush` before the process ends. */
export async function createLogger(options: LoggerOptions): Promise<Logger & { flush(): void }> {
  const destination = options.isPretty
    ? (await import('pino-pretty')).default({ translateTime: 'SYS:HH:MM:ss.l', ignore: 'pid,hostname', sync: true })
    : pino.destination({ sync: false, minLength: BUFFER_BYTES, periodicFlush: FLUSH_PERIOD_MS });
  const logger = pino(
    {
      level: options.level,
      base: null,
      redact: { paths: [...SECRET_FIELDS, ...SECRET_FIELDS.map((field) => `*.${field}`)], censor: '[redacted]' },
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    flush: () => 'flushSync' in destination && destination.flushSync(),
  };
}

export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };
