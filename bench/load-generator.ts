// The benchmark's end of the load generator's process (load.ts).

import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { Contestant } from './contestants.ts';
import { cpuMs } from './process-facts.ts';
import type { Job, LoadReply, LoadResult } from './protocol.ts';

/** A job without its endpoint. */
export type Work = Job extends infer Each ? (Each extends Job ? Omit<Each, 'endpoint'> : never) : never;

export interface Measured extends LoadResult {
  readonly perSecond: number;
  /** Processor time of the contestant for one request, milliseconds. */
  readonly cpuMsPerRequest: number;
  /** Processor time over wall time: near 1, a single-threaded contestant was the bottleneck and not the load. */
  readonly busy: number;
}

export class LoadGenerator {
  readonly #child: ChildProcess = fork(join(import.meta.dirname, 'load.ts'));
  readonly #waiting = new Map<number, { resolve(result: LoadResult): void; reject(error: Error): void }>();
  #lastId = 0;

  constructor() {
    this.#child.on('message', ({ id, result, error }: LoadReply) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (result) waiting?.resolve(result);
      else waiting?.reject(new Error(`The load generator failed: ${error}`));
    });
    this.#child.on('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('The load generator has ended'));
    });
  }

  async measure({ endpoint, pid }: Contestant, work: Work): Promise<Measured> {
    const cpuBefore = cpuMs(pid);
    const result = await this.#run({ ...work, endpoint });
    const usedMs = cpuMs(pid) - cpuBefore;
    return {
      ...result,
      perSecond: (result.requests * 1_000) / result.elapsedMs,
      cpuMsPerRequest: usedMs / result.requests,
      busy: usedMs / result.elapsedMs,
    };
  }

  stop(): void {
    this.#child.disconnect();
  }

  #run(job: Job): Promise<LoadResult> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#child.send({ id, job });
    });
  }
}
