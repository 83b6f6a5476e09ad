// How well a candidate suits a request, apart from any strategy. Thresholds and load only order: while someone may be
// able to answer, nobody is given up for being slow or mediocre. Only what is known to be impossible is left out.

import type { Candidate, RouteRequestFacts } from './candidate.ts';
import { expectedTtftMs } from './latency.ts';

/** From best to worst; strategies order within one standing. */
export const STANDINGS = ['fit', 'second-choice', 'spare', 'full', 'cooling-down', 'unfit'] as const;
export type Standing = (typeof STANDINGS)[number];

export interface Thresholds {
  readonly maxTtftMs?: number;
  readonly minQuality?: number;
}

export interface Assessment {
  readonly candidate: Candidate;
  readonly standing: Standing;
  /** Why it is not simply fit, as sentences. */
  readonly notes: readonly string[];
}

/** Our counts are estimates: a prompt is only surely too long when it is so after this much is taken off. */
const ESTIMATE_MARGIN = 0.1;

export function assess(candidate: Candidate, facts: RouteRequestFacts, thresholds: Thresholds): Assessment {
  const impossible = impossibilities(candidate, facts);
  if (impossible.length > 0) return { candidate, standing: 'unfit', notes: impossible };
  if (candidate.isCoolingDown) return { candidate, standing: 'cooling-down', notes: ['is cooling down'] };
  const { inFlight, capacity } = candidate;
  if (capacity !== undefined && inFlight >= capacity) {
    return { candidate, standing: 'full', notes: [`all ${capacity} places are taken`] };
  }
  if (candidate.weight === 0) return { candidate, standing: 'spare', notes: ['has weight 0'] };
  const notes = [...missedThresholds(candidate, thresholds), ...tightContext(candidate, facts)];
  return { candidate, standing: notes.length > 0 ? 'second-choice' : 'fit', notes };
}

/** What is unknown is never held against a candidate here. */
function impossibilities({ capabilities, contextLength }: Candidate, facts: RouteRequestFacts): string[] {
  const notes = facts.needs
    .filter((need) => capabilities && !capabilities.includes(need))
    .map((need) => `cannot do ${need}`);
  const surelyTokens = Math.floor(facts.inputTokens * (1 - ESTIMATE_MARGIN));
  if (contextLength !== undefined && surelyTokens > contextLength) {
    notes.push(`takes ${contextLength} tokens, and the prompt has about ${facts.inputTokens}`);
  }
  return notes;
}

function tightContext({ contextLength }: Candidate, { inputTokens, maxOutputTokens = 0 }: RouteRequestFacts): string[] {
  if (contextLength === undefined || inputTokens + maxOutputTokens <= contextLength) return [];
  return [`takes ${contextLength} tokens, which prompt and answer may not fit into`];
}

function missedThresholds(candidate: Candidate, { maxTtftMs, minQuality }: Thresholds): string[] {
  const notes: string[] = [];
  const { quality } = candidate;
  const ttftMs = expectedTtftMs(candidate);
  // Nobody can be measured without being asked, so an unknown time passes; quality is told by tables, so it must be there.
  if (maxTtftMs !== undefined && ttftMs !== undefined && ttftMs > maxTtftMs) {
    notes.push(`first content after ${Math.round(ttftMs)} ms, over maxTtftMs ${maxTtftMs}`);
  }
  if (minQuality !== undefined && (quality === undefined || quality < minQuality)) {
    notes.push(`quality ${quality ?? 'unknown'}, under minQuality ${minQuality}`);
  }
  return notes;
}
