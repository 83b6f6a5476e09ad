// The fingerprint of a request: a hash of everything that decides its answer, and of nothing else. Requests of different
// dialects that mean the same have the same one, so that an answer kept for one client serves another.

import { hash } from 'node:crypto';
import type { ChatRequest } from '../model/chat.ts';
import { canonicalText } from './canonical.ts';
import { unmodelledFields } from './unmodelled.ts';

export interface FingerprintContext {
  /** Who may share the answer: `tenant:acme`, or a scope that several tenants share. */
  readonly scope: string;
  readonly namespace: string;
  /** Names whoever may answer: the chain with its targets. */
  readonly chain: string;
  /** Hashes of the passages that were put into the prompt, in their order. */
  readonly passages?: readonly string[];
}

/** Changes when entries of before can no longer be used: their shape, or what a fingerprint is made of. */
const FORMAT = 2;

/** Of requests that are still in use: one that comes again need not be written out again. */
const digests = new WeakMap<ChatRequest, string>();

export function fingerprint(request: ChatRequest, context: FingerprintContext): string {
  const { scope, namespace, chain, passages = [] } = context;
  let digest = digests.get(request);
  if (digest === undefined) {
    digest = digestOf(request);
    digests.set(request, digest);
  }
  return hash('sha256', JSON.stringify([FORMAT, scope, namespace, chain, passages, digest]));
}

/** Of what the request itself says. */
function digestOf(request: ChatRequest): string {
  // Everything that is not named here counts, also what the model will know one day. The model's name chose the chain.
  const {
    model: _model,
    isStream: _isStream,
    isUsageWanted: _isUsageWanted,
    endUser: _endUser,
    metadata: _metadata,
    original: _original,
    ...deciding
  } = request;
  return hash('sha256', canonicalText([deciding, unmodelledFields(request) ?? null]));
}
