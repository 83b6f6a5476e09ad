// Other nodes as targets of a chain: behind its own ones, or among them.

import { GatewayError } from '../errors.ts';
import type { ChatRequest } from '../model/chat.ts';
import type { Account } from '../providers/account.ts';
import type { Peers, ServingPeer } from './peers.ts';
import type { PipelineDeps, RequestContext } from './pipeline.ts';
import { affinityKeyOf } from './routing/affinity.ts';
import type { Chain, Target } from './target.ts';

/** Heartbeats come every second. */
const RETRY_AFTER_MS = 1_000;
/** Of one request; more would not be tried within its time. */
const PEERS_MAX = 4;
/** A local answer is preferred while a peer's is not clearly sooner: a hop costs, and measures are rough. */
const CLEARLY = 1.5;
/** What stands where a target's provider stands. */
const MESH = 'mesh';
/** Of a target that was never measured. */
const UNKNOWN_TTFT_MS = 1_000;

/**
 * The chain with the members that can serve it.
 * @throws GatewayError `unavailable` when only others serve it and none of them is there
 */
export function withPeers(
  chain: Chain,
  request: ChatRequest,
  context: RequestContext,
  peers: Peers,
  deps: PipelineDeps,
): Chain {
  const use = context.isForwarded ? 'never' : (chain.peers ?? 'overflow');
  const remote = (): readonly ServingPeer[] =>
    peers.serving(namesOf(chain, request), affinity(request, context)).slice(0, PEERS_MAX);
  const targetsOf = (serving: readonly ServingPeer[]): Target[] => serving.map((peer) => peerTarget(peer, deps));
  if (chain.targets.length === 0 || context.isSpilledOver) {
    const targets = use === 'never' ? [] : targetsOf(remote());
    if (targets.length === 0) throw nobodyElse(request, context);
    return { ...chain, targets };
  }
  if (use === 'never') return chain;
  if (use === 'overflow') return { ...chain, overflow: () => targetsOf(remote()) };
  const serving = remote();
  const [first] = serving;
  const isPeerFirst = first !== undefined && isClearlySooner(first, chain.targets[0], request, deps);
  const others = targetsOf(serving);
  return { ...chain, targets: isPeerFirst ? [...others, ...chain.targets] : [...chain.targets, ...others] };
}

function nobodyElse(request: ChatRequest, { isSpilledOver }: RequestContext): GatewayError {
  return new GatewayError(
    'unavailable',
    isSpilledOver
      ? 'This node is busy, and no other one can take the request. Try again in a moment.'
      : `No node that serves '${request.model}' can be reached now.`,
    { retryAfterMs: RETRY_AFTER_MS },
  );
}

/** The client's word for it first; the models behind it are the same thing under another name. */
function namesOf({ targets }: Chain, { model }: ChatRequest): readonly string[] {
  return [...new Set([model, ...targets.filter(({ account }) => !account.isBuiltin).map((target) => target.model)])];
}

function affinity(request: ChatRequest, context: RequestContext): string | undefined {
  return affinityKeyOf(request, context.headers())?.value;
}

function isClearlySooner(
  peer: ServingPeer,
  local: Target | undefined,
  request: ChatRequest,
  { health, routing, clock }: PipelineDeps,
): boolean {
  if (!local) return true;
  const { ttft } = routing.read(local.id, request.isStream, clock.elapsed());
  const localCostMs = (health.inFlight(local.id) + 1) * (ttft?.ttftMs ?? UNKNOWN_TTFT_MS);
  return peer.costMs * CLEARLY < localCostMs;
}

function peerTarget(peer: ServingPeer, deps: PipelineDeps): Target {
  return {
    id: `${peer.name}/${peer.model}`,
    account: accountOf(peer),
    model: peer.model,
    timeouts: deps.router().timeouts,
    // Another node has retried already what can be.
    retries: { max: 0, backoffMs: 0, backoffMaxMs: 0 },
    headers: {},
    extraBody: undefined,
    traits: {},
    peer,
  };
}

/** Keys and addresses are the other node's business. */
function accountOf({ name }: ServingPeer): Account {
  return {
    name,
    provider: MESH,
    dialect: 'openai-chat',
    baseUrl: '',
    keys: [],
    auth: { type: 'none' },
    headers: {},
    traits: {},
    models: [],
  };
}
