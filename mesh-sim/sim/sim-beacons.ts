// Beacons of simulated processes: one packet now and then, which the wire brings to everybody at once.

import type { HostClock } from './host-clock.ts';
import type { SimNetwork } from './sim-network.ts';
import type { SimTransport } from './sim-transport.ts';

const PERIOD_MS = 10_000;

type Network = SimNetwork<SimTransport>;

export function beginAnnouncing(host: SimTransport, network: Network, clock: HostClock): void {
  const announce = (isFirst: boolean): void => {
    if (!host.isRunning) return;
    const others = [...network.hosts.values()].filter((other) => other !== host && other.isDiscovered);
    send(host, others, network);
    // The first one is a question too, which the others answer.
    if (isFirst) for (const other of others) send(other, [host], network);
    const period = PERIOD_MS * (0.9 + 0.2 * network.random.next());
    clock.after(period, () => announce(false));
  };
  announce(true);
}

function send(from: SimTransport, others: readonly SimTransport[], network: Network): void {
  network.clock.after(network.travelMs(), () => {
    if (!from.isRunning) return;
    const hint = from.hint();
    for (const other of others) {
      if (network.chance(network.lossRate) || !network.isOpen(from.peer, other.peer)) continue;
      other.hear(hint);
    }
  });
}
