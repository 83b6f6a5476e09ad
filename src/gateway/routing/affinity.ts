// Providers keep the prompts they have seen, and charge a tenth for what they still know. Spreading one conversation over
// several accounts throws that away, so its requests go to the same target as long as that one is about as good as any.

import { hash } from 'node:crypto';
import type { AffinityMode } from '../../config/routing.ts';
import type { ChatRequest, Message } from '../../model/chat.ts';
import { asObject, asString } from '../../model/json.ts';
import type { Candidate } from './candidate.ts';

export interface AffinityKey {
  /** session: the client named its conversation. user: it named who asks. prefix: the beginning looks the same. */
  readonly kind: 'session' | 'user' | 'prefix';
  /** A digest: what clients send is nobody's business in logs. */
  readonly value: string;
}

/** No provider caches shorter prompts, so there is nothing to keep warm. */
const CACHED_TOKENS_MIN = 1_024;
const SESSION_HEADERS = ['x-session-affinity', 'x-session-id'] as const;
/** What differs later than this is another conversation about the same thing, with the same cached beginning. */
const SYSTEM_LENGTH_MAX = 4_096;
const USER_LENGTH_MAX = 1_024;

/**
 * In this order: the headers `x-session-affinity` and `x-session-id`, `prompt_cache_key`, the user (`user`,
 * `metadata.user_id`), the beginning of the conversation.
 */
export function affinityKeyOf(
  request: ChatRequest,
  headers: Readonly<Record<string, string>>,
): AffinityKey | undefined {
  const named = SESSION_HEADERS.map((name) => headers[name]).find(Boolean);
  const session = named ?? asString(request.original?.body.prompt_cache_key);
  if (session) return keyOf('session', session);
  const user = request.endUser ?? asString(asObject(request.original?.body.metadata)?.user_id);
  if (user) return keyOf('user', user);
  const prefix = prefixOf(request);
  return prefix === undefined ? undefined : keyOf('prefix', prefix);
}

/** The key to go by, if there is one that the chain's setting lets count. */
export function affinityInUse(
  key: AffinityKey | undefined,
  mode: AffinityMode,
  inputTokens: number,
): string | undefined {
  if (key === undefined || mode === 'off') return undefined;
  if (key.kind === 'session') return key.value;
  return mode === 'auto' && inputTokens >= CACHED_TOKENS_MIN ? key.value : undefined;
}

function keyOf(kind: AffinityKey['kind'], text: string): AffinityKey {
  return { kind, value: hash('sha256', text).slice(0, 32) };
}

/** Everything that stays the same from turn to turn; undefined before the first user message. */
function prefixOf({ messages, tools }: ChatRequest): string | undefined {
  const first = messages.find(({ role }) => role === 'user');
  if (!first) return undefined;
  const system = messages.filter(({ role }) => role === 'system').map(textOf);
  return JSON.stringify([
    system.join('\n').slice(0, SYSTEM_LENGTH_MAX),
    tools.map(({ name }) => name),
    textOf(first).slice(0, USER_LENGTH_MAX),
  ]);
}

function textOf({ parts }: Message): string {
  return parts.map((part) => (part.type === 'text' ? part.text : `[${part.type}]`)).join('\n');
}

/** Of a fair share, what a target may have running before conversations move on, and how many more besides. */
const SHARE_TOLERANCE = 1.5;
const REQUESTS_TOLERANCE = 2;

/** Would one more request be too many for it, seen against all? (Bounded loads, after Mirrokni and others.) */
export function isOverloaded(candidate: Candidate, group: readonly Candidate[]): boolean {
  const running = group.reduce((sum, { inFlight }) => sum + inFlight, 0);
  const weights = group.reduce((sum, { weight }) => sum + weight, 0);
  const share = weights > 0 ? candidate.weight / weights : 1 / group.length;
  return candidate.inFlight + 1 > SHARE_TOLERANCE * share * (running + 1) + REQUESTS_TOLERANCE;
}

/**
 * The conversation's own candidate of a group of about equally good ones: the same one as long as it is among them,
 * and the same next one when it is not. Undefined when all of them have too much to do.
 */
export function affineCandidate(key: string, group: readonly Candidate[]): Candidate | undefined {
  const able = group.filter((candidate) => candidate.weight > 0 && !isOverloaded(candidate, group));
  let best: Candidate | undefined;
  let bestScore = Number.POSITIVE_INFINITY;
  for (const candidate of able) {
    const score = rendezvousScore(key, candidate);
    if (score < bestScore) [best, bestScore] = [candidate, score];
  }
  return best;
}

/** Weighted rendezvous hashing: the lowest wins, in proportion to the weights, whoever else is there. */
function rendezvousScore(key: string, { id, weight }: Candidate): number {
  // 48 bits, the most that two digests can share out without losing any; never 0, whose logarithm is infinite.
  const drawn = Number.parseInt(hash('sha256', `${key}\n${id}`).slice(0, 12), 16) + 1;
  return -Math.log(drawn / (2 ** 48 + 1)) / weight;
}
