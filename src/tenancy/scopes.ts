// What a principal may use. Asked before a name is looked up: whoever may not use a name does not learn whether it exists.

import { GatewayError } from '../errors.ts';
import { matchesAny, type Principal } from './principal.ts';

export interface Use {
  readonly model: string;
  /** `chat`, `embeddings`, `count-tokens`, `audio`, `images` … */
  readonly endpoint: string;
}

/** @throws GatewayError `forbidden` */
export function checkEndpoint({ scopes }: Principal, endpoint: string): void {
  if (!scopes.endpoints || scopes.endpoints.includes(endpoint)) return;
  throw new GatewayError('forbidden', `This key may not use ${endpoint}. It may use: ${scopes.endpoints.join(', ')}.`);
}

/** @throws GatewayError `forbidden` in a sentence that names what is not allowed */
export function checkScopes(principal: Principal, { model, endpoint }: Use): void {
  checkEndpoint(principal, endpoint);
  const { scopes } = principal;
  if (scopes.models && !matchesAny(model, scopes.models)) {
    throw new GatewayError('forbidden', `This key may not use the model '${model.slice(0, 200)}'.`, { param: 'model' });
  }
}
