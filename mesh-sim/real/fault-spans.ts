// Faults as stretches of time, for the picture: a crash lasts until the boot that undoes it, a cut until it is mended.

import { type Fault, nodesOf, type Topology } from '../topologies.ts';
import { describeFault } from './describe-fault.ts';
import type { CausedFault } from './stage.ts';

export interface FaultSpan {
  readonly what: string;
  readonly from: number;
  /** Absent: it is a thing of a moment, such as an import. */
  readonly until?: number;
}

/** @param endedAt until then lasts what nothing has undone */
export function faultSpans(faults: readonly CausedFault[], topology: Topology, endedAt: number): readonly FaultSpan[] {
  const undoing = new Set<CausedFault>();
  const spans = faults.map((caused, index) => {
    const end = faults.slice(index + 1).find((later) => isUndoneBy(caused.fault, later.fault, topology));
    if (end) undoing.add(end);
    return { caused, end };
  });
  return spans.flatMap(({ caused: { at, fault }, end }, index): readonly FaultSpan[] => {
    const what = describeFault(fault);
    if (end) return [{ what, from: at, until: end.at }];
    if (lasts(fault)) return [{ what, from: at, until: endedAt }];
    const caused = faults[index];
    return caused && undoing.has(caused) ? [] : [{ what, from: at }];
  });
}

function lasts(fault: Fault): boolean {
  switch (fault.kind) {
    case 'boot':
    case 'resume':
    case 'heal':
    case 'import':
    case 'evict':
      return false;
    case 'disk-full':
      return fault.isFull;
    case 'clock':
      return fault.offsetMs !== 0;
    case 'upstream':
      return fault.mood !== 'well';
    default:
      return true;
  }
}

function isUndoneBy(fault: Fault, later: Fault, topology: Topology): boolean {
  if (!lasts(fault)) return false;
  switch (fault.kind) {
    case 'cut':
    case 'partition':
      return later.kind === 'heal' && heals(fault, later);
    case 'crash':
    case 'stop':
    case 'power-off':
      return later.kind === 'boot' && concernsOneOf(fault, later, topology);
    case 'pause':
      return later.kind === 'resume' && concernsOneOf(fault, later, topology);
    default:
      return later.kind === fault.kind && concernsOneOf(fault, later, topology);
  }
}

function concernsOneOf(fault: Fault, later: Fault, topology: Topology): boolean {
  if (!('nodes' in fault) || !('nodes' in later)) return false;
  const nodes = nodesOf(later.nodes, topology);
  return nodesOf(fault.nodes, topology).some((node) => nodes.includes(node));
}

/** Some pair of what was cut meets again. */
function heals(cut: Fault, { from, to }: Fault & { readonly kind: 'heal' }): boolean {
  if (cut.kind !== 'cut' || !from || !to) return true;
  const touch = (some: readonly number[], others: readonly number[]): boolean =>
    some.some((node) => others.includes(node));
  return (touch(cut.from, from) && touch(cut.to, to)) || (touch(cut.from, to) && touch(cut.to, from));
}
