// Writes kept answers into the change log of the cache. Nothing that goes wrong here fails a request: an answer that does
// not travel is still kept here.

import { GatewayError } from '../errors.ts';
import type { JsonObject } from '../model/json.ts';
import type { ChangeLog } from '../replication/change-log.ts';
import type { ChangeRecorder } from '../storage/changes.ts';
import { CACHE_CAPABILITY } from './cache-kinds.ts';

export class CacheRecorder implements ChangeRecorder {
  readonly #log: ChangeLog;
  readonly #onAnswer: () => void;
  readonly #onFailure: (error: unknown) => void;

  constructor(log: ChangeLog, onAnswer: () => void, onFailure: (error: unknown) => void) {
    this.#log = log;
    this.#onAnswer = onAnswer;
    this.#onFailure = onFailure;
  }

  put(kind: string, key: string, body: JsonObject): void {
    const log = this.#log;
    // A member that may not share its answers keeps them for itself.
    if (!log.mayWrite(log.origin, kind, CACHE_CAPABILITY)) return;
    try {
      log.database.transaction(() => log.put(kind, key, body))();
      this.#onAnswer();
    } catch (error) {
      if (!(error instanceof GatewayError && error.code === 'body_too_large')) this.#onFailure(error);
    }
  }

  /** Answers that are dropped here may stay elsewhere. */
  remove(): void {}
}
