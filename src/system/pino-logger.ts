// Logger on pino's writer and printer. Secrets are kept out by construction: no caller may log headers or bodies, and known secret names
// are censored anyway.

import { inspect } from 'node:util';
import { pino } from 'pino';
import type { LogFields, Logger } from '../ports.ts';
import { censored } from './censor.ts';
import { LineBuffer } from './line-buffer.ts';

export interface LoggerOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  readonly isPretty: boolean;
}

const LEVELS = { debug: 20, info: 30, warn: 40, error: 50, silent: 60 } as const;
type Level = Exclude<LoggerOptions['level'], 'silent'>;

/** Writes to standard output; `flush` before the process ends. */
export async function createLogger(options: LoggerOptions): Promise<Logger & { flush(): void }> {
  const destination = options.isPretty
    ? (await import('pino-pretty')).default({ translateTime: 'SYS:HH:MM:ss.l', ignore: 'pid,hostname', sync: true })
    : new LineBuffer(pino.destination({ sync: false }));
  const logAt =
    (level: Level): Logger[Level] =>
    (fields, message) => {
      if (LEVELS[level] >= LEVELS[options.level]) destination.write(lineOf(level, fields, message));
    };
  return {
    debug: logAt('debug'),
    info: logAt('info'),
    warn: logAt('warn'),
    error: logAt('error'),
    flush: () => 'flushSync' in destination && destination.flushSync(),
  };
}

/** pino's own lines, made by one call of the engine: field by field, or copied for level and time, they cost many times that. */
function lineOf(level: Level, fields: LogFields, message: string): string {
  const { err } = fields;
  const said = censored(err instanceof Error ? { ...fields, err: pino.stdSerializers.err(err) } : fields);
  const text = textOf(said);
  return `{"level":"${level}","time":${Date.now()},${text}${text === '' ? '' : ','}"msg":${JSON.stringify(message)}}\n`;
}

/** An object's fields as JSON, without its braces. */
function textOf(fields: unknown): string {
  try {
    return JSON.stringify(fields).slice(1, -1);
  } catch {
    // Only an error that somebody hung live objects on is circular, or has a BigInt.
    return `"fields":${JSON.stringify(inspect(fields, { depth: 4 }))}`;
  }
}

export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };
