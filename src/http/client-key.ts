// Who asks: the client's key from wherever its SDK puts it, checked before the body is read.

import { hash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { GatewayError } from '../errors.ts';

/** The keys as OpenAI, Anthropic, Google and Azure SDKs send them; some tools send two, and one of them is a dummy. */
export function presentedKeys(request: FastifyRequest): string[] {
  const { headers } = request;
  const bearer = /^bearer\s+(.+)$/i.exec(headers.authorization ?? '')?.[1];
  const query = (request.query as { key?: unknown }).key;
  return [bearer, headers['x-api-key'], headers['x-goog-api-key'], headers['api-key'], query].flatMap((key) =>
    typeof key === 'string' && key.trim() !== '' ? [key.trim()] : [],
  );
}

/** Compares hashes, so that timing tells nothing about the keys. */
export class ClientKeys {
  readonly #hashes: ReadonlySet<string>;

  constructor(keys: readonly string[]) {
    this.#hashes = new Set(keys.map((key) => hash('sha256', key)));
  }

  get isOpen(): boolean {
    return this.#hashes.size === 0;
  }

  /**
   * One good key is enough.
   * @throws GatewayError `unauthenticated`
   */
  check(keys: readonly string[]): void {
    if (this.isOpen || keys.some((key) => this.#hashes.has(hash('sha256', key)))) return;
    throw new GatewayError(
      'unauthenticated',
      keys.length === 0
        ? 'This gateway needs a key. Send it as `Authorization: Bearer <key>`.'
        : 'This key is not valid here. Check server.apiKeys in the configuration.',
    );
  }
}
