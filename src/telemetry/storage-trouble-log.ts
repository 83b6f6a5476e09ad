// A log in which a full or broken disk is no flood. What every request would say again with a stack is said once for each
// kind of failure, then counted once a minute, and its end is told.

import { GatewayError, isDiskFull } from '../errors.ts';
import type { Cancellable, Clock, LogFields, Logger } from '../ports.ts';

/** Between two counts; also how long a failure must not come again to be over. */
const COUNT_PERIOD_MS = 60_000;
/** Messages are fixed texts, so there are few kinds. One more than this is not thinned. */
const KINDS_MAX = 100;

type Level = 'warn' | 'error';

interface Trouble {
  readonly level: Level;
  readonly message: string;
  readonly code: string;
  lastAt: number;
  times: number;
  /** Of these times, those that the log has been told of. */
  toldTimes: number;
}

export class StorageTroubleLog implements Logger {
  readonly #logger: Logger;
  readonly #clock: Clock;
  /** By code and message. */
  readonly #troubles = new Map<string, Trouble>();
  #counting: Cancellable | undefined;

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger;
    this.#clock = clock;
  }

  debug(fields: LogFields, message: string): void {
    this.#logger.debug(fields, message);
  }

  info(fields: LogFields, message: string): void {
    this.#logger.info(fields, message);
  }

  warn(fields: LogFields, message: string): void {
    if (this.#isNews('warn', fields, message)) this.#logger.warn(fields, message);
  }

  error(fields: LogFields, message: string): void {
    if (this.#isNews('error', fields, message)) this.#logger.error(fields, message);
  }

  #isNews(level: Level, { err }: LogFields, message: string): boolean {
    const code = storageCodeOf(err);
    if (code === undefined) return true;
    const kind = `${code} ${message}`;
    const known = this.#troubles.get(kind);
    if (known) {
      known.times += 1;
      known.lastAt = this.#clock.elapsed();
      return false;
    }
    if (this.#troubles.size < KINDS_MAX) {
      this.#troubles.set(kind, { level, message, code, lastAt: this.#clock.elapsed(), times: 1, toldTimes: 1 });
      this.#counting ??= this.#clock.every(COUNT_PERIOD_MS, () => this.#count());
    }
    return true;
  }

  #count(): void {
    for (const [kind, trouble] of this.#troubles) {
      const { level, message, code, times } = trouble;
      const repeats = times - trouble.toldTimes;
      trouble.toldTimes = times;
      if (repeats > 0) this.#logger[level]({ code, repeats }, `${message} (again)`);
      else if (this.#clock.elapsed() - trouble.lastAt >= COUNT_PERIOD_MS) {
        this.#troubles.delete(kind);
        this.#logger.info({ code, times }, `over for a minute: ${message}`);
      }
    }
    if (this.#troubles.size > 0) return;
    this.#counting?.cancel();
    this.#counting = undefined;
  }
}

/** Undefined for what is no failure of the disk: that is rare, and each is worth its own line. */
function storageCodeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = 'code' in error ? String(error.code) : '';
  const isOfStorage =
    isDiskFull(error) || (error instanceof GatewayError && code === 'disk_full') || STORAGE_CODE.test(code);
  return isOfStorage ? code : storageCodeOf(error.cause);
}

/** As SQLite and the operating system name what stays until somebody helps. */
const STORAGE_CODE = /^(SQLITE_(IOERR|READONLY|CORRUPT|NOTADB|CANTOPEN)|EIO$|EROFS$)/;
