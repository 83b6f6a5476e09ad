// The text of an answer, picked up while its frames pass.

import type { Frame } from '../model/stream.ts';

/** Longer answers are not kept, so that one of them cannot fill the memory. */
const TEXT_LENGTH_MAX = 1_000_000;

export class AnswerText {
  #pieces: string[] = [];
  #length = 0;

  get isTooLong(): boolean {
    return this.#length > TEXT_LENGTH_MAX;
  }

  get text(): string {
    return this.#pieces.join('');
  }

  add(batch: readonly Frame[]): void {
    for (const { events } of batch) {
      for (const event of events) {
        if (event.type !== 'text-delta' && event.type !== 'refusal-delta') continue;
        this.#length += event.text.length;
        if (this.isTooLong) this.#pieces = [];
        else this.#pieces.push(event.text);
      }
    }
  }
}
