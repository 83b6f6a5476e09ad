// Browsers let a page of another origin read answers, and send our headers, only when we say so (CORS). Those pages that may
// ask at all hear it: with a key any page, without keys those of this machine (browser-guard.ts). Cookies play no part.
// https://fetch.spec.whatwg.org/#http-cors-protocol

import type { FastifyReply, FastifyRequest } from 'fastify';

/** How long a browser remembers the permission; none remembers longer. */
const MAX_AGE_SECONDS = 7_200;

/** Also of an error: else a page cannot tell a wrong key from a node that is down. */
export function letPageRead({ headers }: FastifyRequest, { raw }: FastifyReply): void {
  const { origin } = headers;
  if (origin === undefined) return;
  raw.setHeader('access-control-allow-origin', origin);
  raw.setHeader('access-control-expose-headers', '*');
  raw.setHeader('vary', 'origin');
}

/** The question a browser asks before a request with a key or a JSON body. It brings no key itself. */
export function isPreflight({ method, headers }: FastifyRequest): boolean {
  return method === 'OPTIONS' && headers.origin !== undefined && headers['access-control-request-method'] !== undefined;
}

export function permit({ headers }: FastifyRequest, reply: FastifyReply): void {
  reply
    .code(204)
    .headers({
      'access-control-allow-methods': 'GET, POST, DELETE',
      'access-control-allow-headers': headers['access-control-request-headers'] ?? '*',
      'access-control-max-age': String(MAX_AGE_SECONDS),
      // Chrome asks so before a page of the internet may reach a machine in the local network.
      ...(headers['access-control-request-private-network'] && { 'access-control-allow-private-network': 'true' }),
    })
    .send();
}
