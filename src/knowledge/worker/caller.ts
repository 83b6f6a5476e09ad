// This side of the knowledge thread: pairs replies with calls, bounds how many wait, drops those that are aborted.

import { GatewayError } from '../../errors.ts';
import type { StopSignal } from '../../ports.ts';
import {
  CALLS_MAX,
  type CallArguments,
  type CallMessage,
  type CallName,
  type CallResult,
  flagOf,
  isWrite,
  type KnowledgeCall,
  type Reply,
} from './calls.ts';

/** Calls that may wait at once; more are refused, so that a flood of searches cannot pile up. */
const READS_MAX = 64;
const WRITES_MAX = 64;

interface Waiting {
  readonly isWrite: boolean;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

export class Caller {
  readonly #post: (message: CallMessage) => void;
  readonly #waiting = new Map<number, Waiting>();
  readonly #cancelled: Int32Array;
  #next = 0;
  #reads = 0;
  #writes = 0;

  /** @param cancelled `CALLS_MAX` flags, shared with the other side */
  constructor(cancelled: Int32Array, post: (message: CallMessage) => void) {
    this.#cancelled = cancelled;
    this.#post = post;
  }

  /** Calls whose replies have not come. */
  get size(): number {
    return this.#waiting.size;
  }

  ask<Name extends CallName>(name: Name, args: CallArguments<Name>, signal?: StopSignal): Promise<CallResult<Name>> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const writes = isWrite(name);
      if (writes ? this.#writes >= WRITES_MAX : this.#reads >= READS_MAX) {
        reject(new GatewayError('overloaded', 'The knowledge brain has too much to do.'));
        return;
      }
      const id = this.#freeId();
      Atomics.store(this.#cancelled, flagOf(id), 0);
      const onAbort = (): void => {
        Atomics.store(this.#cancelled, flagOf(id), 1);
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#enter(id, {
        isWrite: writes,
        resolve: (value) => {
          signal?.removeEventListener('abort', onAbort);
          resolve(value as CallResult<Name>);
        },
        reject: (error) => {
          signal?.removeEventListener('abort', onAbort);
          reject(error);
        },
      });
      this.#post({ id, call: { name, arguments: args } as KnowledgeCall });
    });
  }

  receive(reply: Reply): void {
    const waiting = this.#leave(reply.id);
    if (!waiting) return;
    if ('error' in reply) waiting.reject(new GatewayError(reply.error.code, reply.error.message));
    else waiting.resolve(reply.value);
  }

  /** No reply will come any more. */
  failAll(error: GatewayError): void {
    for (const id of [...this.#waiting.keys()]) this.#leave(id)?.reject(error);
  }

  #enter(id: number, waiting: Waiting): void {
    this.#waiting.set(id, waiting);
    if (waiting.isWrite) this.#writes += 1;
    else this.#reads += 1;
  }

  #leave(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (waiting?.isWrite) this.#writes -= 1;
    else if (waiting) this.#reads -= 1;
    return waiting;
  }

  /** Two calls that wait never share a flag: there are more flags than calls may wait. */
  #freeId(): number {
    const busy = new Set([...this.#waiting.keys()].map(flagOf));
    do this.#next = (this.#next + 1) % (CALLS_MAX * 1_000_000);
    while (busy.has(flagOf(this.#next)));
    return this.#next;
  }
}
