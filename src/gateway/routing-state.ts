// What routing remembers from one request to the next: where round-robin stands, and what was measured of each target.

import { LRUCache } from 'lru-cache';
import { atMost } from '../model/at-most.ts';
import type { Clock } from '../ports.ts';
import type { AttemptResult } from './chain.ts';
import { policyOf } from './failure-policy.ts';
import { HedgeBudget } from './hedge-budget.ts';
import { OUTPACED } from './hedge-race.ts';
import type { Candidate } from './routing/candidate.ts';
import { TargetMeasure } from './routing/target-measure.ts';
import type { Wheel } from './routing/wheel.ts';
import type { Target } from './target.ts';

/** Client-chosen model names make targets, so what we remember of them is bounded. */
const REMEMBERED_MAX = 10_000;

export type Measured = Pick<Candidate, 'ttft' | 'waitingMs' | 'errorRate'>;

export class RoutingState {
  /** By chain name; only chains of the configuration have one. */
  wheels: ReadonlyMap<string, Wheel> = new Map();
  /** A whole answer's first content comes with its last, so it is never compared with a streamed one's. */
  readonly #streamed = new LRUCache<string, TargetMeasure>(atMost(REMEMBERED_MAX));
  readonly #hedgeBudgets = new Map<string, HedgeBudget>();
  readonly #whole = new LRUCache<string, TargetMeasure>(atMost(REMEMBERED_MAX));

  /** Weights may have changed: what was owed by the old ones would be made up for with all the next requests. */
  beginRounds(): void {
    this.wheels = new Map();
  }

  /** Runs one attempt up to its first content and measures it. */
  async watch<Answer>(
    { id }: Target,
    isStream: boolean,
    clock: Clock,
    attempt: () => Promise<AttemptResult<Answer>>,
  ): Promise<AttemptResult<Answer>> {
    const measure = this.#measure(id, isStream);
    const wait = measure.begin(clock.elapsed());
    try {
      const result = await attempt();
      if (result.ok) measure.answer(wait, clock.elapsed());
      else if (policyOf(result.failure.code).cools === 'target') measure.fail(wait, clock.elapsed());
      return result;
    } catch (error) {
      if (error === OUTPACED) measure.outpace(wait, clock.elapsed());
      throw error;
    } finally {
      // Nothing is left of it after an answer or a failure; what else ends it says nothing of the target.
      measure.forget(wait);
    }
  }

  read(targetId: string, isStream: boolean, at: number): Measured {
    return this.#measures(isStream).peek(targetId)?.read(at) ?? UNMEASURED;
  }

  /** The slowest twentieth of its answers began after this; undefined while too few were measured. */
  slowTtftMs(targetId: string, isStream: boolean, samplesMin: number): number | undefined {
    return this.#measures(isStream).peek(targetId)?.slowTtftMs(samplesMin);
  }

  /** Only chains of the configuration have one. */
  hedgeBudget(chain: string): HedgeBudget {
    const known = this.#hedgeBudgets.get(chain);
    if (known) return known;
    const budget = new HedgeBudget();
    this.#hedgeBudgets.set(chain, budget);
    return budget;
  }

  #measure(targetId: string, isStream: boolean): TargetMeasure {
    const measures = this.#measures(isStream);
    const known = measures.get(targetId);
    if (known) return known;
    const measure = new TargetMeasure();
    measures.set(targetId, measure);
    return measure;
  }

  #measures(isStream: boolean): LRUCache<string, TargetMeasure> {
    return isStream ? this.#streamed : this.#whole;
  }
}

const UNMEASURED: Measured = { errorRate: 0 };
