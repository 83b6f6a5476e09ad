// How many requests run at once, and whether new ones are taken at all.

import { GatewayError } from '../errors.ts';

const RETRY_AFTER_MS = 1_000;

export class Admission {
  readonly #max: () => number;
  #running = 0;
  #isDraining = false;
  #onIdle: (() => void) | undefined;

  constructor(max: () => number) {
    this.#max = max;
  }

  get running(): number {
    return this.#running;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** @throws GatewayError `draining` or `unavailable`; else pair with `leave` */
  enter(): void {
    if (this.#isDraining) {
      throw new GatewayError(
        'draining',
        'This node is shutting down. Send the request again; another node or the restarted one will take it.',
        {
          retryAfterMs: RETRY_AFTER_MS,
        },
      );
    }
    if (this.#running >= this.#max()) {
      throw new GatewayError(
        'unavailable',
        `This node is busy with ${this.#running} requests. Try again in a moment.`,
        {
          retryAfterMs: RETRY_AFTER_MS,
        },
      );
    }
    this.#running += 1;
  }

  leave(): void {
    this.#running -= 1;
    if (this.#running === 0) this.#onIdle?.();
  }

  /** Takes no new requests; resolves when the running ones have ended. */
  drain(): Promise<void> {
    this.#isDraining = true;
    if (this.#running === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onIdle = resolve;
    });
  }
}
