// The entry node's half of forwarding: which members can answer, and asking one of them.

import { AbortScope } from '../../gateway/abort-scope.ts';
import type {
  EmbeddingForwardResult,
  ForwardedChat,
  ForwardedEmbedding,
  ForwardedOpaque,
  ForwardResult,
  OpaqueForwardResult,
  Peers,
  ServingPeer,
} from '../../gateway/peers.ts';
import type { UpstreamError } from '../../model/upstream-error.ts';
import { HttpFailure, type MeshResponse, type PeerId, type Random, type Transport } from '../../ports.ts';
import type { ModelStatus } from '../local-status.ts';
import { type PeerCandidate, rankPeers } from './peer-choice.ts';
import { SilenceWatch, type SilenceWatchDeps } from './silence-watch.ts';
import {
  EMBED_PATH,
  FORWARD_PATH,
  PASS_PATH,
  parseError,
  parseFrames,
  parseVectors,
  renderForwarded,
  renderOpaque,
  TARGET_HEADER,
} from './wire.ts';

/** A member that takes requests now: alive, up, connected, allowed to serve. */
export interface TakingPeer {
  readonly peer: PeerId;
  readonly name: string;
  readonly inFlight: number;
  readonly capacity: number;
  readonly models: ReadonlyMap<string, ModelStatus>;
}

export interface ForwarderDeps extends SilenceWatchDeps {
  readonly transport: Pick<Transport, 'request'>;
  readonly random: Random;
  readonly taking: () => readonly TakingPeer[];
  /** Meets more members, if there are some that serve this model. */
  readonly find: (model: string) => Promise<void> | undefined;
  /** A request has met silence or a broken connection: no new ones should go there for now. */
  readonly suspect: (peer: PeerId) => void;
}

const OUT_OF_REACH = new HttpFailure('response', 'It is out of reach');

/** An error is a few sentences. */
const ERROR_BYTES_MAX = 64 * 1_024;
/** Of vectors: 2,048 inputs of 4,096 dimensions. */
const VECTORS_BYTES_MAX = 256 * 1_048_576;

/** What another node says to a request, as soon as it says anything. */
type Asked =
  | {
      readonly ok: true;
      readonly response: MeshResponse;
      /** Its body. A connection that breaks is an HttpFailure. */
      readonly body: AsyncGenerator<Uint8Array>;
      readonly target: string;
      /** Call it when the answer has ended. */
      readonly done: () => void;
    }
  | { readonly ok: false; readonly failure: UpstreamError };

export class Forwarder implements Peers {
  readonly #deps: ForwarderDeps;
  /** Requests under way, by who is to answer them. */
  readonly #underWay = new Map<PeerId, Set<AbortScope>>();
  readonly #silence: SilenceWatch;

  constructor(deps: ForwarderDeps) {
    this.#deps = deps;
    this.#silence = new SilenceWatch(deps);
  }

  find(model: string): Promise<void> | undefined {
    return this.serves(model) ? undefined : this.#deps.find(model);
  }

  serves(model: string): boolean {
    return this.#deps.taking().some(({ models }) => models.has(model));
  }

