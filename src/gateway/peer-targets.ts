// Other nodes as targets of a chain: behind its own ones, or among them.

import { GatewayError } from '../errors.ts';
import type { Account } from '../providers/account.ts';
import type { Peers, ServingPeer } from './peers.ts';
import type { PipelineDeps, RequestContext } from './pipeline.ts';
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

/** What decides who else is asked. */
export interface AskedOfPeers {
  readonly model: string;
  readonly isStream: boolean;
  /** Requests with the same one go to the same member. */
  readonly affinity: () => string | undefined;
}

/**
 * The chain with the members that can serve it.
 * @throws GatewayError `unavailable` when only others serve it and none of them is there
 */
export function withPeers(
  chain: Chain,
  asked: AskedOfPeers,
  context: RequestContext,
  peers: Peers,
  deps: PipelineDeps,
): Chain {
  const use = context.isForwarded || isPaidByClient(chain, context) ? 'never' : (chain.peers ?? 'overflow');
  if (use === 'never' && chain.targets.length > 0 && !context.isSpilledOver) return chain;
  const remote = (): Target[] => {
    const serving = use === 'never' ? [] : peers.serving(namesOf(chain, asked), asked.affinity());
    return serving.slice(0, PEERS_MAX).map((peer) => peerTarget(peer, deps));
  };
  // The answerer that is built in only quotes: a model elsewhere is better than it.
  const builtin = chain.targets.filter(({ account }) => account.isBuiltin);
  const own = context.isSpilledOver ? [] : chain.targets.filter(({ account }) => !account.isBuiltin);
  if (own.length > 0 && use === 'overflow')
    return { ...chain, targets: own, overflow: () => [...remote(), ...builtin] };
  const others = remote();
  const last = context.isSpilledOver ? [] : builtin;
  const isPeerFirst = isClearlySooner(others[0]?.peer, own[0], asked, deps);
  const targets = isPeerFirst ? [...others, ...own, ...last] : [...own, ...others, ...last];
  if (targets.length === 0) throw nobodyElse(asked, context);
  return { ...chain, targets };
}

/**
 * The same for what is no conversation, which nobody has to keep together; where there is a mesh.
 * @throws GatewayError as `withPeers` does
 */
export function withAnyPeers(chain: Chain, model: string, context: RequestContext, deps: PipelineDeps): Chain {
  const asked = { model, isStream: false, affinity: () => undefined };
  return deps.peers ? withPeers(chain, asked, context, deps.peers, deps) : chain;
}

/** Other nodes are not sent the client's key: they would pay with ours what the client wanted to pay. */
function isPaidByClient({ targets }: Chain, { ownKeys }: RequestContext): boolean {
  return ownKeys.size > 0 && targets.some(({ account }) => ownKeys.has(account.provider));
}

function nobodyElse({ model }: AskedOfPeers, { isSpilledOver }: RequestContext): GatewayError {
  return new GatewayError(
    'unavailable',
    isSpilledOver
      ? 'This node is busy, and no other one can take the request. Try again in a moment.'
      : `No node that serves '${model}' can be reached now.`,
    { retryAfterMs: RETRY_AFTER_MS },
  );
}

/** The client's word for it first; the models behind it are the same thing under another name. */
function namesOf({ targets }: Chain, { model }: AskedOfPeers): readonly string[] {
  return [...new Set([model, ...targets.filter(({ account }) => !account.isBuiltin).map((target) => target.model)])];
}

function isClearlySooner(
  peer: ServingPeer | undefined,
  local: Target | undefined,
  { isStream }: AskedOfPeers,
  { health, routing, clock }: PipelineDeps,
): boolean {
  if (!peer || !local) return false;
  const { ttft } = routing.read(local.id, isStream, clock.elapsed());
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
