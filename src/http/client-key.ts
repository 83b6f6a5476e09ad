// Who asks: the client's key from wherever its SDK puts it, checked before the body is read.

import type { FastifyRequest } from 'fastify';
import { GatewayError } from '../errors.ts';
import { providerNamed } from '../gateway/own-key-provider.ts';

/** The keys as OpenAI, Anthropic, Google and Azure SDKs send them; some tools send two, and one of them is a dummy. */
export function presentedKeys(request: FastifyRequest): string[] {
  const { headers } = request;
  const keys: string[] = [];
  const add = (key: unknown): void => {
    const text = typeof key === 'string' ? key.trim() : '';
    if (text !== '') keys.push(text);
  };
  add(presentedBearer(request));
  add(headers['x-api-key']);
  add(headers['x-goog-api-key']);
  add(headers['api-key']);
  add((request.query as { key?: unknown }).key);
  return keys;
}

export function presentedBearer({ headers }: FastifyRequest): string | undefined {
  const { authorization } = headers;
  return authorization === undefined ? undefined : /^bearer\s+(.+)$/i.exec(authorization)?.[1]?.trim();
}

/** More than this many keys nobody has. */
const OWN_KEYS_MAX = 20;

/**
 * The client's own credentials: `x-provider-key: openai=sk-…, anthropic=sk-ant-…`.
 * @throws GatewayError `bad_request`
 */
export function ownKeys(request: FastifyRequest): ReadonlyMap<string, string> {
  const header = request.headers['x-provider-key'];
  if (header === undefined) return NO_KEYS;
  const pairs = String(header).split(',');
  if (pairs.length > OWN_KEYS_MAX)
    throw new GatewayError('bad_request', `At most ${OWN_KEYS_MAX} provider keys are taken.`);
  return new Map(
    pairs.map((pair) => {
      const equals = pair.indexOf('=');
      const written = pair.slice(0, Math.max(0, equals)).trim();
      const key = pair.slice(equals + 1).trim();
      // The header's value is a secret: the messages must not repeat any of it.
      if (written === '' || key === '') {
        throw new GatewayError('bad_request', 'Write x-provider-key as `provider=key`, several separated by commas.');
      }
      const provider = providerNamed(written);
      if (provider === undefined) {
        throw new GatewayError('bad_request', 'x-provider-key names a provider that flowmesh does not know.');
      }
      return [provider, key];
    }),
  );
}

const NO_KEYS: ReadonlyMap<string, string> = new Map();
