// What is kept of traffic so that it can be asked again or compared: a request without whose it was, and what came of it.

import type { ChatRequest, Usage } from './chat.ts';

const REPLAYED = [
  'messages',
  'tools',
  'toolChoice',
  'parallelToolCalls',
  'sampling',
  'responseFormat',
  'reasoning',
  'modalities',
] as const satisfies readonly (keyof ChatRequest)[];

/** Everything that makes the answer, whichever model gives it. */
export type ReplayableRequest = Pick<ChatRequest, (typeof REPLAYED)[number]>;

export function replayable(request: ChatRequest): ReplayableRequest {
  const { messages, tools, sampling } = request;
  const kept = REPLAYED.filter((name) => request[name] !== undefined).map((name) => [name, request[name]] as const);
  return { messages, tools, sampling, ...Object.fromEntries(kept) };
}

/** One of the two answers to a request that was asked twice. */
export interface ShadowAnswer {
  readonly text: string;
  /** `account/model` that answered. */
  readonly target?: string;
  readonly ttftMs?: number;
  readonly totalMs: number;
  readonly usage?: Usage;
  /** US dollars; absent while the price is unknown. */
  readonly cost?: number;
  readonly finish?: string;
  /** Why there is no answer. */
  readonly error?: string;
}

export interface ShadowPair {
  /** The chain that served the client. */
  readonly chain: string;
  /** Where the copy went. */
  readonly to: string;
  readonly request: ReplayableRequest;
  readonly served: ShadowAnswer;
  readonly shadow: ShadowAnswer;
}
