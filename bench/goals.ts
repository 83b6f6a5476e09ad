// What flowmesh promises of itself, held as data and checked in every run.

import type { Results } from './results.ts';

export interface Goal {
  readonly name: string;
  /** As people say it, e.g. `≤ 1.5×`. */
  readonly bound: string;
  readonly measured: string;
  readonly isMet: boolean;
}

export function goals({ latency, throughput, streaming, accounting, cache, memory, start, soak }: Results): Goal[] {
  const list: Goal[] = [];
  const ofFlowmesh = <Row extends { readonly name: string }>(rows: readonly Row[] | undefined) =>
    rows?.find(({ name }) => name === 'flowmesh');
  const most = (name: string, value: number | undefined, bound: number, unit: string, digits = 2) => {
    if (value === undefined || Number.isNaN(value)) return;
    list.push({ name, bound: `≤ ${bound}${unit}`, measured: `${value.toFixed(digits)}${unit}`, isMet: value <= bound });
  };
  const least = (name: string, value: number | undefined, bound: number, unit: string, digits = 2) => {
    if (value === undefined || Number.isNaN(value)) return;
    list.push({ name, bound: `≥ ${bound}${unit}`, measured: `${value.toFixed(digits)}${unit}`, isMet: value >= bound });
  };
  const requests = ofFlowmesh(throughput);
  most('added latency, concurrency 1, over the bare proxy', ofFlowmesh(latency)?.addedRatio, 1.5, '×');
  least('requests a second, over the bare proxy', requests?.toBare.perSecond, 0.6, '×');
  least('requests a second, over Portkey', requests?.toPortkey, 6, '×', 1);
  most('processor time a request, over the bare proxy', requests?.toBare.cpu, 2, '×');
  most('p99 at 32 connections, over the bare proxy', requests?.toBare.p99, 2, '×');
  most('answers around 40 ms at concurrency 1', share(ofFlowmesh(latency)), 0.1, ' %');
  most('frames lost or out of order', lostFrames(ofFlowmesh(streaming)), 0, '', 0);
  for (const { name, withToWithout } of accounting ?? [])
    least(`requests a second with ledger and limits, ${name}, over without`, withToWithout, 0.9, '×');
  for (const { name, hitToMiss } of cache ?? [])
    least(`cache hits a second, ${name}, over misses`, hitToMiss, 5, '×', 1);
  most('process start to first answer', seconds(ofFlowmesh(start)?.medianMs), 0.4, ' s');
  most('idle memory, with documents', ofFlowmesh(memory)?.idleMb, 90, ' MB', 0);
  most('memory after the soak, over before', soak && soak.afterMb / soak.idleMb, 1.2, '×');
  return list;
}

/** Percent. A flat 40 ms would meet nearly all; a busy machine delays one in some thousands. */
function share(row: { readonly around40Ms: number; readonly requests: number } | undefined): number | undefined {
  return row && (row.around40Ms * 100) / row.requests;
}

function lostFrames(row: { readonly lost: number; readonly reordered: number } | undefined): number | undefined {
  return row && row.lost + row.reordered;
}

function seconds(milliseconds: number | undefined): number | undefined {
  return milliseconds === undefined ? undefined : milliseconds / 1_000;
}
