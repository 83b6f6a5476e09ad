// Every way in which an upstream fails, and what follows from it: the table behind failures.test.ts.

import type { ErrorCode } from '../../src/errors.ts';
import type { RouteName } from '../conformance/gateway.ts';
import type { Fault } from '../support/upstreams/server.ts';

export interface FaultCase {
  readonly name: string;
  /** `refused`: nobody listens there. */
  readonly fault: Fault | 'refused';
  /** What the gateway makes of it. */
  readonly code: ErrorCode;
  /** Where it is not the code's own. */
  readonly status?: number;
  /** What the upstream said, else how long its only key is set aside. */
  readonly retryAfterMs?: number;
  /** Only streamed or only whole answers can fail so. Default: both. */
  readonly only?: 'streamed' | 'whole';
  /** The first content has reached the client. */
  readonly isMidStream?: boolean;
  /** Only these upstreams can fail so. */
  readonly upstreams?: readonly RouteName[];
  /** Silence: the target gets short deadlines. */
  readonly isSilent?: boolean;
  /** Costs a second of work, so that one client for each upstream must do. */
  readonly isHeavy?: boolean;
}

const RETRY_AFTER_MS = 12_000;
/** `cooldown.baseMs` by default. */
const COOLDOWN_MS = 5_000;
/** How long a refused or exhausted key is left alone. */
const DEAD_KEY_MS = 60_000;

function rateLimited(as: 'seconds' | 'milliseconds' | 'date' | 'retry-info'): Fault {
  return { type: 'status', status: 429, retryAfter: { as, ms: RETRY_AFTER_MS } };
}

const OPENAI_LIKE: readonly RouteName[] = ['openai', 'openai-responses', 'azure', 'compatible'];

const STATUSES: readonly FaultCase[] = [
  { name: '400', fault: { type: 'status', status: 400 }, code: 'bad_request' },
  { name: '401', fault: { type: 'status', status: 401 }, code: 'upstream_authentication', retryAfterMs: DEAD_KEY_MS },
  { name: '402', fault: { type: 'status', status: 402 }, code: 'upstream_quota', retryAfterMs: DEAD_KEY_MS },
  { name: '403', fault: { type: 'status', status: 403 }, code: 'upstream_permission', retryAfterMs: DEAD_KEY_MS },
  { name: '404', fault: { type: 'status', status: 404 }, code: 'upstream_not_found' },
  { name: '408', fault: { type: 'status', status: 408 }, code: 'upstream_timeout' },
  { name: '413', fault: { type: 'status', status: 413 }, code: 'body_too_large' },
  { name: '422', fault: { type: 'status', status: 422 }, code: 'unprocessable' },
  {
    name: '429 that does not say for how long',
    fault: { type: 'status', status: 429 },
    code: 'upstream_rate_limited',
    retryAfterMs: COOLDOWN_MS,
  },
  {
    name: '429 with Retry-After in seconds',
    fault: rateLimited('seconds'),
    code: 'upstream_rate_limited',
    retryAfterMs: RETRY_AFTER_MS,
  },
  {
    name: '429 with retry-after-ms',
    fault: rateLimited('milliseconds'),
    code: 'upstream_rate_limited',
    retryAfterMs: RETRY_AFTER_MS,
  },
  {
    name: '429 with Retry-After as a date',
    fault: rateLimited('date'),
    code: 'upstream_rate_limited',
    retryAfterMs: RETRY_AFTER_MS,
  },
  {
    name: '429 with RetryInfo in the body',
    fault: rateLimited('retry-info'),
    code: 'upstream_rate_limited',
    retryAfterMs: RETRY_AFTER_MS,
    upstreams: ['gemini'],
  },
  {
    name: '429 in plain text',
    fault: { type: 'text-429' },
    code: 'upstream_rate_limited',
    retryAfterMs: 7_000,
  },
  {
    name: '429 because the credit is used up',
    fault: { type: 'status', status: 429, reason: 'quota' },
    code: 'upstream_quota',
    retryAfterMs: DEAD_KEY_MS,
    upstreams: OPENAI_LIKE,
  },
  {
    name: '400 because the prompt is too long',
    fault: { type: 'status', status: 400, reason: 'context-length' },
    code: 'context_length_exceeded',
  },
  {
    name: '400 because of the content policy',
    fault: { type: 'status', status: 400, reason: 'content-filter' },
    code: 'content_filtered',
    upstreams: ['openai', 'openai-responses', 'azure', 'anthropic'],
  },
  { name: '500', fault: { type: 'status', status: 500 }, code: 'upstream_error' },
  { name: 'empty 500', fault: { type: 'empty-500' }, code: 'upstream_error' },
  { name: '502 of a proxy in HTML', fault: { type: 'html-502' }, code: 'upstream_error' },
  { name: '503', fault: { type: 'status', status: 503 }, code: 'upstream_overloaded' },
  { name: '504', fault: { type: 'status', status: 504 }, code: 'upstream_timeout' },
  { name: '529', fault: { type: 'status', status: 529 }, code: 'upstream_overloaded', status: 529 },
];

