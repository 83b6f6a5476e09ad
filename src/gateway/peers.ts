// What the request path knows of other nodes: a peer is one more place an attempt can go. The mesh implements it.

import type { ChatRequest } from '../model/chat.ts';
import type { Frame } from '../model/stream.ts';
import type { UpstreamError } from '../model/upstream-error.ts';
import type { Principal } from '../tenancy/principal.ts';

/** How a chain uses other nodes: not at all; when no target of its own can answer; or as targets like its own. */
export type PeerUse = 'never' | 'overflow' | 'equal';

/** What is asked of another node, in the words of the entry node. */
export interface ForwardedChat {
  /** As the client sent it; `request.model` is the name to be routed there. */
  readonly request: ChatRequest;
  readonly requestId: string;
  /** Counts the entry node's attempts at peers, so that the other side can tell a repetition. */
  readonly attempt: number;
  readonly principal: Principal;
  /** Milliseconds that are left. */
  readonly remainingMs: number;
}

export interface ServingPeer {
  readonly peer: string;
  /** Its human name, for logs and headers. */
  readonly name: string;
}

/** The frames of an answer that another node makes. `failure`: it refused, or nothing came before the first content. */
export type ForwardResult =
  | { readonly ok: true; readonly frames: AsyncIterable<readonly Frame[]>; readonly target: string }
  | { readonly ok: false; readonly failure: UpstreamError };

export interface Peers {
  /** Live members that serve this model to this tenant, best first. */
  serving(request: ChatRequest, principal: Principal): readonly ServingPeer[];
  /** Models that live members serve, with where. */
  models(): readonly { readonly model: string; readonly peers: readonly ServingPeer[] }[];
  /** Aborting reaches the upstream of the other node. Never throws for what the other side does. */
  forward(peer: ServingPeer, chat: ForwardedChat, signal: AbortSignal): Promise<ForwardResult>;
}
