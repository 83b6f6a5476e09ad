// Reaches a store in this thread. Its work is ordered and sliced as in the thread of its own.

import { existsSync } from 'node:fs';
import { GatewayError } from '../../errors.ts';
import type { Clock, StopSignal } from '../../ports.ts';
import type { ChangeRecorder } from '../../storage/changes.ts';
import type { FileOpener } from '../../storage/database.ts';
import { KnowledgeStore, openKnowledgeDatabase } from '../store/knowledge-store.ts';
import { Caller } from './caller.ts';
import { CALLS_MAX, type CallArguments, type CallName, type CallResult, type Reply } from './calls.ts';
import type { Channel } from './client.ts';
import { KnowledgeHost } from './host.ts';

export interface LocalOptions {
  readonly file: string;
  readonly clock: Clock;
  readonly changes?: ChangeRecorder;
  readonly open?: FileOpener;
}

export class LocalChannel implements Channel {
  readonly #options: LocalOptions;
  readonly #cancelled = new Int32Array(CALLS_MAX);
  readonly #caller = new Caller(this.#cancelled, (message) => this.#opened().receive(message));
  #host: KnowledgeHost | undefined;
  #isClosed = false;

  constructor(options: LocalOptions) {
    this.#options = options;
  }

  get isEmpty(): boolean {
    const { file, open } = this.#options;
    // Of a file that somebody else opens, nobody knows before.
    return !this.#host && !open && !existsSync(file);
  }

  async ask<Name extends CallName>(
    name: Name,
    args: CallArguments<Name>,
    signal?: StopSignal,
  ): Promise<CallResult<Name>> {
    if (this.#isClosed) throw closed();
    return await this.#caller.ask(name, args, signal);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#caller.failAll(closed());
    this.#host?.close();
    this.#host = undefined;
  }

  #opened(): KnowledgeHost {
    if (this.#host) return this.#host;
    const { file, clock, changes, open } = this.#options;
    const store = new KnowledgeStore({
      database: openKnowledgeDatabase(file, open),
      clock,
      ...(changes && { changes }),
    });
    const send = (reply: Reply): void => this.#caller.receive(reply);
    this.#host = new KnowledgeHost({ store, clock, cancelled: this.#cancelled, send });
    return this.#host;
  }
}

function closed(): GatewayError {
  return new GatewayError('unavailable', 'The knowledge brain has been closed.');
}
