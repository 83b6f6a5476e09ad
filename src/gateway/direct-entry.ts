// The way into a node without HTTP, for programs that run one inside themselves and for the simulator. What the HTTP
// edge does around a request is done here too: known key, admission, trace, and the one settlement at its end.

import { GatewayError, toGatewayError } from '../errors.ts';
import type { ChatRequest } from '../model/chat.ts';
import type { Frame } from '../model/stream.ts';
import type { Clock, Random, StopSignal } from '../ports.ts';
import type { KeyRing } from '../tenancy/key-ring.ts';
import type { Principal } from '../tenancy/principal.ts';
import type { Admission } from './admission.ts';
import type { Answer } from './answer.ts';
import type { RequestContext } from './pipeline.ts';
import { RequestTrace } from './trace.ts';

export interface DirectEntryDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly admission: Admission;
  readonly keyRing: KeyRing;
  /** When this node is full another one may answer. */
  readonly hasPeers: boolean;
  readonly handle: (request: ChatRequest, context: RequestContext) => Promise<Answer>;
  readonly settle: (trace: RequestTrace) => void;
  readonly noteFailure: (trace: RequestTrace, error: GatewayError) => void;
}

export interface AskOptions {
  /** A virtual key; needed as soon as the node has any. */
  readonly secret?: string;
  readonly requestId?: string;
  /** Aborts when the client has left. */
  readonly signal?: StopSignal;
}

/** Where the client is, for keys that may be used from some addresses only. */
const HERE = '127.0.0.1';
const OPERATION = 'direct';
const NO_KEYS: ReadonlyMap<string, string> = new Map();

export class DirectEntry {
  readonly #deps: DirectEntryDeps;

  constructor(deps: DirectEntryDeps) {
    this.#deps = deps;
  }

  /** @throws GatewayError while it is read, also after its first frames */
  async *ask(request: ChatRequest, options: AskOptions): AsyncGenerator<readonly Frame[]> {
    const { clock, random, admission, hasPeers, handle, settle, noteFailure } = this.#deps;
    const trace = new RequestTrace(options.requestId ?? random.uuid(), OPERATION, clock.elapsed());
    let place: 'here' | 'elsewhere' | undefined;
    let answer: Answer | undefined;
    const left = new AbortController();
    const onAbort = (): void => left.abort(new GatewayError('client_closed', 'The client left.'));
    options.signal?.addEventListener('abort', onAbort, { once: true });
    try {
      if (options.signal?.aborted) onAbort();
      const principal = this.#principal(options.secret);
      place = admission.enter(hasPeers);
      answer = await handle(request, {
        trace,
        principal,
        signal: left.signal,
        ownKeys: NO_KEYS,
        headers: () => ({}),
        isExplained: false,
        isSpilledOver: place === 'elsewhere',
      });
      for (let batch = await answer.next(); batch; batch = await answer.next()) yield batch;
    } catch (thrown) {
      const error = toGatewayError(thrown);
      noteFailure(trace, error);
      throw error;
    } finally {
      options.signal?.removeEventListener('abort', onAbort);
      answer?.cancel();
      if (place) admission.leave(place);
      settle(trace);
    }
  }

  #principal(secret: string | undefined): Principal {
    const { keyRing } = this.#deps;
    const secrets = secret === undefined ? [] : [secret];
    return keyRing.admitsAnonymous(secrets) ? keyRing.anonymous() : keyRing.identify(secrets, HERE);
  }
}
