// What follows from a failed attempt. One row a code, so that no two places decide differently.

import type { ErrorCode } from '../errors.ts';
import type { UpstreamError } from '../model/upstream-error.ts';

export interface FailurePolicy {
  /**
   * `final`: the client's own fault, every target would say the same.
   * `fallback`: another target may answer.
   * `retry`: so may this one, a moment later.
   */
  readonly proceed: 'final' | 'fallback' | 'retry';
  /** What is set aside: the credential for this model, the credential altogether, the target's circuit counts one up, or nothing. */
  readonly cools: 'key-model' | 'key' | 'target' | 'nothing';
}

const FINAL: FailurePolicy = { proceed: 'final', cools: 'nothing' };
const KEY_IS_DEAD: FailurePolicy = { proceed: 'fallback', cools: 'key' };
const TRY_AGAIN: FailurePolicy = { proceed: 'retry', cools: 'target' };

/** Codes that cannot come from an attempt are final. */
const POLICIES: Readonly<Partial<Record<ErrorCode, FailurePolicy>>> = {
  // This upstream cannot express it; one that speaks another dialect may.
  unsupported: { proceed: 'fallback', cools: 'nothing' },
  context_length_exceeded: { proceed: 'fallback', cools: 'nothing' },
  content_filtered: { proceed: 'fallback', cools: 'nothing' },
  // Each upstream has its own bound, of bytes or (Groq) of the tokens that an account may send in a minute.
  body_too_large: { proceed: 'fallback', cools: 'nothing' },
  // It has retired the model, has another name for it, or lacks the endpoint; the next target has names of its own.
  upstream_not_found: { proceed: 'fallback', cools: 'nothing' },
  upstream_authentication: KEY_IS_DEAD,
  upstream_permission: KEY_IS_DEAD,
  upstream_quota: KEY_IS_DEAD,
  upstream_rate_limited: { proceed: 'fallback', cools: 'key-model' },
  upstream_overloaded: TRY_AGAIN,
  upstream_error: TRY_AGAIN,
  upstream_unreachable: TRY_AGAIN,
  upstream_cut: TRY_AGAIN,
  upstream_garbage: TRY_AGAIN,
  // The deadline is spent: waiting as long once more at the same place is no help.
  upstream_timeout: { proceed: 'fallback', cools: 'target' },
  // Every key of the account is set aside.
  unavailable: { proceed: 'fallback', cools: 'nothing' },
};

export function policyOf(code: ErrorCode): FailurePolicy {
  return POLICIES[code] ?? FINAL;
}

/** Which failure tells the client most, when all targets failed: what it can act on first, mere absence last. */
const USEFULNESS: readonly ErrorCode[] = [
  'context_length_exceeded',
  'content_filtered',
  'body_too_large',
  'upstream_rate_limited',
  'upstream_overloaded',
  'upstream_timeout',
  'upstream_error',
  'upstream_cut',
  'upstream_garbage',
  'upstream_quota',
  'upstream_authentication',
  'upstream_permission',
  'upstream_not_found',
  // Often the last resort of a chain declining: what its betters said matters more.
  'unsupported',
  'upstream_unreachable',
];

/** Where what the client repairs by itself stands: before what is only worth waiting for. */
const CURABLE_RANK = USEFULNESS.indexOf('upstream_rate_limited') - 0.5;

export function usefulness({ code, param }: UpstreamError): number {
  // Anthropic's SDK sends the whole conversation when it hears this, and then every target may answer.
  if (code === 'unsupported' && param === 'thread') return CURABLE_RANK;
  const rank = USEFULNESS.indexOf(code);
  return rank < 0 ? USEFULNESS.length : rank;
}
