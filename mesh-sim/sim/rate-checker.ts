// Limits a minute: what all nodes together admitted, of the requests that were answered.

import type { AskHistory, History, MachineHistory } from './history.ts';

const MINUTE_MS = 60_000;

/**
 * No minute has more than the limit, cut or whole. Two things may come on top, as docs/tenancy.md says: a restart
 * forgets what its node had used of its own share, and a node cut off serves one request however small its share is.
 */
export function minutesHold({ asks, machines, isWarm, startedAt }: History): readonly string[] {
  // Nodes that have yet to meet are meshes of their own.
  if (!isWarm) return [];
  const limited = asks.filter(
    ({ limit, end, machine }) => limit !== undefined && end === 'answered' && isMember(machines[machine]),
  );
  return [...Map.groupBy(limited, ({ tenant }) => tenant)].flatMap(([tenant, mine]) =>
    mine.flatMap((first) => {
      const minute = mine.filter(({ at }) => at >= first.at && at < first.at + MINUTE_MS);
      // What was used before a limit was made smaller still counts then, and news of it take their time.
      const limit = Math.max(...mine.filter(({ at }) => at < first.at + MINUTE_MS).map(limitOf));
      const share = Math.max(1, limit / machines.length);
      const restarts = machines.flatMap(({ state }) =>
        state.beginnings('starting').filter((at) => at > startedAt && at < first.at + MINUTE_MS),
      );
      const bound = share * (machines.length + restarts.length);
      return minute.length <= bound
        ? []
        : [`${minute.length} requests of ${tenant} from ${first.id} on, of ${limit} a minute (at most ${bound})`];
    }),
  );
}

function limitOf({ limit = 0 }: AskHistory): number {
  return limit;
}

function isMember(machine: MachineHistory | undefined): boolean {
  return machine?.evictedAt === undefined;
}
