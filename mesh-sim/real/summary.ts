// What a run says about the mesh: what clients saw, how soon the mesh agreed after each fault, what it cost.

import { Histogram } from '../../bench/histogram.ts';
import { agreement, documentsEverywhere } from './agreement.ts';
import { describeFault } from './describe-fault.ts';
import type { Seen } from './load-process.ts';
import type { NodeCost, ScenarioRun } from './scenario.ts';
import { isServable, type Truth, truthsBetween } from './world.ts';

/** What became of a request. */
export type Verdict =
  /** Answered. */
  | 'answered'
  /** It failed though somebody was there who could have answered, all the time. */
  | 'failed'
  /** A stream past its first token broke, which nobody can take over; the client was told why. */
  | 'broken'
  /** It failed, and nobody could have answered at that moment or just before. */
  | 'nobody';

export interface FaultEffect {
  readonly atMs: number;
  readonly what: string;
  /** Until the last request that began after it and failed or was slow, at nodes that could be served. 0: none was. */
  readonly failoverMs: number;
  /** Until every node believed what was true. Absent: not before the next fault or the end. */
  readonly agreedMs?: number;
}

export interface Summary {
  readonly name: string;
  readonly about: string;
  readonly isGreen: boolean;
  /** Why it is not green. */
  readonly complaints: readonly string[];
  readonly nodes: number;
  readonly seconds: number;
  readonly requests: Readonly<Record<Verdict, number>> & { readonly all: number };
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly lostFrames: number;
  /** From the start of the first process until every node knew all others, and their models. */
  readonly formedMs?: number;
  readonly formedAfterReadyMs?: number;
  readonly faults: readonly FaultEffect[];
  /** At the end every node believed what was true. */
  readonly hasAgreed: boolean;
  /** What was stored in the run; how long after the last of it every node had all. Absent: nothing was, or not. */
  readonly documents?: { readonly count: number; readonly everywhereMs: number };
  readonly costs: readonly NodeCost[];
}

/** A mesh needs this long to find new ways after a change for the better. */
const FINDING_MS = 6_000;
/** Beyond the usual wait for a first token. */
const SLOW_MS = 1_000;

export function summarize(run: ScenarioRun): Summary {
  const { topology, seen, faults, history, costs, stored, remarks } = run;
  const { askedFrom, askedUntil, startedAt, readyAt, endedAt } = run.times;
  const verdicts = new Map(seen.map((one) => [one, verdictOf(one, history)]));
  const count = (verdict: Verdict): number => seen.filter((one) => verdicts.get(one) === verdict).length;
  const waits = new Histogram();
  for (const one of seen) if (verdicts.get(one) === 'answered') waits.addMs(one.ttftMs ?? one.totalMs);
  const usual = waits.quantileMs(0.5);
  const lostFrames = seen.reduce((sum, one) => sum + (verdicts.get(one) === 'answered' ? one.lostFrames : 0), 0);
  const untyped = seen.filter((one) => verdicts.get(one) === 'broken' && one.error?.code === undefined).length;
  const effects = faults.map(({ at, fault }, index): FaultEffect => {
    const until = faults.slice(index + 1).find((next) => next.at - at > 1)?.at ?? endedAt;
    const bad = seen.filter((one) => {
      const isBad = verdicts.get(one) === 'failed' || (one.ttftMs ?? 0) > usual + SLOW_MS;
      return isBad && one.at >= at && one.at < until && verdicts.get(one) !== 'nobody';
    });
    const agreedAt = agreement(run, at, until);
    return {
      atMs: Math.round(at - askedFrom),
      what: describeFault(fault),
      failoverMs: Math.round(Math.max(0, ...bad.map((one) => one.at - at))),
      ...(agreedAt !== undefined && { agreedMs: Math.round(agreedAt - at) }),
    };
  });
  const formedAt = agreement(run, startedAt, faults[0]?.at ?? endedAt, true);
  const lastChange = Math.max(startedAt, ...faults.map(({ at }) => at));
  const hasAgreed = agreement(run, lastChange, endedAt) !== undefined;
  const documents = stored.reduce((sum, each) => sum + each.documents, 0);
  const storedAt = Math.max(startedAt, ...stored.map(({ at }) => at));
  const documentsAt = documents === 0 ? undefined : documentsEverywhere(run, documents, storedAt);
  const complaints = [
    ...remarks,
    ...(count('failed') > 0 ? [`${count('failed')} requests failed though a node could have answered`] : []),
    ...(untyped > 0 ? [`${untyped} streams broke without a typed error`] : []),
    ...(lostFrames > 0 ? [`${lostFrames} frames were lost or out of order`] : []),
    ...(hasAgreed ? [] : ['at the end the nodes did not agree on who is there']),
    ...(documents > 0 && documentsAt === undefined ? [`not every node has all ${documents} documents`] : []),
    ...(seen.length === 0 ? ['no client asked anything'] : []),
  ];
  return {
    name: topology.name,
    about: topology.about,
    isGreen: complaints.length === 0,
    complaints,
    nodes: topology.nodes,
    seconds: (askedUntil - askedFrom) / 1_000,
    requests: {
      all: seen.length,
      answered: count('answered'),
      failed: count('failed'),
      broken: count('broken'),
      nobody: count('nobody'),
    },
    p50Ms: usual,
    p99Ms: waits.quantileMs(0.99),
    lostFrames,
    ...(formedAt !== undefined && {
      formedMs: Math.round(formedAt - startedAt),
      formedAfterReadyMs: Math.max(0, Math.round(formedAt - readyAt)),
    }),
    faults: effects,
    hasAgreed,
    ...(documentsAt !== undefined && {
      documents: { count: documents, everywhereMs: Math.round(documentsAt - storedAt) },
    }),
    costs,
  };
}

export function verdictOf(seen: Seen, history: readonly Truth[]): Verdict {
  if (!seen.error) return 'answered';
  const node = Number(seen.node.slice(1));
  const around = truthsBetween(history, seen.at - FINDING_MS, seen.at + seen.totalMs);
  if (!around.every((truth) => isServable(truth, node))) return 'nobody';
  return seen.error.kind === 'stream' ? 'broken' : 'failed';
}
