// A helper process in a machine: it is given orders and tells news, both as messages.

import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { join } from 'node:path';

/** Where a program can run: a machine of a lab, or simply here. */
export interface Place {
  spawn(command: string, parameters: readonly string[], options?: SpawnOptions): ChildProcess;
}

const READY_MS = 20_000;

export class Worker<Order extends object, News extends { readonly kind: string }> {
  readonly child: ChildProcess;
  readonly #listeners = new Set<(news: News) => void>();

  /** @param script a file beside this one */
  constructor(place: Place, script: string, argument: object = {}) {
    this.child = place.spawn(process.execPath, [join(import.meta.dirname, script), JSON.stringify(argument)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.child.on('message', (news) => {
      for (const listener of this.#listeners) listener(news as News);
    });
  }

  onNews(listener: (news: News) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  order(order: Order): void {
    if (this.child.connected) this.child.send(order);
  }

  /** @throws Error when it does not come in time */
  told(kind: News['kind'], withinMs = READY_MS): Promise<News> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => end(() => reject(new Error(`A helper never told '${kind}'.`))), withinMs);
      const stopListening = this.onNews((news) => {
        if (news.kind === kind) end(() => resolve(news));
      });
      const end = (settle: () => void): void => {
        clearTimeout(late);
        stopListening();
        settle();
      };
    });
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.child.kill(signal);
  }
}
