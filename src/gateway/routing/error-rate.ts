// A target's recent share of failed attempts: an exponentially weighted average over attempts, not over time, so that a
// target that is seldom asked is not forgiven by waiting (its cooldown does that).

/** About the last twenty attempts count. */
const NEWEST_WEIGHT = 0.1;

export function observeAttempt(errorRate: number, hasFailed: boolean): number {
  return errorRate + ((hasFailed ? 1 : 0) - errorRate) * NEWEST_WEIGHT;
}
