// A gateway without keys trusts its own machine. Web pages of strangers run on that machine too, so they are kept out:
// a foreign Origin is refused, and so is a foreign Host (DNS rebinding).

import type { FastifyRequest } from 'fastify';
import { GatewayError } from '../errors.ts';

const LOOPBACK = /^(localhost|[a-z0-9-]+\.localhost|127(\.\d{1,3}){3}|\[::1\])$/i;
/** What nearly every client sends; saves parsing an address for each request. */
const LOOPBACK_HOST = /^(localhost|127(\.\d{1,3}){3})(:\d{1,5})?$/;
/** Names that no resolver of the internet answers for. An address is not a name, so nobody can point it elsewhere. */
const LOCAL_NAME = /^([a-z0-9-]+\.local|[\d.]+|\[.+\])$/i;

/** @throws GatewayError `forbidden` */
export function refuseForeignPages(request: FastifyRequest): void {
  const { origin, host } = request.headers;
  // `null` is what a stranger's sandboxed frame sends.
  if (origin !== undefined && !LOOPBACK.test(hostOf(origin))) {
    throw new GatewayError(
      'forbidden',
      'A web page of another site may not use a gateway without keys. Set server.apiKeys.',
    );
  }
  if (host === undefined || LOOPBACK_HOST.test(host)) return;
  const name = hostOf(`http://${host}`);
  if (!LOOPBACK.test(name) && !LOCAL_NAME.test(name)) {
    throw new GatewayError(
      'forbidden',
      `A gateway without keys answers to local names only, not to '${host.slice(0, 100)}'. Set server.apiKeys.`,
    );
  }
}

function hostOf(url: string): string {
  return URL.parse(url)?.hostname ?? '';
}
