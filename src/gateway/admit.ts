// Between what is asked and where it goes: the chain of the model's name, whether this client may use it, with whose
// account, and within which limits. Every operation begins here.

import { GatewayError } from '../errors.ts';
import { hideKeys } from '../key-shapes.ts';
import type { Accountable } from '../tenancy/accountant.ts';
import { ENDPOINTS } from '../tenancy/key-input.ts';
import { LimitReached } from '../tenancy/limiter.ts';
import { PAID_BY_CLIENT, type Price } from '../tenancy/price.ts';
import { matchesAny } from '../tenancy/principal.ts';
import { checkScopes } from '../tenancy/scopes.ts';
import type { PipelineDeps, RequestContext } from './pipeline.ts';
import type { Chain, Target } from './target.ts';

/** What limits and ledger need to know beforehand. */
export type Asked = Pick<
  Accountable,
  'model' | 'inputTokens' | 'heldInputTokens' | 'maxOutputTokens' | 'answerCount' | 'prompt'
>;

/** @throws GatewayError `model_not_found`, `forbidden`, `rate_limited` or `budget_exhausted` */
export async function admit(asked: Asked, context: RequestContext, deps: PipelineDeps): Promise<Chain> {
  context.trace.model = hideKeys(asked.model);
  if (!context.isForwarded) await deps.peers?.find(asked.model);
  await deps.listing?.(asked.model);
  return withShares(() => {
    const chain = permit(asked.model, asked.model, context, deps);
    openAccount(asked, chain, context, deps);
    return chain;
  });
}

/** What other nodes lent may have been taken by requests that came meanwhile. */
const TRIES_MAX = 3;

/**
 * Opens an account, mostly at once; where this node's share of a limit is used up, other nodes are asked for some of theirs
 * first.
 */
export function withShares<Opened>(open: () => Opened, tries = 1): Opened | Promise<Opened> {
  try {
    return open();
  } catch (error) {
    const borrow = error instanceof LimitReached && tries < TRIES_MAX ? error.borrow : undefined;
    if (!borrow) throw error;
    return borrow().then(() => withShares(open, tries + 1));
  }
}

/**
 * The chain behind a name, with this client's accounts.
 * @param model the client's own word for it, which its key must allow
 * @throws GatewayError `model_not_found` or `forbidden`
 */
export function permit(
  name: string,
  model: string,
  { trace, principal, isForwarded }: RequestContext,
  deps: PipelineDeps,
): Chain {
  const endpoint = endpointOf(trace.operation);
  checkScopes(principal, { model, endpoint });
  const isServedElsewhere = (asked: string): boolean => !isForwarded && deps.peers?.serves(asked) === true;
  const { scopes } = principal;
  const router = deps.router();
  const found = router.route(name, isServedElsewhere, scopes);
  trace.chain = found.name;
  if (scopes.chains && !matchesAny(found.name, scopes.chains)) throw router.refusal(model, scopes);
  return boundToAccounts(found, principal.accounts, deps);
}

/**
 * Holds what the request may need and enters it in the ledger.
 * @throws GatewayError `rate_limited` or `budget_exhausted`
 */
export function openAccount(
  asked: Asked,
  chain: Chain,
  { trace, principal, ownKeys, isShadow, isForwarded }: RequestContext,
  deps: PipelineDeps,
): void {
  trace.account = deps.accountant.open({
    model: asked.model,
    inputTokens: asked.inputTokens,
    heldInputTokens: asked.heldInputTokens,
    maxOutputTokens: asked.maxOutputTokens,
    answerCount: asked.answerCount,
    prompt: asked.prompt,
    kind: isShadow ? 'shadow' : isForwarded ? 'forwarded' : 'request',
    requestId: trace.requestId,
    principal,
    operation: trace.operation,
    price: heldPrice(chain, chain.targets[0], ownKeys, deps),
  });
}

/** Of the target that comes first; where the client's own key pays that one, of any other that may answer and is ours to pay. */
export function heldPrice(
  { targets, onContextLength, onContentFilter }: Chain,
  first: Target | undefined,
  ownKeys: RequestContext['ownKeys'],
  deps: PipelineDeps,
): Price | undefined {
  if (!first || !ownKeys.has(first.account.provider)) return first && priceOf(first, ownKeys, deps);
  const ours = [...targets, ...onContextLength, ...onContentFilter].find(
    ({ account }) => !ownKeys.has(account.provider),
  );
  return ours ? priceOf(ours, ownKeys, deps) : PAID_BY_CLIENT;
}

/** What the target's answers cost us: nothing where the client's own key pays. Undefined: unknown. */
export function priceOf(
  { account, model }: Target,
  ownKeys: RequestContext['ownKeys'],
  { facts }: PipelineDeps,
): Price | undefined {
  return ownKeys.has(account.provider) ? PAID_BY_CLIENT : facts(account.provider, model, account.name)?.price;
}

/**
 * The same for an answer that is already here.
 * @throws GatewayError as `openAccount` does
 */
export function openFreeAccount(
  asked: Asked,
  { trace, principal }: RequestContext,
  { accountant }: PipelineDeps,
): void {
  const { requestId, operation } = trace;
  trace.account = accountant.openFree({ ...asked, requestId, principal, operation, price: undefined });
}

/** Chats are one endpoint in whichever dialect; `audio/speech` is part of `audio`. */
function endpointOf(operation: string): string {
  const [family = ''] = operation.split('/');
  return FAMILIES.has(family) ? family : 'chat';
}

const FAMILIES: ReadonlySet<string> = new Set(ENDPOINTS);

/**
 * The principal's own account takes the place of any other of the same provider. When it is gone, nobody else's is used.
 * @throws GatewayError `forbidden`
 */
function boundToAccounts(chain: Chain, accounts: Readonly<Record<string, string>>, { router }: PipelineDeps): Chain {
  if (Object.keys(accounts).length === 0) return chain;
  const bound = (target: Target): Target => {
    const name = Object.hasOwn(accounts, target.account.provider) ? accounts[target.account.provider] : undefined;
    if (name === undefined) return target;
    const account = router().account(name);
    if (account?.provider !== target.account.provider) {
      throw new GatewayError(
        'forbidden',
        `This key is bound to the account '${name}', which this gateway does not have.`,
      );
    }
    return { ...target, account, id: `${account.name}/${target.model}` };
  };
  return {
    ...chain,
    targets: chain.targets.map(bound),
    onContextLength: chain.onContextLength.map(bound),
    onContentFilter: chain.onContentFilter.map(bound),
  };
}
