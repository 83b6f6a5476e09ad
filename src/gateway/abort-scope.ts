// A signal that follows another one and can be aborted by itself, with deadlines that restart. `end` lets go of the
// parent. It is no AbortController: three of those, their signals and listeners, cost a request as much as its routing.

import { GatewayError } from '../errors.ts';
import type { Clock, StopSignal, Timer } from '../ports.ts';

export class AbortScope implements StopSignal {
  readonly #parent: StopSignal | undefined;
  readonly #clock: Clock;
  readonly #follow = (): void => this.abort(this.#parent?.reason);
  /** Told once; those who come later look at `aborted`. */
  #listeners: (() => void)[] = [];
  #timer: Timer | undefined;
  #isResting = false;
  #isLate = false;
  #isAborted = false;
  #reason: unknown;

  constructor(clock: Clock, parent?: StopSignal) {
    this.#clock = clock;
    this.#parent = parent;
    if (parent?.aborted) this.#follow();
    else parent?.addEventListener('abort', this.#follow, { once: true });
  }

  /** What those see who may not abort it. */
  get signal(): StopSignal {
    return this;
  }

  get aborted(): boolean {
    return this.#isAborted;
  }

  get reason(): unknown {
    return this.#reason;
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    if (!this.#isAborted) this.#listeners.push(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    const index = this.#listeners.indexOf(listener);
    if (index >= 0) this.#listeners.splice(index, 1);
  }

  /** Was it one of its own deadlines that aborted it? */
  get isLate(): boolean {
    return this.#isLate;
  }

  /** Does nothing when it has been aborted before. */
  abort(reason: unknown): void {
    if (this.#isAborted) return;
    this.#isAborted = true;
    this.#reason = reason;
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) listener();
  }

  /** Replaces the running deadline; when it passes, the signal aborts with `upstream_timeout`. */
  deadline(delayMs: number, what: string): void {
    this.#timer?.cancel();
    this.#isResting = false;
    this.#timer = this.#clock.after(delayMs, () => {
      if (this.#isResting || this.#isAborted) return;
      this.#isLate = true;
      this.abort(new GatewayError('upstream_timeout', `${what} within ${delayMs} ms.`));
    });
  }

  /** What the deadline is for is being waited for: it begins anew. */
  restart(): void {
    this.#isResting = false;
    this.#timer?.refresh();
  }

  /** Nothing is waited for now: the deadline may pass without consequence, until it is restarted. */
  rest(): void {
    this.#isResting = true;
  }

  end(): void {
    this.#timer?.cancel();
    this.#parent?.removeEventListener('abort', this.#follow);
  }
}
