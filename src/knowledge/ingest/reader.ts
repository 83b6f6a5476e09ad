// Reads files in a thread of its own, one after the other. The thread is there only while there is something to read: it
// starts with the first file, ends when idle, and is replaced when a file needs too much time or memory.

import { Worker } from 'node:worker_threads';
import { GatewayError } from '../../errors.ts';
import type { Clock, Timer } from '../../ports.ts';
import { UnreadableFile } from '../formats/extracted.ts';
import { threadUrl } from '../thread-url.ts';
import type { PreparedDocument } from './prepare.ts';
import type { ReaderAnswer, ReaderJob } from './reader-protocol.ts';

export interface ReaderLimits {
  /** A file that takes longer is given up. Milliseconds. */
  readonly fileMs: number;
  /** The thread ends after so long without work. Milliseconds. */
  readonly idleMs: number;
  readonly memoryMb: number;
  /** Files that wait; more are refused. */
  readonly queueMax: number;
}

const READER_LIMITS: ReaderLimits = { fileMs: 120_000, idleMs: 5_000, memoryMb: 1_024, queueMax: 64 };

interface Waiting {
  readonly job: ReaderJob;
  readonly resolve: (answer: ReaderAnswer) => void;
  readonly reject: (error: Error) => void;
}

export class DocumentReader {
  readonly #clock: Clock;
  readonly #limits: ReaderLimits;
  readonly #queue: Waiting[] = [];
  #running: Waiting | undefined;
  #worker: Worker | undefined;
  /** Of the running file, or of idleness. */
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(clock: Clock, limits: ReaderLimits = READER_LIMITS) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** SHA-256 of a file. @throws UnreadableFile */
  async hash(path: string, bytesMax: number): Promise<string> {
    const answer = await this.#ask({ type: 'hash', path, bytesMax });
    return answer.type === 'hash' ? answer.hash : unexpected(answer);
  }

  /** @throws UnreadableFile */
  async preparePath(path: string, bytesMax: number): Promise<PreparedDocument> {
    const answer = await this.#ask({ type: 'prepare-path', path, bytesMax });
    return answer.type === 'prepared' ? answer.document : unexpected(answer);
  }

  /** @throws UnreadableFile, GatewayError `overloaded` while too many wait */
  async prepareBytes(bytes: Uint8Array, name: string, mimeType?: string): Promise<PreparedDocument> {
    const answer = await this.#ask({ type: 'prepare-bytes', bytes, name, mimeType });
    return answer.type === 'prepared' ? answer.document : unexpected(answer);
  }

  /** What waits is refused. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const left = [...(this.#running ? [this.#running] : []), ...this.#queue.splice(0)];
    this.#running = undefined;
    for (const { reject } of left) reject(closed());
    await this.#end();
  }

  async #ask(job: ReaderJob): Promise<ReaderAnswer> {
    if (this.#isClosed) throw closed();
    if (this.#queue.length >= this.#limits.queueMax) {
      throw new GatewayError('overloaded', 'Too many files wait to be read. Try again later.', {
        retryAfterMs: 5_000,
      });
    }
    const answer = await new Promise<ReaderAnswer>((resolve, reject) => {
      this.#queue.push({ job, resolve, reject });
      this.#next();
    });
    if (answer.type === 'unreadable') throw new UnreadableFile(answer.reason);
    return answer;
  }

  #next(): void {
    if (this.#running) return;
    this.#timer?.cancel();
    this.#running = this.#queue.shift();
    if (!this.#running) {
      // A program that has nothing else to do may end.
      this.#worker?.unref();
      this.#timer = this.#clock.after(this.#limits.idleMs, () => void this.#end());
      return;
    }
    this.#timer = this.#clock.after(this.#limits.fileMs, () => this.#giveUp('takes too long to read'));
    this.#worker ??= this.#startThread();
    this.#worker.ref();
    this.#worker.postMessage(this.#running.job);
  }

  #startThread(): Worker {
    const worker = new Worker(threadUrl('ingest/reader-thread'), {
      resourceLimits: { maxOldGenerationSizeMb: this.#limits.memoryMb },
      // Parsers warn of what they find odd; nobody could do anything about it.
      stdout: true,
      stderr: true,
    });
    worker.stdout.resume();
    worker.stderr.resume();
    worker.on('message', (answer: ReaderAnswer) => this.#done(worker, answer));
    worker.on('error', (error: NodeJS.ErrnoException) => {
      if (this.#worker !== worker) return;
      const isMemory = error.code === 'ERR_WORKER_OUT_OF_MEMORY';
      this.#giveUp(isMemory ? 'needs too much memory to be read' : `cannot be read: ${error.message.slice(0, 200)}`);
    });
    return worker;
  }

  #done(worker: Worker, answer: ReaderAnswer): void {
    // The last word of a thread that was given up.
    if (this.#worker !== worker) return;
    const running = this.#running;
    this.#running = undefined;
    running?.resolve(answer);
    this.#next();
  }

  #giveUp(reason: string): void {
    const running = this.#running;
    this.#running = undefined;
    running?.resolve({ type: 'unreadable', reason });
    void this.#end().then(() => {
      if (!this.#isClosed) this.#next();
    });
  }

  async #end(): Promise<void> {
    this.#timer?.cancel();
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }
}

function closed(): GatewayError {
  return new GatewayError('unavailable', 'The knowledge of this node is closed.');
}

function unexpected({ type }: ReaderAnswer): never {
  throw new Error(`The reader's thread answered '${type}' to another question.`);
}
