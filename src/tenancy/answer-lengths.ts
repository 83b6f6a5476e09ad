// How long answers usually are, chain by chain: what the next one may be expected to cost.

import { LRUCache } from 'lru-cache';
import { atMost } from '../model/at-most.ts';

const CHAINS_MAX = 10_000;
/** About so many of the last answers count. */
const WINDOW = 20;

interface Length {
  tokens: number;
  /** Of answers in it, up to the window. */
  count: number;
}

export class AnswerLengths {
  readonly #lengths = new LRUCache<string, Length>(atMost(CHAINS_MAX));

  note(chain: string, outputTokens: number): void {
    const known = this.#lengths.get(chain);
    if (!known) {
      this.#lengths.set(chain, { tokens: outputTokens, count: 1 });
      return;
    }
    known.count = Math.min(WINDOW, known.count + 1);
    known.tokens += (outputTokens - known.tokens) / known.count;
  }

  /** Undefined: none was seen. */
  usual(chain: string): number | undefined {
    return this.#lengths.peek(chain)?.tokens;
  }
}
