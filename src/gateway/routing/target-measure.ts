// What is measured of one target for routing: who waits for its first content, how long that takes, how often it fails.
// Reads no clock; the caller keeps one of these for each target, in a bounded map.

import type { Candidate } from './candidate.ts';
import { observeAttempt } from './error-rate.ts';
import { observeFailure, observeTtft, type PeakEwma, readTtft } from './latency.ts';
import { TtftSamples } from './ttft-samples.ts';

/** One attempt that waits for its first content. */
export interface Wait {
  /** Monotonic milliseconds. */
  readonly startedAt: number;
}

export class TargetMeasure {
  #ewma: PeakEwma | undefined;
  #errorRate = 0;
  readonly #samples = new TtftSamples();
  /** In order of their beginning, for time does not go back. */
  readonly #waits = new Set<Wait>();

  begin(at: number): Wait {
    const wait = { startedAt: at };
    this.#waits.add(wait);
    return wait;
  }

  /** The first content is here. */
  answer(wait: Wait, at: number): void {
    this.#waits.delete(wait);
    this.#ewma = observeTtft(this.#ewma, at - wait.startedAt, at);
    this.#samples.add(at - wait.startedAt);
    this.#errorRate = observeAttempt(this.#errorRate, false);
  }

  /** By the target's fault, before any content. */
  fail(wait: Wait, at: number): void {
    this.#waits.delete(wait);
    this.#ewma = observeFailure(this.#ewma, at - wait.startedAt, at);
    this.#errorRate = observeAttempt(this.#errorRate, true);
  }

  /** Cancelled because another target answered first: it would have taken longer than this. */
  outpace(wait: Wait, at: number): void {
    this.#waits.delete(wait);
    const waitedMs = at - wait.startedAt;
    this.#ewma = observeFailure(this.#ewma, waitedMs, at);
    this.#samples.addAtLeast(waitedMs);
  }

  /** Undefined while there are fewer measurements than that. */
  slowTtftMs(samplesMin: number): number | undefined {
    return this.#samples.slow(samplesMin);
  }

  /** Ended without saying anything about the target: the client left, or the request itself was at fault. */
  forget(wait: Wait): void {
    this.#waits.delete(wait);
  }

  read(at: number): Pick<Candidate, 'ttft' | 'waitingMs' | 'errorRate'> {
    const [longest] = this.#waits;
    return {
      errorRate: this.#errorRate,
      ...(this.#ewma && { ttft: readTtft(this.#ewma, at) }),
      ...(longest && { waitingMs: at - longest.startedAt }),
    };
  }
}
