// The connections to one origin, and how many of them wait for a request.

import { type Dispatcher, Pool } from 'undici';
import { ResponseReceiver } from './response-receiver.ts';

/** Sockets to one origin. Slow streams each hold one, so this bounds concurrent answers of one upstream. */
const CONNECTIONS_MAX = 4_096;
/** A little less than the usual 5 s of servers would still race; undici also obeys their keep-alive hints. */
const KEEP_ALIVE_MS = 4_000;

export class UpstreamPool {
  readonly #pool: Pool;
  #connected = 0;
  #busy = 0;

  constructor(origin: string, connectTimeoutMs: number) {
    this.#pool = new Pool(origin, {
      connect: { timeout: connectTimeoutMs },
      connections: CONNECTIONS_MAX,
      keepAliveTimeout: KEEP_ALIVE_MS,
      pipelining: 1,
      allowH2: false,
    });
    this.#pool.on('connect', () => {
      this.#connected += 1;
    });
    this.#pool.on('disconnect', () => {
      this.#connected -= 1;
    });
  }

  /** So many requests would be written at once. */
  get idleConnections(): number {
    return this.#connected - this.#busy;
  }

  dispatch(options: Dispatcher.DispatchOptions, receiver: PooledReceiver): void {
    receiver.onBusy = (by) => {
      this.#busy += by;
    };
    this.#pool.dispatch(options, receiver);
  }

  destroy(): Promise<void> {
    return this.#pool.destroy();
  }
}

/** Tells its pool while it holds a connection. */
export class PooledReceiver extends ResponseReceiver {
  onBusy: ((by: 1 | -1) => void) | undefined;
  #isBusy = false;

  override onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#setBusy(true);
    super.onRequestStart(controller);
  }

  override onResponseEnd(): void {
    this.#setBusy(false);
    super.onResponseEnd();
  }

  override onResponseError(controller: Dispatcher.DispatchController, error: Error): void {
    this.#setBusy(false);
    super.onResponseError(controller, error);
  }

  #setBusy(isBusy: boolean): void {
    if (isBusy !== this.#isBusy) this.onBusy?.(isBusy ? 1 : -1);
    this.#isBusy = isBusy;
  }
}
