// How many requests run at once, and whether new ones are taken at all.

import { GatewayError } from '../errors.ts';

const RETRY_AFTER_MS = 1_000;

export class Admission {
  readonly #max: () => number;
  #begun = 0;
  #running = 0;
  /** Of those, the ones that another node shall answer. */
  #spilledOver = 0;
  #isDraining = false;
  #onIdle: (() => void) | undefined;

  constructor(max: () => number) {
    this.#max = max;
  }

  /** All that were ever let in. */
  get begun(): number {
    return this.#begun;
  }

  get running(): number {
    return this.#running;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** As other nodes are told: whether it would take another request. */
  get state(): 'up' | 'draining' | 'overloaded' {
    if (this.#isDraining) return 'draining';
    return this.#running >= this.#max() ? 'overloaded' : 'up';
  }

  /**
   * Pair with `leave`.
   * @param mayGoElsewhere another node may answer when this one is full; as many as run here may be on their way
   * @throws GatewayError `draining` or `unavailable`
   */
  enter(mayGoElsewhere = false): 'here' | 'elsewhere' {
    if (this.#isDraining) {
      throw new GatewayError(
        'draining',
        'This node is shutting down. Send the request again; another node or the restarted one will take it.',
        {
          retryAfterMs: RETRY_AFTER_MS,
        },
      );
    }
    const max = this.#max();
    if (this.#running - this.#spilledOver < max) {
      this.#begun += 1;
      this.#running += 1;
      return 'here';
    }
    if (!mayGoElsewhere || this.#spilledOver >= max) {
      throw new GatewayError(
        'unavailable',
        `This node is busy with ${this.#running} requests. Try again in a moment.`,
        {
          retryAfterMs: RETRY_AFTER_MS,
        },
      );
    }
    this.#begun += 1;
    this.#running += 1;
    this.#spilledOver += 1;
    return 'elsewhere';
  }

  leave(place: 'here' | 'elsewhere' = 'here'): void {
    this.#running -= 1;
    if (place === 'elsewhere') this.#spilledOver -= 1;
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
