// Faults in words: for the terminal and for the report.

import type { TimedFault } from '../topologies.ts';

export function describeFault(fault: TimedFault): string {
  const list = (nodes: readonly number[] | 'all'): string =>
    nodes === 'all' ? 'all' : nodes.map((node) => `n${node}`).join(' ');
  switch (fault.kind) {
    case 'cut':
      return `${fault.isOneWay ? 'one-way cut' : 'cut'} ${list(fault.from)} | ${list(fault.to)}`;
    case 'heal':
      return fault.from ? `heal ${list(fault.from)} | ${list(fault.to ?? 'all')}` : 'heal';
    case 'partition':
      return `partition ${fault.groups.map(list).join(' | ')}`;
    case 'clock':
      return `clock of ${list(fault.nodes)} set by ${Math.round(fault.offsetMs / 1_000)} s`;
    case 'upstream':
      return `upstream of ${list(fault.nodes)}: ${fault.mood}`;
    case 'disk-full':
      return `disk of ${list(fault.nodes)} ${fault.isFull ? 'full' : 'has room again'}`;
    case 'import':
      return `n${fault.node} stores ${fault.documents} documents`;
    case 'evict':
      return `n${fault.by} evicts n${fault.node}`;
    default:
      return `${fault.kind} ${list(fault.nodes)}`;
  }
}
