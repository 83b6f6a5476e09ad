// Between what is asked and where it goes: the chain of the model's name, whether this client may use it, with whose
// account, and within which limits. Every operation begins here.

import type { Accountable } from '../tenancy/accountant.ts';
import { checkScopes } from '../tenancy/scopes.ts';
import type { PipelineDeps, RequestContext } from './pipeline.ts';
import type { Chain, Target } from './target.ts';

/** What limits and ledger need to know beforehand. */
export type Asked = Pick<Accountable, 'model' | 'inputTokens' | 'maxOutputTokens' | 'prompt'>;

/** @throws GatewayError `model_not_found`, `forbidden`, `rate_limited` or `budget_exhausted` */
export async function admit(asked: Asked, context: RequestContext, deps: PipelineDeps): Promise<Chain> {
  const { trace, principal } = context;
  trace.model = asked.model;
  const chain = boundToAccounts(deps.router().route(asked.model), principal.accounts, deps);
  trace.chain = chain.name;
  checkScopes(principal, { model: asked.model, chain: chain.name, endpoint: endpointOf(trace.operation) });
  const [first] = chain.targets;
  trace.account = await deps.accountant.open({
    ...asked,
    requestId: trace.requestId,
    principal,
    operation: trace.operation,
    price: first && deps.facts(first.account.provider, first.model, first.account.name)?.price,
  });
  return chain;
}

/** Chats are one endpoint in whichever dialect; `audio/speech` is part of `audio`. */
function endpointOf(operation: string): string {
  const [family = ''] = operation.split('/');
  return CHATLESS.has(family) ? family : 'chat';
}

const CHATLESS: ReadonlySet<string> = new Set([
  'embeddings',
  'count-tokens',
  'audio',
  'images',
  'moderations',
  'rerank',
]);

/** The principal's own account takes the place of any other of the same provider. */
function boundToAccounts(chain: Chain, accounts: Readonly<Record<string, string>>, { router }: PipelineDeps): Chain {
  if (Object.keys(accounts).length === 0) return chain;
  const bound = (target: Target): Target => {
    const name = Object.hasOwn(accounts, target.account.provider) ? accounts[target.account.provider] : undefined;
    const account = name === undefined ? undefined : router().account(name);
    return account ? { ...target, account, id: `${account.name}/${target.model}` } : target;
  };
  return {
    ...chain,
    targets: chain.targets.map(bound),
    onContextLength: chain.onContextLength.map(bound),
    onContentFilter: chain.onContentFilter.map(bound),
  };
}
