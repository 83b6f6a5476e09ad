// What the request path knows of other nodes: a peer is one more place an attempt can go. The mesh implements it.

import type { ChatRequest } from '../model/chat.ts';
import type { EmbeddingRequest, EmbeddingResponse } from '../model/embedding.ts';
import type { Frame } from '../model/stream.ts';
import type { UpstreamError } from '../model/upstream-error.ts';
import type { HttpResponse, PeerId, StopSignal } from '../ports.ts';
import type { Principal } from '../tenancy/principal.ts';
import type { OpaqueRequest } from './opaque-request.ts';

/** A live member that serves what is asked. */
export interface ServingPeer {
  readonly peer: PeerId;
  /** Its human name, for logs and headers. */
  readonly name: string;
  /** The name to ask it for. */
  readonly model: string;
  /** How long its next answer may take to begin, in arbitrary but comparable units. */
  readonly costMs: number;
}

/** A request as it goes from the entry node to the executor. */
export interface Forwarded<Request> {
  /** `request.model` is the name to be routed there. */
  readonly request: Request;
  readonly requestId: string;
  /** Counts the entry node's attempts, so that the executor can tell a repetition. */
  readonly attempt: number;
  /** Who asks, by the entry node's word. */
  readonly principal: Principal;
  /** Milliseconds that are left of the request's whole time. */
  readonly remainingMs: number;
}

export type ForwardedChat = Forwarded<ChatRequest>;
export type ForwardedEmbedding = Forwarded<EmbeddingRequest>;
export type ForwardedOpaque = Forwarded<OpaqueRequest>;

/** The answer another node makes. It ends with `response-end` or `error`; a connection that breaks is an `error`, too. */
export type ForwardResult =
  | {
      readonly ok: true;
      readonly frames: AsyncIterable<readonly Frame[]>;
      /** The target there. */
      readonly target: string;
    }
  | { readonly ok: false; readonly failure: UpstreamError };

export type EmbeddingForwardResult =
  | { readonly ok: true; readonly answer: EmbeddingResponse; readonly target: string }
  | { readonly ok: false; readonly failure: UpstreamError };

export type OpaqueForwardResult =
  | { readonly ok: true; readonly response: HttpResponse; readonly target: string }
  | { readonly ok: false; readonly failure: UpstreamError };

export interface Peers {
  /**
   * In a mesh too large for everyone to know everyone: looks for members that serve this model, when no known one does.
   * Never rejects; undefined when there is nothing to wait for.
   */
  find(model: string): Promise<void> | undefined;
  /** Does any live member serve this model? */
  serves(model: string): boolean;
  /**
   * Live members that serve one of these names, best first.
   * @param affinity requests with the same one go to the same member as long as that is about as good as any
   */
  serving(names: readonly string[], affinity: string | undefined): readonly ServingPeer[];
  /** Models that live members serve, with where. */
  models(): readonly { readonly model: string; readonly names: readonly string[] }[];
  /** Aborting reaches the upstream of the other node. Rejects only with the signal's reason. */
  forward(peer: ServingPeer, chat: ForwardedChat, signal: StopSignal): Promise<ForwardResult>;
  /** The same for vectors. */
  embed(peer: ServingPeer, asked: ForwardedEmbedding, signal: StopSignal): Promise<EmbeddingForwardResult>;
  /** The same for what is only passed on. The answer's body fails with HttpFailure when the connection breaks. */
  pass(peer: ServingPeer, asked: ForwardedOpaque, signal: StopSignal): Promise<OpaqueForwardResult>;
}
