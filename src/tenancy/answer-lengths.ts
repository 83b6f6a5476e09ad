// How long answers usually are, chain by chain: what the next one may be expected to cost.

import { LRUCache } from 'lru-cache';
import { atMost } from '../model/at-most.ts';

const CHAINS_MAX = 10_000;
/** About so many of the last answers count. */
const WINDOW = 20;

/** Of answers to one kind of request. */
export class UsualLength {
  /** Undefined: none was seen. */
  tokens: number | undefined;
  /** Of answers in it, up to the window. */
  #count = 0;

  note(outputTokens: number): void {
    const { tokens = 0 } = this;
    this.#count = Math.min(WINDOW, this.#count + 1);
    this.tokens = tokens + (outputTokens - tokens) / this.#count;
  }
}

export class AnswerLengths {
  readonly #lengths = new LRUCache<string, UsualLength>(atMost(CHAINS_MAX));

  note(chain: string, outputTokens: number): void {
    let length = this.#lengths.get(chain);
    if (!length) {
      length = new UsualLength();
      this.#lengths.set(chain, length);
    }
    length.note(outputTokens);
  }

  /** Undefined: none was seen. */
  usual(chain: string): number | undefined {
    return this.#lengths.peek(chain)?.tokens;
  }
}
