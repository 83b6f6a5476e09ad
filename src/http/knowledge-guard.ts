// What the endpoints over the knowledge brain share: what they need, and who may come in.

import { GatewayError } from '../errors.ts';
import type { Ingest } from '../knowledge/ingest/ingest.ts';
import type { Knowledge } from '../knowledge/knowledge.ts';
import type { Principal } from '../tenancy/principal.ts';

export interface KnowledgeDeps {
  readonly knowledge: Knowledge;
  readonly ingest: Pick<Ingest, 'storeUpload'>;
}

/** @throws GatewayError `forbidden` */
export function demandKnowledge({ scopes }: Principal): void {
  if (!scopes.endpoints || scopes.endpoints.includes('knowledge')) return;
  throw new GatewayError('forbidden', `This key may not use knowledge. It may use: ${scopes.endpoints.join(', ')}.`);
}
