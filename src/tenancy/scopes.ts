// What a principal may use. Asked when the model and its chain are known, before anything is spent.

import { GatewayError } from '../errors.ts';
import { matchesAny, type Principal } from './principal.ts';

export interface Use {
  readonly model: string;
  readonly chain: string;
  /** `chat`, `embeddings`, `count-tokens`, `audio`, `images` … */
  readonly endpoint: string;
}

/** @throws GatewayError `forbidden` in a sentence that names what is not allowed */
export function checkScopes({ scopes }: Principal, { model, chain, endpoint }: Use): void {
  if (scopes.endpoints && !scopes.endpoints.includes(endpoint)) {
    throw new GatewayError(
      'forbidden',
      `This key may not use ${endpoint}. It may use: ${scopes.endpoints.join(', ')}.`,
    );
  }
  if (scopes.models && !matchesAny(model, scopes.models)) {
    throw new GatewayError('forbidden', `This key may not use the model '${model.slice(0, 200)}'.`, { param: 'model' });
  }
  if (scopes.chains && !matchesAny(chain, scopes.chains)) {
    throw new GatewayError('forbidden', `This key may not use the chain '${chain.slice(0, 200)}'.`, { param: 'model' });
  }
}
