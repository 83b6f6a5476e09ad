// Which member is asked first. Everybody sees the others' load a second late, so the very best would be run over by all
// at once: of two members drawn at random the better one is taken. A conversation stays where its beginning is known,
// as long as that member is not much worse than the best.

import { hash } from 'node:crypto';
import type { PeerId } from '../../ports.ts';

export interface PeerCandidate {
  readonly peer: PeerId;
  readonly name: string;
  readonly model: string;
  /** By its last heartbeat. */
  readonly inFlight: number;
  /** Requests of ours that it may not have counted yet. */
  readonly unanswered: number;
  readonly capacity: number;
  /** Smoothed; absent: not measured. */
  readonly ttftMs?: number;
}

export interface RankedPeer extends PeerCandidate {
  /** Expected wait for the next answer to begin, milliseconds; rough. */
  readonly costMs: number;
}

/** Of a model that was never measured there. */
const UNKNOWN_TTFT_MS = 1_000;
/** A warm prompt cache is worth about this much more waiting. */
const WARMTH = 2;
/** Full members come last, but they come: their last word is a second old. */
const FULL_PENALTY = 1_000;

/** @param random uniform in [0, 1) */
export function rankPeers(
  candidates: readonly PeerCandidate[],
  affinity: string | undefined,
  random: () => number,
): readonly RankedPeer[] {
  const ranked = candidates
    .map((candidate) => ({ ...candidate, costMs: costOf(candidate) }))
    .sort((a, b) => a.costMs - b.costMs || (a.peer < b.peer ? -1 : 1));
  const [best] = ranked;
  if (!best || ranked.length < 2) return ranked;
  const first = warmest(ranked, affinity, best.costMs) ?? betterOfTwo(ranked, random);
  return [first, ...ranked.filter((peer) => peer !== first)];
}

function costOf({ inFlight, unanswered, capacity, ttftMs = UNKNOWN_TTFT_MS }: PeerCandidate): number {
  const running = Math.max(inFlight, unanswered);
  const cost = (running + 1) * ttftMs;
  return running >= capacity ? cost * FULL_PENALTY : cost;
}

/** Rendezvous hashing: each conversation has a favourite, and loses it only when that member goes. */
function warmest(
  ranked: readonly RankedPeer[],
  affinity: string | undefined,
  bestCostMs: number,
): RankedPeer | undefined {
  if (affinity === undefined) return undefined;
  let favourite: { readonly peer: RankedPeer; readonly weight: string } | undefined;
  for (const peer of ranked) {
    const weight = hash('sha256', `${affinity}\n${peer.peer}`);
    if (!favourite || weight > favourite.weight) favourite = { peer, weight };
  }
  return favourite && favourite.peer.costMs <= bestCostMs * WARMTH ? favourite.peer : undefined;
}

function betterOfTwo(ranked: readonly RankedPeer[], random: () => number): RankedPeer {
  const draw = (count: number): number => Math.min(count - 1, Math.floor(random() * count));
  const one = draw(ranked.length);
  const other = draw(ranked.length - 1);
  // Sorted by cost: the smaller place is the better one.
  const place = Math.min(one, other >= one ? other + 1 : other);
  return ranked[place] as RankedPeer;
}
