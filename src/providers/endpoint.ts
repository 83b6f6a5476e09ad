// The address and the headers of one call to an account.
//
// People write base URLs with and without `/v1`, and dialects name their paths with and without it; both meet here so
// that the version is there exactly once. Only configuration decides the host: whatever a client put into a model name
// that would lead elsewhere is refused.

import { GatewayError } from '../errors.ts';
import type { DialectName } from '../model/chat.ts';
import { VERSION } from '../version.ts';
import type { Account } from './account.ts';
import { azureUrl } from './azure.ts';

export interface EndpointCall {
  /** Begins with `/`, may carry a query; what a client decided in it is percent-encoded. */
  readonly path: string;
  /** The dialect's own headers. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Endpoint {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The version segment a dialect's paths stand under. A bare host gets it; Ollama has none. */
const VERSION_SEGMENTS: Readonly<Record<DialectName, string>> = {
  'openai-chat': '/v1',
  'openai-completions': '/v1',
  'openai-responses': '/v1',
  anthropic: '/v1',
  gemini: '/v1beta',
  ollama: '',
};
const LEADING_VERSION = /^\/v\d+(?:beta|alpha)?(?=\/)/;
const TRAILING_VERSION = /\/v\d+(?:beta|alpha)?$/;

/** @throws GatewayError `bad_request` when the model's name cannot stand in a URL */
export function endpointFor(account: Account, key: string | undefined, call: EndpointCall, model: string): Endpoint {
  return { url: checked(urlOf(account, call.path, model)), headers: headersOf(account, key, call) };
}

function urlOf(account: Account, path: string, model: string): string {
  const { baseUrl, dialect, azureApiVersion } = account;
  if (azureApiVersion !== undefined)
    return azureUrl(baseUrl, path.replace(LEADING_VERSION, ''), model, azureApiVersion);
  if (dialect === 'ollama') return baseUrl.replace(/\/(?:v1|api)$/, '') + path;
  if (TRAILING_VERSION.test(baseUrl)) return baseUrl + path.replace(LEADING_VERSION, '');
  const isBareHost = !baseUrl.includes('/', baseUrl.indexOf('://') + 3);
  // An OpenAI-compatible base with a path of its own (`…/v1/openai`, `…/serving`) is complete as it is; the other
  // dialects keep their version below any prefix.
  if (dialect.startsWith('openai') && !isBareHost) return baseUrl + path.replace(LEADING_VERSION, '');
  return LEADING_VERSION.test(path) ? baseUrl + path : baseUrl + VERSION_SEGMENTS[dialect] + path;
}

/** Nothing in it that a parser could change; nearly every endpoint, and a twentieth of the time. */
const PLAIN_URL = /^https?:\/\/[a-z0-9.-]+(:\d+)?(\/[\w~-][\w.~-]*)+$/;

/** A URL that its own parser would change (`..`, a space, a backslash), or with a second query, leads somewhere else. */
function checked(url: string): string {
  if (PLAIN_URL.test(url)) return url;
  const isPlain = !url.includes('#') && url.indexOf('?') === url.lastIndexOf('?');
  if (isPlain && URL.parse(url)?.href === url) return url;
  throw new GatewayError('bad_request', 'The model name contains characters that no upstream address can carry.', {
    param: 'model',
  });
}

/** Later ones win: the configuration's own headers may replace everything, a client's beta headers nothing of ours. */
function headersOf(account: Account, key: string | undefined, call: EndpointCall): Record<string, string> {
  return {
    'content-type': 'application/json',
    'user-agent': `flowmesh/${VERSION}`,
    ...call.headers,
    ...authHeader(account, key),
    ...account.headers,
  };
}

function authHeader({ auth }: Account, key: string | undefined): Record<string, string> {
  if (key === undefined || auth.type === 'none') return {};
  return auth.type === 'bearer' ? { authorization: `Bearer ${key}` } : { [auth.name]: key };
}
