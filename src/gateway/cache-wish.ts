// What a client says of the cache, in headers that every SDK can send: `Cache-Control` and `x-flowmesh-cache-namespace`.

import { GatewayError } from '../errors.ts';

export interface CacheWish {
  /** A kept answer will do. */
  readonly isReadAllowed: boolean;
  /** The answer may be kept. */
  readonly isKeepAllowed: boolean;
  /** Nothing may be bought. */
  readonly isOnlyCached: boolean;
  /** No older answer will do, milliseconds. */
  readonly maxAgeMs: number;
  readonly namespace: string;
}

export const DEFAULT_NAMESPACE = 'default';
const NO_WISH = { isReadAllowed: true, isKeepAllowed: true, isOnlyCached: false, maxAgeMs: Number.POSITIVE_INFINITY };
const NAMESPACE_HEADER = 'x-flowmesh-cache-namespace';

/** @throws GatewayError `bad_request` for a namespace that is none; unknown directives are passed over, as HTTP wants it */
export function readCacheWish(headers: Readonly<Record<string, string>>): CacheWish {
  const namespace = readNamespace(headers[NAMESPACE_HEADER]);
  const written = headers['cache-control'];
  if (written === undefined) return { ...NO_WISH, namespace };
  const directives = written.toLowerCase().split(/\s*,\s*/);
  const has = (name: string): boolean => directives.includes(name);
  const maxAge = directives.flatMap((directive) => /^max-age="?(\d+)"?$/.exec(directive)?.[1] ?? []).at(-1);
  const maxAgeMs = maxAge === undefined ? Number.POSITIVE_INFINITY : Number(maxAge) * 1_000;
  return {
    isReadAllowed: !has('no-store') && !has('no-cache') && maxAgeMs > 0,
    isKeepAllowed: !has('no-store'),
    isOnlyCached: has('only-if-cached'),
    maxAgeMs,
    namespace,
  };
}

function readNamespace(written: string | undefined): string {
  if (written === undefined) return DEFAULT_NAMESPACE;
  if (/^[\w.:/-]{1,100}$/.test(written)) return written;
  throw new GatewayError(
    'bad_request',
    `${NAMESPACE_HEADER} must be 1 to 100 letters, digits or any of _ . : / - without spaces.`,
    { param: NAMESPACE_HEADER },
  );
}
