// Who asks: the client's key from wherever its SDK puts it, checked before the body is read.

import { hash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { GatewayError } from '../errors.ts';

/** The key as OpenAI, Anthropic, Google and Azure SDKs send it. */
export function presentedKey(request: FastifyRequest): string | undefined {
  const { headers } = request;
  const bearer = /^bearer\s+(.+)$/i.exec(headers.authorization ?? '')?.[1];
  const named = headers['x-api-key'] ?? headers['x-goog-api-key'] ?? headers['api-key'];
  const query = (request.query as { key?: unknown }).key;
  const key = bearer ?? (typeof named === 'string' ? named : undefined) ?? query;
  return typeof key === 'string' ? key.trim() : undefined;
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

  /** @throws GatewayError `unauthenticated` */
  check(key: string | undefined): void {
    if (this.isOpen) return;
    if (key === undefined) {
      throw new GatewayError('unauthenticated', 'This gateway needs a key. Send it as `Authorization: Bearer <key>`.');
    }
    if (!this.#hashes.has(hash('sha256', key))) {
      throw new GatewayError(
        'unauthenticated',
        'This key is not valid here. Check server.apiKeys in the configuration.',
      );
    }
  }
}
