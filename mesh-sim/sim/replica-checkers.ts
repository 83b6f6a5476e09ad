// What must hold of the data that travels: all hold the same in the end, and it is what was written last, no more and no
// less.

import type { History, KeyHistory, MachineHistory, WriteHistory } from './history.ts';

/** All members hold the same rows, once all can reach each other. */
export function replicasConverge({ machines, final, isWholeNetwork }: History): readonly string[] {
  if (!isWholeNetwork) return [];
  const [first, ...others] = final.filter(({ machine }) => machines[machine]?.evictedAt === undefined);
  if (!first) return [];
  const hasEvictions = machines.some(({ evictedAt }) => evictedAt !== undefined);
  return others.flatMap(({ machine, replica }) =>
    Object.entries(first.replica).flatMap(([table, lines]) => {
      // Answers may be dropped; those that a member has replaced which was evicted then are not looked for.
      if (table === 'kept answers' && hasEvictions) return [];
      const theirs = new Set(replica[table]);
      const mine = new Set(lines);
      const [missing] = mine.difference(theirs);
      const [extra] = theirs.difference(mine);
      return missing === undefined && extra === undefined
        ? []
        : [`${table}: node-${first.machine} has '${missing}', node-${machine} has '${extra}' instead`];
    }),
  );
}

/**
 * Of each document there is a version in the end that nobody had seen when he wrote another one. A deletion is a version
 * too: what had been seen when it was deleted does not come back.
 */
export function noWriteIsLost(history: History): readonly string[] {
  const { machines, final, isWholeNetwork } = history;
  const member = final.find(({ machine }) => machines[machine]?.evictedAt === undefined);
  if (!member || !isWholeNetwork) return [];
  const held = new Map((member.replica.documents ?? []).map((line) => line.split(' ') as [string, string]));
  return [...Map.groupBy(history.writes, ({ document }) => document)].flatMap(([document, writes]) => {
    // What a member has written that was shut out goes with it; what stays then is nobody's wish.
    if (writes.some((write) => isByEvicted(machines, write))) return [];
    const sure = writes.filter((write) => write.isAcknowledged && !isLostWithDisk(machines, write));
    if (sure.length === 0) return [];
    const overwritten = new Set(sure.flatMap(({ over, version }) => (over === version ? [] : [over])));
    const possible = new Set(writes.map(({ version }) => version).filter((version) => !overwritten.has(version)));
    // Each version is written once; 'deleted' may be written over and over.
    if (writes.some(({ version }) => version === undefined)) possible.add(undefined);
    const found = held.get(document);
    if (!overwritten.has(found) && possible.has(found)) return [];
    if (found === undefined && possible.has(undefined)) return [];
    return [`${document} is ${found ?? 'gone'}, which somebody had seen and replaced`];
  });
}

/** Whoever was told that a key is revoked can rely on it, everywhere in the end. */
export function revocationsStay({ machines, final, keys, isWholeNetwork }: History): readonly string[] {
  if (!isWholeNetwork) return [];
  const members = final.filter(({ machine }) => machines[machine]?.evictedAt === undefined);
  const revoked = keys.filter((key) => isSurelyRevoked(machines, key));
  return revoked.flatMap(({ id }) =>
    members.flatMap(({ machine, replica }) =>
      replica.revocations?.includes(id) === true ? [] : [`node-${machine} does not know that ${id} is revoked`],
    ),
  );
}

function isSurelyRevoked(machines: readonly MachineHistory[], { machine, revocations }: KeyHistory): boolean {
  // The key itself may have been lost, or belong to nobody.
  const isMadeByMember = machines[machine]?.evictedAt === undefined;
  return (
    isMadeByMember &&
    revocations.some((one) => machines[one.machine]?.evictedAt === undefined && !isLostWithDisk(machines, one))
  );
}

/** Each node's usage, as every member knows it, is what stands in that node's ledger: nothing twice, nothing forgotten. */
export function usageIsExact({ machines, final, ledger, isWholeNetwork }: History): readonly string[] {
  if (!isWholeNetwork) return [];
  const members = final.filter(({ machine }) => machines[machine]?.evictedAt === undefined);
  return machines.flatMap(({ index, peer, name, evictedAt, losses }) => {
    // An old disk has an old ledger, while the others remember what it had told them.
    if (evictedAt !== undefined || losses.length > 0) return [];
    const rows = ledger.filter(({ machine, status }) => machine === index && status !== 'forwarded');
    const own = `${rows.length} requests, ${sum(rows.map(({ outputTokens }) => outputTokens))} tokens`;
    return members.flatMap(({ machine, usage }) => {
      const told = usage.filter(({ node }) => node === peer);
      const tokens = sum(told.map(({ outputTokens }) => outputTokens));
      const known = `${sum(told.map(({ requests }) => requests))} requests, ${tokens} tokens`;
      return known === own ? [] : [`${name} has used ${own}; node-${machine} knows of ${known}`];
    });
  });
}

function isByEvicted(machines: readonly MachineHistory[], { machine }: WriteHistory): boolean {
  return machines[machine]?.evictedAt !== undefined;
}

/** It was written to a disk that later was replaced by an older copy. */
function isLostWithDisk(
  machines: readonly MachineHistory[],
  { machine, at }: Pick<WriteHistory, 'machine' | 'at'>,
): boolean {
  return machines[machine]?.losses.some((lostAt) => lostAt > at) === true;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