  serving(names: readonly string[], affinity: string | undefined): readonly ServingPeer[] {
    const candidates = this.#deps.taking().flatMap((peer): PeerCandidate[] => {
      const model = names.find((name) => isUsable(peer.models.get(name)));
      if (model === undefined) return [];
      const { ttftMs } = peer.models.get(model) ?? {};
      const unanswered = this.#underWay.get(peer.peer)?.size ?? 0;
      return [{ ...peer, model, unanswered, ...(ttftMs !== undefined && { ttftMs }) }];
    });
    return rankPeers(candidates, affinity, () => this.#deps.random.next()).map(({ peer, name, model, costMs }) => ({
      peer,
      name,
      model,
      costMs,
    }));
  }

  models(): readonly { readonly model: string; readonly names: readonly string[] }[] {
    const served = new Map<string, string[]>();
    for (const { name, models } of this.#deps.taking()) {
      for (const model of models.keys()) served.set(model, [...(served.get(model) ?? []), name]);
    }
    return [...served].map(([model, names]) => ({ model, names }));
  }

  /** Nothing more will come from it, though its connection is still open: a cut cable does not say so. */
  giveUp(peer: PeerId): void {
    for (const scope of this.#underWay.get(peer) ?? []) scope.abort(OUT_OF_REACH);
  }

  async forward(peer: ServingPeer, chat: ForwardedChat, signal: AbortSignal): Promise<ForwardResult> {
    const asked = await this.#ask(peer, FORWARD_PATH, renderForwarded(chat), chat.request.model, signal);
    if (!asked.ok) return asked;
    return { ok: true, frames: counted(parseFrames(untilCut(asked.body)), asked.done), target: asked.target };
  }

  async embed(peer: ServingPeer, request: ForwardedEmbedding, signal: AbortSignal): Promise<EmbeddingForwardResult> {
    const asked = await this.#ask(peer, EMBED_PATH, renderForwarded(request), request.request.model, signal);
    if (!asked.ok) return asked;
    try {
      const answer = parseVectors(await textOf(untilCut(asked.body), VECTORS_BYTES_MAX));
      if (answer) return { ok: true, answer, target: asked.target };
      const message = `${peer.name}: it ended its answer before it was complete.`;
      return { ok: false, failure: { code: 'upstream_cut', message } };
    } finally {
      asked.done();
    }
  }

  async pass(peer: ServingPeer, request: ForwardedOpaque, signal: AbortSignal): Promise<OpaqueForwardResult> {
    const asked = await this.#ask(peer, PASS_PATH, renderOpaque(request), request.request.model, signal);
    if (!asked.ok) return asked;
    const { response, body, done, target } = asked;
    const { status, headers } = response;
    return { ok: true, response: { status, headers, body: counted(body, done) }, target };
  }

  async #ask(
    { peer, name }: ServingPeer,
    path: string,
    body: Uint8Array,
    model: string,
    signal: AbortSignal,
  ): Promise<Asked> {
    const scope = new AbortScope(this.#deps.clock, signal);
    const done = this.#begin(peer, scope);
    const answered = this.#silence.begin(peer, () => scope.abort(OUT_OF_REACH));
    try {
      const response = await this.#deps.transport.request(peer, {
        path,
        headers: { 'content-type': 'application/json' },
        body,
        signal: scope.signal,
      });
      answered(true);
      if (response.status < 200 || response.status >= 300) {
        const failure = parseError(await textOf(response.body, ERROR_BYTES_MAX));
        if (signal.aborted) throw signal.reason;
        done();
        return { ok: false, failure: { ...failure, message: `${name}: ${failure.message}` } };
      }
      const target = response.headers[TARGET_HEADER] ?? model;
      return { ok: true, response, body: this.#watched(peer, response, signal), target, done };
    } catch (thrown) {
      answered(false);
      done();
      if (signal.aborted) throw signal.reason;
      if (!(thrown instanceof HttpFailure)) throw thrown;
      this.#deps.suspect(peer);
      return { ok: false, failure: lostPeer(thrown, name) };
    }
  }

  /** @returns what to call when it has ended */
  #begin(peer: PeerId, scope: AbortScope): () => void {
    const scopes = this.#underWay.get(peer) ?? new Set();
    this.#underWay.set(peer, scopes.add(scope));
    return () => {
      scope.end();
      scopes.delete(scope);
      if (scopes.size === 0 && this.#underWay.get(peer) === scopes) this.#underWay.delete(peer);
    };
  }

  /** A connection that breaks is a failure of the answer, and a reason to doubt the member. */
  async *#watched(peer: PeerId, { body }: MeshResponse, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    try {
      yield* body;
    } catch (thrown) {
      if (signal.aborted) throw signal.reason;
      if (thrown instanceof HttpFailure) this.#deps.suspect(peer);
      throw thrown;
    }
  }
}

/** Of bytes that say themselves where they end, a connection that breaks is an end too soon. */
async function* untilCut(body: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (thrown) {
    if (!(thrown instanceof HttpFailure)) throw thrown;
  }
}

/** Calls `done` once, when the last piece was read, or nobody wants more. */
function counted<Piece>(pieces: AsyncGenerator<Piece>, done: () => void): AsyncIterable<Piece> {
  let isDone = false;
  const once = (): void => {
    if (!isDone) done();
    isDone = true;
  };
  return {
    [Symbol.asyncIterator]: () => ({
      async next() {
        try {
          const result = await pieces.next();
          if (result.done) once();
          return result;
        } catch (error) {
          once();
          throw error;
        }
      },
      async return() {
        once();
        await pieces.return(undefined);
        return { done: true, value: undefined };
      },
    }),
  };
}

function isUsable(model: ModelStatus | undefined): boolean {
  return model !== undefined && model.breaker !== 'open';
}

function lostPeer({ stage }: HttpFailure, name: string): UpstreamError {
  return stage === 'connect'
    ? { code: 'upstream_unreachable', message: `The node ${name} cannot be reached.` }
    : { code: 'upstream_cut', message: `The connection to the node ${name} broke.` };
}

/** What is longer is cut. */
async function textOf(body: AsyncIterable<Uint8Array>, bytesMax: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > bytesMax) break;
  }
  return Buffer.concat(chunks).toString();
}
