// What this node was asked to execute in the last minutes, so that a request that arrives twice is executed once: while
// it runs its repetition is refused, when it is done its answer is played again.

import { LRUCache } from 'lru-cache';
import { atMost } from '../../model/at-most.ts';
import type { Clock } from '../../ports.ts';

/** How long an execution is remembered, milliseconds. */
const REMEMBERED_MS = 600_000;
const EXECUTIONS_MAX = 10_000;
/** Of all answers that are kept to be played again, characters. */
const KEPT_LENGTH_MAX = 16 * 1_048_576;
/** A longer answer is not kept: its repetition is refused. Characters. */
export const KEPT_ANSWER_LENGTH_MAX = 256 * 1_024;

export interface Repeatable {
  readonly target: string;
  /** The whole answer; absent when it is no longer kept. */
  readonly text: string | undefined;
}

interface Execution {
  readonly startedAt: number;
  /** Of one that is done. */
  target?: string;
}

export class Repetitions {
  readonly #clock: Clock;
  readonly #executions = new LRUCache<string, Execution>(atMost(EXECUTIONS_MAX));
  readonly #kept = new LRUCache<string, string>({
    maxSize: KEPT_LENGTH_MAX,
    sizeCalculation: ({ length }) => length + 1,
  });

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `new`: it is this caller's to execute, and to end with `finish` or `forget`. */
  begin(id: string): 'new' | 'running' | Repeatable {
    const known = this.#executions.get(id);
    if (known && this.#clock.elapsed() - known.startedAt < REMEMBERED_MS) {
      return known.target === undefined ? 'running' : { target: known.target, text: this.#kept.get(id) };
    }
    this.#executions.set(id, { startedAt: this.#clock.elapsed() });
    return 'new';
  }

  /** It was answered to its end. @param text the answer, unless it is too long to be kept */
  finish(id: string, target: string, text: string | undefined): void {
    const execution = this.#executions.get(id);
    if (!execution) return;
    execution.target = target;
    if (text !== undefined) this.#kept.set(id, text);
  }

  /** It failed: it may be asked again. */
  forget(id: string): void {
    this.#executions.delete(id);
  }
}
