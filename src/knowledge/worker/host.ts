// The knowledge thread's order of work: searches and other reads first, then writes, several in one transaction but never
// longer than a moment, then housekeeping while there is nothing else to do.

import { GatewayError, isDiskFull, toGatewayError } from '../../errors.ts';
import type { Clock } from '../../ports.ts';
import type { KnowledgeStore } from '../store/knowledge-store.ts';
import { answerCall, type Stagings } from './answer.ts';
import { type CallMessage, flagOf, isWrite, type Reply } from './calls.ts';

/** Writes share a transaction for so long; a search that comes meanwhile waits for it. */
const WRITE_SLICE_MS = 15;
/** So many reads go before a write; then one slice of writes has its turn, or searches without a pause would stop them. */
const READS_IN_A_ROW = 8;
const GARBAGE_AT_ONCE = 64;
const PAGES_MERGED_AT_ONCE = 32;

export interface HostDeps {
  readonly store: KnowledgeStore;
  readonly clock: Pick<Clock, 'elapsed' | 'soon'>;
  /** Told of housekeeping that failed. */
  readonly warn?: (problem: string) => void;
  /** Which calls nobody waits for any more, by `flagOf`. */
  readonly cancelled: Int32Array;
  readonly send: (reply: Reply) => void;
}

export class KnowledgeHost {
  readonly #deps: HostDeps;
  readonly #reads: CallMessage[] = [];
  readonly #writes: CallMessage[] = [];
  readonly #stagings: Stagings = { open: new Map(), next: 1 };
  #readsInRow = 0;
  #isScheduled = false;
  #isClosed = false;
  /** What an earlier process left behind is cleared away first. */
  #housekeeping: 'garbage' | 'merge' | 'none' = 'garbage';

  constructor(deps: HostDeps) {
    this.#deps = deps;
    this.#schedule();
  }

  /** Nothing waits, and the house is in order. */
  get isIdle(): boolean {
    return !this.#isScheduled;
  }

  receive(message: CallMessage): void {
    (isWrite(message.call.name) ? this.#writes : this.#reads).push(message);
    this.#schedule();
  }

  close(): void {
    this.#isClosed = true;
    this.#deps.store.close();
  }

  #schedule(): void {
    if (this.#isScheduled || this.#isClosed) return;
    this.#isScheduled = true;
    // Messages that have arrived meanwhile are taken in before the next step.
    this.#deps.clock.soon(() => {
      this.#isScheduled = false;
      if (!this.#isClosed) this.#step();
    });
  }

  #step(): void {
    const isWritesTurn = this.#writes.length > 0 && this.#readsInRow >= READS_IN_A_ROW;
    const read = isWritesTurn ? undefined : this.#reads.shift();
    this.#readsInRow = read ? this.#readsInRow + 1 : 0;
    if (read) this.#deps.send(this.#answer(read));
    else if (this.#writes.length > 0) this.#write();
    else this.#keepHouse();
    if (this.#reads.length > 0 || this.#writes.length > 0 || this.#housekeeping !== 'none') this.#schedule();
  }

  /** Replies go out when the transaction is on disk. */
  #write(): void {
    const { store, clock, send } = this.#deps;
    const taken: CallMessage[] = [];
    const endsAt = clock.elapsed() + WRITE_SLICE_MS;
    let replies: Reply[];
    try {
      replies = store.transaction(() => {
        const answers: Reply[] = [];
        for (
          let next = this.#writes.shift();
          next;
          next = clock.elapsed() < endsAt ? this.#writes.shift() : undefined
        ) {
          taken.push(next);
          answers.push(this.#answer(next));
        }
        return answers;
      });
    } catch (error) {
      replies = taken.map(({ id }) => failure(id, error));
    }
    this.#housekeeping = 'garbage';
    for (const reply of replies) send(reply);
  }

  #answer({ id, call }: CallMessage): Reply {
    const { store, cancelled } = this.#deps;
    const checkpoint = (): void => {
      if (Atomics.load(cancelled, flagOf(id)) !== 0) throw new GatewayError('client_closed', 'The search was dropped.');
    };
    try {
      checkpoint();
      return { id, value: answerCall(store, this.#stagings, call, checkpoint) };
    } catch (error) {
      return failure(id, error);
    }
  }

  #keepHouse(): void {
    const { store, warn } = this.#deps;
    try {
      if (this.#housekeeping === 'garbage') {
        if (store.collectGarbage(GARBAGE_AT_ONCE) < GARBAGE_AT_ONCE) this.#housekeeping = 'merge';
      } else if (this.#housekeeping === 'merge' && !store.mergeIndex(PAGES_MERGED_AT_ONCE)) {
        this.#housekeeping = 'none';
      }
    } catch (error) {
      // Another process may be writing for long; the next write tries again.
      this.#housekeeping = 'none';
      warn?.(error instanceof Error ? error.message : String(error));
    }
  }
}

function failure(id: number, error: unknown): Reply {
  if (error instanceof GatewayError || isDiskFull(error)) {
    const { code, message } = toGatewayError(error);
    return { id, error: { code, message } };
  }
  return { id, error: { code: 'internal', message: error instanceof Error ? error.message : String(error) } };
}
