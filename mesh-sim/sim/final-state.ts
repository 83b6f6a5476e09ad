// How the machines of a simulated world are at its end, and whether they have come to rest.

import type { FinalState } from './history.ts';
import { DISK_RETRY_MS, type Machine } from './machine.ts';
import { replicaOf, usageOn } from './replicas.ts';

export function finalState(machine: Machine, machines: readonly Machine[]): FinalState {
  const mesh = machine.life?.node.mesh;
  const numbers = new Map(machines.map(({ history }) => [history.peer, history.index]));
  const beliefs = machines.map(({ history }) => {
    const peer = mesh?.peer(history.peer);
    if (!peer) return 'nobody';
    return peer.state === 'alive' && !peer.isConnected ? 'heard' : peer.state;
  });
  return {
    machine: machine.options.index,
    running: machine.life?.node.runningCount ?? 0,
    beliefs,
    members: (mesh?.view() ?? []).map(({ peer }) => numbers.get(peer) ?? -1).sort((a, b) => a - b),
    timers: machine.life?.clock.timerCount ?? 0,
    replica: replicaOf(machine),
    usage: usageOn(machine),
  };
}

/** Each member sees each other one alive and connected. */
export function seesEverybody(machines: readonly Machine[]): boolean {
  const members = membersOf(machines);
  return members.every(({ life }) =>
    members.every((other) => {
      if (other.life === life) return true;
      const peer = life?.node.mesh?.peer(other.history.peer);
      return peer?.state === 'alive' && peer.isConnected;
    }),
  );
}

/** Everybody sees everybody, nothing runs, and all hold the same. */
export function isSettled(machines: readonly Machine[], now: number): boolean {
  const isBusy = ({ life, history }: Machine): boolean =>
    (life?.node.runningCount ?? 0) > 0 || history.isDiskFull.wasEver(true, now - DISK_RETRY_MS, now);
  if (machines.some(isBusy)) return false;
  return (
    seesEverybody(machines) &&
    new Set(membersOf(machines).map((machine) => JSON.stringify(replicaOf(machine)))).size <= 1
  );
}

function membersOf(machines: readonly Machine[]): readonly Machine[] {
  return machines.filter(({ history }) => history.evictedAt === undefined);
}
