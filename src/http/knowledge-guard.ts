// What the endpoints over the knowledge brain share: what they need, and who may come in.

import type { Ingest } from '../knowledge/ingest/ingest.ts';
import type { Knowledge } from '../knowledge/knowledge.ts';
import type { Principal } from '../tenancy/principal.ts';
import { checkEndpoint } from '../tenancy/scopes.ts';

export interface KnowledgeDeps {
  readonly knowledge: Knowledge;
  readonly ingest: Pick<Ingest, 'storeUpload'>;
}

/** @throws GatewayError `forbidden` */
export function demandKnowledge(principal: Principal): void {
  checkEndpoint(principal, 'knowledge');
}
