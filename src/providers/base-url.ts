// Base URLs as people write them, made uniform once when the configuration is loaded.

import { GatewayError } from '../errors.ts';

/** What belongs to a call, not to a base URL; people paste the whole endpoint. */
const PASTED_PATHS =
  /\/(?:chat\/completions|completions|responses|messages|embeddings|models|api\/(?:chat|generate|tags))$/;
const DOUBLED_VERSION = /(\/v\d+(?:beta|alpha)?)\1$/;

/**
 * Without trailing slashes, pasted endpoint paths, doubled versions, query or fragment.
 * @param owner who has this URL, for the message
 * @throws GatewayError `bad_request` for what is not an http(s) URL, or carries credentials
 */
export function normaliseBaseUrl(text: string, owner: string): string {
  const url = URL.parse(text.trim());
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new GatewayError('bad_request', `The url of ${owner} must begin with http:// or https://, unlike '${text}'.`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new GatewayError(
      'bad_request',
      `The url of ${owner} must not contain a user name or password; give the credential as 'key' or in 'headers'.`,
    );
  }
  const path = withoutTrailingSlashes(url.pathname).replace(PASTED_PATHS, '').replace(DOUBLED_VERSION, '$1');
  return url.origin + withoutTrailingSlashes(path);
}

function withoutTrailingSlashes(path: string): string {
  let end = path.length;
  while (end > 0 && path[end - 1] === '/') end -= 1;
  return path.slice(0, end);
}

/** This machine, by any of its usual names. */
export function isLoopback(baseUrl: string): boolean {
  const host = URL.parse(baseUrl)?.hostname ?? '';
  return host === 'localhost' || host.endsWith('.localhost') || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);
}
