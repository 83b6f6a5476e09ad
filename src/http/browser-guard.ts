// A gateway without keys trusts its own machine. Web pages of strangers run on that machine too, so they are kept out:
// a foreign Origin is refused, and so is a foreign Host (DNS rebinding).

import type { FastifyRequest } from 'fastify';
import { GatewayError } from '../errors.ts';

const LOCAL_NAME = /^(localhost|[a-z0-9-]+\.local|[a-z0-9-]+\.localhost)$/i;

/** @throws GatewayError `forbidden` */
export function refuseForeignPages(request: FastifyRequest): void {
  const { origin, host } = request.headers;
  if (origin !== undefined && origin !== 'null' && !isLocal(hostOf(origin))) {
    throw new GatewayError(
      'forbidden',
      'A web page of another site may not use a gateway without keys. Set server.apiKeys.',
    );
  }
  if (host !== undefined && !isLocal(hostOf(`http://${host}`))) {
    throw new GatewayError(
      'forbidden',
      `A gateway without keys answers to local names only, not to '${host.slice(0, 100)}'. Set server.apiKeys.`,
    );
  }
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname : '';
}

function isLocal(hostname: string): boolean {
  const isAddress = /^[\d.]+$/.test(hostname) || hostname.startsWith('[');
  return isAddress || LOCAL_NAME.test(hostname);
}