/** How a stream's error event reads, by the upstream's own words. */
function reported(fault: 'error-in-200' | 'response-failed', after: 0 | 2): readonly FaultCase[] {
  const isMidStream = after > 0;
  const name = `${fault} ${isMidStream ? 'after' : 'before'} the first content`;
  const shared = { name, fault: { type: fault, after }, only: 'streamed', isMidStream } as const;
  if (fault === 'response-failed') return [{ ...shared, code: 'upstream_error', upstreams: ['openai-responses'] }];
  return [
    { ...shared, code: 'upstream_overloaded', upstreams: ['anthropic', 'gemini'] },
    { ...shared, code: 'upstream_error', upstreams: [...OPENAI_LIKE, 'mistral', 'ollama'] },
  ];
}

const BROKEN_ANSWERS: readonly FaultCase[] = [
  { name: 'a refused connection', fault: 'refused', code: 'upstream_unreachable' },
  {
    name: 'silence before the headers',
    fault: { type: 'hang-before-headers' },
    code: 'upstream_timeout',
    isSilent: true,
  },
  {
    name: 'silence after the headers',
    fault: { type: 'hang-mid-stream', after: -1 },
    code: 'upstream_timeout',
    isSilent: true,
  },
  {
    name: 'silence before the first content',
    fault: { type: 'hang-mid-stream', after: 0 },
    code: 'upstream_timeout',
    only: 'streamed',
    isSilent: true,
  },
  { name: 'a cut after the headers', fault: { type: 'cut-mid-stream', after: -1 }, code: 'upstream_cut' },
  {
    name: 'a cut before the first content',
    fault: { type: 'cut-mid-stream', after: 0 },
    code: 'upstream_cut',
    only: 'streamed',
  },
  {
    name: 'an orderly end after the headers',
    fault: { type: 'clean-end-early', after: -1 },
    code: 'upstream_cut',
    only: 'streamed',
  },
  {
    name: 'an orderly end before the first content',
    fault: { type: 'clean-end-early', after: 0 },
    code: 'upstream_cut',
    only: 'streamed',
  },
  {
    name: 'an orderly end in the middle of the body',
    fault: { type: 'clean-end-early', after: 0 },
    code: 'upstream_garbage',
    only: 'whole',
  },
  {
    name: 'an error under status 200',
    fault: { type: 'error-in-200', after: 0 },
    code: 'upstream_error',
    only: 'whole',
  },
  ...reported('error-in-200', 0),
  ...reported('response-failed', 0),
  { name: 'garbage instead of an answer', fault: { type: 'garbage-frame', after: 0 }, code: 'upstream_garbage' },
  {
    name: 'a line without end before the first content',
    fault: { type: 'huge-line', after: 0 },
    code: 'upstream_garbage',
    only: 'streamed',
    isHeavy: true,
  },
];

const CUT_ANSWERS: readonly FaultCase[] = [
  {
    name: 'silence after two pieces',
    fault: { type: 'hang-mid-stream', after: 2 },
    code: 'upstream_timeout',
    isSilent: true,
  },
  { name: 'a cut after two pieces', fault: { type: 'cut-mid-stream', after: 2 }, code: 'upstream_cut' },
  { name: 'a cut after all content', fault: { type: 'cut-mid-stream', after: 'content' }, code: 'upstream_cut' },
  { name: 'an orderly end after two pieces', fault: { type: 'clean-end-early', after: 2 }, code: 'upstream_cut' },
  {
    name: 'an orderly end after all content',
    fault: { type: 'clean-end-early', after: 'content' },
    code: 'upstream_cut',
  },
  ...reported('error-in-200', 2),
  ...reported('response-failed', 2),
  { name: 'garbage after two pieces', fault: { type: 'garbage-frame', after: 2 }, code: 'upstream_garbage' },
  {
    name: 'a second start after two pieces',
    fault: { type: 'duplicate-start', after: 2 },
    code: 'upstream_garbage',
    upstreams: ['anthropic'],
  },
  {
    name: 'a line without end after two pieces',
    fault: { type: 'huge-line', after: 2 },
    code: 'upstream_garbage',
    isHeavy: true,
  },
].map((one): FaultCase => ({ ...(one as FaultCase), only: 'streamed', isMidStream: true }));

export const FAULT_CASES: readonly FaultCase[] = [...STATUSES, ...BROKEN_ANSWERS, ...CUT_ANSWERS];

/** Unusual, but nothing is wrong with them. */
export const HARMLESS: readonly { readonly name: string; readonly fault: Fault; readonly isHeavy?: boolean }[] = [
  { name: 'one line of more than 200 kB', fault: { type: 'oversized-line' } },
  { name: 'single bytes', fault: { type: 'slow-drip', delayMs: 0 }, isHeavy: true },
  { name: 'a label of text/html', fault: { type: 'wrong-content-type' } },
];
