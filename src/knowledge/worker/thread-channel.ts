// Reaches the store in its worker thread. The thread is started by the first call that needs it: a node that knows
// nothing pays nothing for it.

import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { GatewayError } from '../../errors.ts';
import type { Logger, StopSignal } from '../../ports.ts';
import { threadUrl } from '../thread-url.ts';
import { Caller } from './caller.ts';
import { CALLS_MAX, type CallArguments, type CallName, type CallResult, isWrite, type Reply } from './calls.ts';
import type { Channel } from './client.ts';

/** What the thread is given. */
export interface ThreadData {
  readonly file: string;
  readonly cancelled: Int32Array;
}

/** From the thread: a reply, or what it would have logged. */
export type ThreadMessage = { readonly reply: Reply } | { readonly warning: string };

/** What a file that does not exist answers; to calls that are not named here: undefined. */
const NOTHING: { readonly [Name in CallName]?: (...args: CallArguments<Name>) => CallResult<Name> } = {
  search: () => [],
  isCurrent: () => false,
  documents: () => [],
  passages: () => [],
  stats: () => [],
  namedPassages: (hashes) => ({ passages: [], missing: hashes }),
  missingPassages: (hashes) => hashes,
  outbox: () => [],
  missingEmbeddings: () => [],
};

export interface ThreadOptions {
  readonly file: string;
  readonly logger?: Logger | undefined;
}

export class ThreadChannel implements Channel {
  readonly #options: ThreadOptions;
  readonly #cancelled = new Int32Array(new SharedArrayBuffer(CALLS_MAX * Int32Array.BYTES_PER_ELEMENT));
  readonly #caller: Caller;
  #worker: Worker | undefined;
  #isClosed = false;

  constructor(options: ThreadOptions) {
    this.#options = options;
    this.#caller = new Caller(this.#cancelled, (message) => this.#running().postMessage(message));
  }

  get isEmpty(): boolean {
    return !this.#worker && !existsSync(this.#options.file);
  }

  async ask<Name extends CallName>(
    name: Name,
    args: CallArguments<Name>,
    signal?: StopSignal,
  ): Promise<CallResult<Name>> {
    if (this.#isClosed) throw closed();
    if (this.isEmpty && !isWrite(name)) return NOTHING[name]?.(...args) as CallResult<Name>;
    try {
      return await this.#caller.ask(name, args, signal);
    } finally {
      // An idle thread does not keep the process alive.
      if (this.#caller.size === 0) this.#worker?.unref();
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#caller.failAll(closed());
    const worker = this.#worker;
    if (!worker) return;
    worker.ref();
    const exit = new Promise((resolve) => worker.once('exit', resolve));
    worker.postMessage('close');
    await exit;
  }

  #running(): Worker {
    this.#worker ??= this.#start();
    this.#worker.ref();
    return this.#worker;
  }

  #start(): Worker {
    const workerData: ThreadData = { file: this.#options.file, cancelled: this.#cancelled };
    const worker = new Worker(threadUrl('../knowledge-thread'), { workerData, name: 'knowledge' });
    worker.on('message', (message: ThreadMessage) => {
      if ('reply' in message) this.#caller.receive(message.reply);
      else this.#options.logger?.warn({ problem: message.warning }, 'the knowledge index could not be tidied up');
    });
    worker.on('error', (error: Error) => this.#end(worker, error));
    worker.on('exit', () => this.#end(worker, undefined));
    return worker;
  }

  /** The next call starts a new one: what was written is on disk. */
  #end(worker: Worker, error: Error | undefined): void {
    // After its error comes its exit, when another one may be running already.
    if (this.#worker !== worker || this.#isClosed) return;
    this.#worker = undefined;
    if (error) this.#options.logger?.error({ err: error }, 'the knowledge thread has failed');
    this.#caller.failAll(
      new GatewayError('unavailable', error?.message ?? 'The knowledge thread has ended.', { cause: error }),
    );
  }
}

function closed(): GatewayError {
  return new GatewayError('unavailable', 'The knowledge brain has been closed.');
}
