// LiteLLM's routing strategies as ours. https://docs.litellm.ai/docs/routing

import { asString, type JsonValue } from '../../model/json.ts';
import type { StrategyName } from '../routing.ts';

interface Counterpart {
  readonly type: StrategyName;
  /** What is different, as a sentence's end. */
  readonly but?: string;
}

const USAGE: Counterpart = { type: 'least-load', but: 'it goes by requests in flight, not by tokens a minute' };

const COUNTERPARTS: Readonly<Record<string, Counterpart>> = {
  // Shares by chance there and by turns here are the same shares.
  'simple-shuffle': { type: 'round-robin' },
  'least-busy': { type: 'least-load' },
  'latency-based-routing': { type: 'fastest', but: 'it goes by the time to the first token, not to the last' },
  'cost-based-routing': { type: 'cost-optimal' },
  'usage-based-routing': USAGE,
  'usage-based-routing-v2': USAGE,
};

/** Without the setting LiteLLM shuffles. */
export function readStrategy(value: JsonValue | undefined): {
  readonly type: StrategyName;
  readonly notes: readonly string[];
} {
  const written = asString(value) ?? 'simple-shuffle';
  const found = Object.hasOwn(COUNTERPARTS, written) ? COUNTERPARTS[written] : undefined;
  const setting = `router_settings.routing_strategy (${written})`;
  if (!found) return { type: 'round-robin', notes: [`${setting} has no equivalent: round-robin takes its place.`] };
  return { type: found.type, notes: found.but ? [`${setting} becomes ${found.type}: ${found.but}.`] : [] };
}
