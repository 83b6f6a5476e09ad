// What one node has used for one tenant, key and model in a day: counters that only grow. Two versions of a shard merge
// by the larger of each counter, so that none is counted twice and none is lost, in whatever order they meet. The key
// names the node that counts: the sum over nodes is the total.

import type { JsonObject } from '../../model/json.ts';
import type { Database } from '../../storage/database.ts';
import type { AppliedMeta, Kind } from '../kind.ts';

/** A shard holds some ten numbers. */
const BODY_BYTES_MAX = 4_096;
const FIELDS_MAX = 64;

export type UsageCounters = Readonly<Record<string, number>>;

/** @param apply counters that are larger than before, or none at all */
export function usageShardKind(
  apply: (database: Database, key: string, counters: UsageCounters | undefined, meta: AppliedMeta) => void,
): Kind {
  return {
    name: 'usage-shard',
    capability: 'serve',
    bodyBytesMax: BODY_BYTES_MAX,
    isValid: (_key, body) => isCounters(body),
    apply: (database, key, body, meta) => {
      // Nobody removes a shard, but those of a member that was evicted go with all that it wrote.
      if (body === undefined || isCounters(body)) apply(database, key, body, meta);
    },
    join: joinCounters,
  };
}

function isCounters(body: JsonObject): body is Record<string, number> {
  const values = Object.values(body);
  return (
    values.length <= FIELDS_MAX &&
    values.every((value) => typeof value === 'number' && Number.isFinite(value) && value >= 0)
  );
}

/** Field-wise maximum. */
export function joinCounters(left: JsonObject, right: JsonObject): JsonObject {
  const joined: JsonObject = { ...left };
  for (const [name, value] of Object.entries(right)) {
    const held = joined[name];
    joined[name] = typeof held === 'number' && typeof value === 'number' ? Math.max(held, value) : value;
  }
  return joined;
}
