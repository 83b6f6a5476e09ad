// Logger on pino. Secrets are kept out by construction: no caller may log headers or bodies, and known secret names
// are censored anyway.

import { pino } from 'pino';
import type { LogFields, Logger } from '../ports.ts';
import { censored } from './censor.ts';
import { LineBuffer } from './line-buffer.ts';

export interface LoggerOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  readonly isPretty: boolean;
}

/** Writes to standard output; `flush` before the process ends. */
export async function createLogger(options: LoggerOptions): Promise<Logger & { flush(): void }> {
  const destination = options.isPretty
    ? (await import('pino-pretty')).default({ translateTime: 'SYS:HH:MM:ss.l', ignore: 'pid,hostname', sync: true })
    : new LineBuffer(pino.destination({ sync: false }));
  const logger = pino(
    {
      level: options.level,
      base: null,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: (error) => censored(pino.stdSerializers.err(error)) },
    },
    destination,
  );
  return {
    debug: (fields, message) => logger.debug(safe(fields), message),
    info: (fields, message) => logger.info(safe(fields), message),
    warn: (fields, message) => logger.warn(safe(fields), message),
    error: (fields, message) => logger.error(safe(fields), message),
    flush: () => 'flushSync' in destination && destination.flushSync(),
  };
}

/** pino's own redaction copies every line once for each path it knows; it cost more than all of routing. */
function safe(fields: LogFields): LogFields {
  return censored(fields) as LogFields;
}

export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };
