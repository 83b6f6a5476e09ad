// Writes to a client no faster than it reads, and drops one that does not read at all.

import type { ServerResponse } from 'node:http';
import type { Clock, Timer } from '../ports.ts';

/** A client that takes nothing for so long has gone, whatever its connection says. */
const STALLED_MS = 120_000;

export class ClientWriter {
  readonly #response: ServerResponse;
  readonly #clock: Clock;
  #onRoom: (() => void) | undefined;
  #stallTimer: Timer | undefined;

  constructor(response: ServerResponse, clock: Clock) {
    this.#response = response;
    this.#clock = clock;
    response.on('drain', () => this.#release());
    response.on('close', () => this.#release());
  }

  /** Resolves when the client has room for more, or has left; undefined when there is room already. */
  write(chunk: string | Uint8Array): Promise<void> | undefined {
    const response = this.#response;
    if (response.write(chunk) || response.destroyed) return undefined;
    this.#stallTimer = this.#clock.after(STALLED_MS, () => response.destroy());
    return new Promise((resolve) => {
      this.#onRoom = resolve;
    });
  }

  #release(): void {
    this.#stallTimer?.cancel();
    this.#onRoom?.();
    this.#onRoom = undefined;
  }
}
