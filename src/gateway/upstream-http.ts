// Calls an upstream over HTTP for one attempt: the endpoint, the credential, the deadline to the head, the status.
// What every kind of attempt (chat, embeddings, token count, pass-through) shares.

import type { UpstreamCall, UpstreamSide } from '../dialects/dialect.ts';
import { dialects } from '../dialects/registry.ts';
import { foreignError } from '../dialects/upstream-failure.ts';
import { GatewayError } from '../errors.ts';
import type { UpstreamError } from '../model/upstream-error.ts';
import { type HttpClient, HttpFailure, type HttpResponse, type StopSignal } from '../ports.ts';
import { endpointFor } from '../providers/endpoint.ts';
import type { AbortScope } from './abort-scope.ts';
import { withoutKey } from './key-guard.ts';
import type { Target } from './target.ts';
import type { RequestTrace } from './trace.ts';

/** An unstreamed answer larger than this is refused: 4,096 dimensions × 2,048 inputs of embeddings fit. */
export const ANSWER_BYTES_MAX = 256 * 1024 * 1024;
/** Of an error answer only the beginning is read, and not for long: its status says the most. */
const ERROR_BYTES_MAX = 64 * 1024;
const ERROR_TEXT_MS = 5_000;

/** The dialect's upstream side, or a clear failure for one that only clients speak. */
export function upstreamSide({ account }: Target): UpstreamSide {
  if (account.isBuiltin) throw new GatewayError('unsupported', `${account.name} answers chats only.`);
  const { upstream } = dialects[account.dialect];
  if (!upstream) throw new GatewayError('unsupported', `The dialect ${account.dialect} is not for upstreams.`);
  return upstream;
}

/** Notes in the request's account when it is written to an upstream, which may bill it from then on. */
export function noting(http: HttpClient, { account }: Pick<RequestTrace, 'account'>): HttpClient {
  if (!account) return http;
  const onSend = (isMore: boolean): void => account.noteSent(isMore);
  return { request: (request) => http.request({ ...request, onSend }), close: () => http.close() };
}

export interface OpenedCall {
  readonly ok: true;
  readonly response: HttpResponse;
}

export interface FailedCall {
  readonly ok: false;
  readonly failure: UpstreamError;
}

/** Posts a call in JSON; resolves with the open answer when its status says success. */
export function openCall(
  http: HttpClient,
  target: Target,
  key: string,
  call: UpstreamCall,
  scope: AbortScope,
): Promise<OpenedCall | FailedCall> {
  const body = target.extraBody ? { ...call.body, ...target.extraBody } : call.body;
  return openRequest(http, target, key, { ...call, text: stringified(body) }, scope);
}

export interface RawCall {
  readonly path: string;
  readonly text: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

export async function openRequest(
  http: HttpClient,
  target: Target,
  key: string,
  call: RawCall,
  scope: AbortScope,
): Promise<OpenedCall | FailedCall> {
  const endpoint = endpointFor(target.account, key === '' ? undefined : key, call, target.model);
  const response = await http.request({
    method: 'POST',
    url: endpoint.url,
    headers: { ...endpoint.headers, ...target.headers },
    body: call.text,
    signal: scope.signal,
    connectTimeoutMs: target.timeouts.connectMs,
  });
  if (response.status >= 200 && response.status < 300) return { ok: true, response };
  const text = withoutKey(await errorText(response, scope), key);
  const { upstream } = dialects[target.account.dialect];
  const parse = upstream ? upstream.parseError.bind(upstream) : foreignError;
  return { ok: false, failure: parse(response.status, response.headers, text) };
}

/** What came of an error answer's body. Its status counts even when its words are late or cut off. */
async function errorText(response: HttpResponse, scope: AbortScope): Promise<string> {
  scope.deadline(ERROR_TEXT_MS, 'The upstream did not end its error answer');
  try {
    return await readText(response, ERROR_BYTES_MAX, 'cut');
  } catch (thrown) {
    if (thrown instanceof HttpFailure || scope.isLate) return '';
    throw thrown;
  }
}

/** JSON text, or a clear refusal of a body nested so deeply that it cannot be written again. */
function stringified(body: object): string {
  try {
    return JSON.stringify(body);
  } catch (error) {
    if (error instanceof RangeError) throw new GatewayError('bad_request', 'The request body is nested too deeply.');
    throw error;
  }
}

/** The whole body as text. Past the limit: the rest is refused, and what was read is returned or it is an error. */
export async function readText(response: HttpResponse, bytesMax: number, overflow: 'cut' | 'fail'): Promise<string> {
  const arrived = response.arrived?.(bytesMax);
  if (arrived) return textOf(arrived);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes <= bytesMax) continue;
    if (overflow === 'fail')
      throw new GatewayError('upstream_garbage', `The upstream's answer is larger than ${bytesMax} bytes.`);
    break;
  }
  const [only] = chunks;
  return textOf(chunks.length === 1 && only ? only : Buffer.concat(chunks, bytes));
}

function textOf({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('utf8');
}

/** What went wrong with a call that threw, as a failure of its target; the request's own abort is passed on. */
export function failureOf(thrown: unknown, requestSignal: StopSignal): FailedCall {
  if (requestSignal.aborted) throw requestSignal.reason;
  if (thrown instanceof GatewayError) {
    const { code, message, param } = thrown;
    return { ok: false, failure: { code, message, ...(param !== undefined && { param }) } };
  }
  if (thrown instanceof HttpFailure) return { ok: false, failure: connectionFailure(thrown) };
  throw thrown;
}

function connectionFailure({ stage, message }: HttpFailure): UpstreamError {
  // System error codes help whoever reads the log; sentences of the system name addresses, which are not the client's.
  const reason = /^[A-Z][A-Z0-9_]+$/.test(message) ? ` (${message})` : '';
  return stage === 'connect'
    ? { code: 'upstream_unreachable', message: `No connection to the upstream could be made${reason}.` }
    : {
        code: 'upstream_cut',
        message: `The upstream closed the connection before its answer was complete${reason}.`,
      };
}
