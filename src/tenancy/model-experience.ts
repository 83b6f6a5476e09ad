// What requests for a model have needed so far, by the clients' names for models: what the next one holds of its limits, and
// what it is entered with while it runs.

import { LRUCache } from 'lru-cache';
import { atMost } from '../model/at-most.ts';
import { UsualLength } from './answer-lengths.ts';

/** Models that are remembered. */
const MODELS_MAX = 10_000;
/** What an answer may need while nothing is known of the model's answers. */
export const FIRST_OUTPUT_TOKENS = 1_000;
/** How fast a long answer is forgotten, with each shorter one. */
const FORGETTING = 0.95;

/** Slowly falling maxima are estimates that are rarely too small, so that limits hold. */
export class ModelExperience {
  /** Of answers. */
  longestTokens = FIRST_OUTPUT_TOKENS;
  /** Of what prompts had beyond what was held: some upstreams add a prompt of their own. */
  excessTokens = 0;
  readonly usual = new UsualLength();

  /** @param isWhole one that its client has cut, by a bound or by leaving, does not tell that answers are short */
  noteAnswer(outputTokens: number, isWhole: boolean): void {
    this.longestTokens = Math.max(outputTokens, this.longestTokens * (isWhole ? FORGETTING : 1));
  }

  noteExcess(tokens: number): void {
    this.excessTokens = Math.max(tokens, this.excessTokens * FORGETTING);
  }
}

export class ModelExperiences {
  readonly #models = new LRUCache<string, ModelExperience>(atMost(MODELS_MAX));

  of(model: string): ModelExperience {
    let experience = this.#models.get(model);
    if (!experience) {
      experience = new ModelExperience();
      this.#models.set(model, experience);
    }
    return experience;
  }
}
