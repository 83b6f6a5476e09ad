// LiteLLM's model_list, fallbacks and aliases as our accounts, chains and aliases.

import { asArray, asObject, asString, type JsonObject, type JsonValue } from '../../model/json.ts';
import type { StrategyName } from '../routing.ts';
import { type AccountDraft, type Deployment, readDeployment, readFallbacks, type TargetExtras } from './deployment.ts';
import { LitellmSection } from './section.ts';

export interface TargetDraft {
  readonly account: string;
  readonly model: string;
  /** Absent where order alone counts. */
  readonly weight?: number;
  readonly extras: TargetExtras;
}

export interface ChainDraft {
  /** Absent: one target after the other. */
  readonly strategy: StrategyName | undefined;
  readonly targets: TargetDraft[];
  readonly onContextLength: TargetDraft[];
  readonly onContentFilter: TargetDraft[];
  readonly notes: string[];
}

/** Fallback settings as written; `router_settings` win over `litellm_settings`. */
export interface FallbackSettings {
  readonly general: JsonValue | undefined;
  readonly byDefault: JsonValue | undefined;
  readonly contextWindow: JsonValue | undefined;
  readonly contentPolicy: JsonValue | undefined;
}

/** LiteLLM's name for "every model". */
const EVERY = '*';

export class LitellmRoutes {
  readonly accounts = new Map<string, AccountDraft>();
  readonly chains = new Map<string, ChainDraft>();
  readonly aliases = new Map<string, string>();
  readonly notes: string[] = [];
  readonly #providers: ReadonlySet<string>;
  readonly #environment: JsonObject;
  readonly #strategy: StrategyName;
  readonly #credentials = new Map<string, JsonObject>();

  /** @param strategy how LiteLLM spreads calls over the deployments of one name */
  constructor(providers: ReadonlySet<string>, environment: JsonObject, strategy: StrategyName) {
    this.#providers = providers;
    this.#strategy = strategy;
    this.#environment = environment;
  }

  addCredentials(list: JsonValue | undefined): void {
    for (const item of asArray(list)) {
      const name = asString(asObject(item)?.credential_name);
      if (name !== undefined) this.#credentials.set(name, asObject(asObject(item)?.credential_values) ?? {});
    }
  }

  addModels(list: JsonValue | undefined): void {
    const groups = new Map<string, Deployment[]>();
    for (const [index, item] of asArray(list).entries()) {
      const path = `model_list[${index}]`;
      const entry = new LitellmSection(path, item, this.#environment);
      const name = entry.takeText('model_name') ?? '';
      const deployment = readDeployment(this.#params(entry.take('litellm_params'), path), path, this.#providers);
      const model = { ...deployment, notes: [...deployment.notes, ...this.#infoNotes(entry, path)] };
      if (name.includes(EVERY) || model.model.includes(EVERY)) this.#addWildcard(name, model, path);
      else if (name === '') this.notes.push(...model.notes, `${path} has no model_name and is left out.`);
      else groups.set(name, [...(groups.get(name) ?? []), model]);
    }
    for (const [name, deployments] of groups) this.#addChain(name, deployments);
  }

  #params(value: JsonValue | undefined, path: string): LitellmSection {
    const params = { ...asObject(value) };
    const credential = asString(params.litellm_credential_name);
    const shared = credential === undefined ? undefined : this.#credentials.get(credential);
    if (shared !== undefined) delete params.litellm_credential_name;
    return new LitellmSection(`${path}.litellm_params`, { ...shared, ...params }, this.#environment);
  }

  #infoNotes(entry: LitellmSection, path: string): string[] {
    const info = new LitellmSection(`${path}.model_info`, entry.take('model_info'));
    // An id and a mode that flowmesh finds out by itself say nothing.
    info.take('id');
    return [...info.unreadNotes(), ...entry.unreadNotes()];
  }

  /** `openai/*` is what an account is: clients ask for `account/model`, or for a bare name that the account serves. */
  #addWildcard(name: string, deployment: Deployment, path: string): void {
    this.notes.push(...deployment.notes);
    const names = deployment.accounts.map((account) => this.#accountName(account));
    if (names.length === 0) return;
    const asked = names.map((account) => `${account}/<model>`).join(' or ');
    this.notes.push(
      `${path}: the pattern '${name}' becomes an account; clients ask for ${asked}, or for a bare model name.`,
    );
    const extras = Object.keys(deployment.extras).join(', ');
    if (extras !== '') this.notes.push(`${path}: its ${extras} are left out: an account has none for all its models.`);
  }

  #addChain(name: string, deployments: readonly Deployment[]): void {
    const callable = deployments.filter(({ accounts }) => accounts.length > 0);
    const order = Math.min(...callable.map((deployment) => deployment.order));
    const isFirst = (deployment: Deployment): boolean => deployment.order === order;
    const isSpread = callable.filter(isFirst).flatMap(({ accounts }) => accounts).length > 1;
    const hasWeights = callable.some(({ weight }) => weight !== undefined);
    const sorted = [...deployments].sort(orderOf);
    const chain: ChainDraft = {
      strategy: isSpread ? this.#strategy : undefined,
      targets: [],
      onContextLength: [],
      onContentFilter: [],
      notes: sorted.flatMap(({ notes }) => notes),
    };
    for (const deployment of sorted) {
      const { accounts, model, extras } = deployment;
      // With weights LiteLLM gives nothing to a deployment that has none, and later orders only come after failures.
      const share = isFirst(deployment) ? (deployment.weight ?? (hasWeights ? 0 : 1)) : 0;
      const weight = isSpread && { weight: share };
      addTo(
        chain.targets,
        accounts.map((account) => ({ account: this.#accountName(account), model, ...weight, extras })),
      );
    }
    if (chain.targets.length === 0) {
      this.notes.push(...chain.notes, `The model '${name}' is left out: flowmesh can call none of its deployments.`);
      return;
    }
    this.chains.set(name, chain);
  }

  #accountName(account: AccountDraft): string {
    const identity = JSON.stringify(account);
    for (const [name, known] of this.accounts) if (JSON.stringify(known) === identity) return name;
    let name = account.provider;
    for (let number = 2; this.accounts.has(name); number++) name = `${account.provider}-${number}`;
    this.accounts.set(name, account);
    return name;
  }

  /** After the models. Copies of the other chain's own targets, taken before any fallback was added to it. */
  addFallbacks({ general, byDefault, contextWindow, contentPolicy }: FallbackSettings): void {
    const own = new Map([...this.chains].map(([name, chain]) => [name, [...chain.targets]]));
    const specific = readFallbacks(general);
    const everyone = [...(specific.get(EVERY) ?? []), ...asArray(byDefault)];
    specific.delete(EVERY);
    for (const name of this.chains.keys()) {
      if (!specific.has(name) && everyone.length > 0) specific.set(name, everyone);
    }
    this.#extend(specific, own, 'fallbacks', (chain) => chain.targets);
    this.#extend(readFallbacks(contextWindow), own, 'context_window_fallbacks', (chain) => chain.onContextLength);
    this.#extend(readFallbacks(contentPolicy), own, 'content_policy_fallbacks', (chain) => chain.onContentFilter);
  }

  #extend(
    fallbacks: ReadonlyMap<string, readonly unknown[]>,
    own: ReadonlyMap<string, readonly TargetDraft[]>,
    setting: string,
    listOf: (chain: ChainDraft) => TargetDraft[],
  ): void {
    for (const [name, others] of fallbacks) {
      const chain = this.chains.get(name);
      if (chain === undefined) {
        this.notes.push(`${setting} of '${name}' is left out: there is no such chain.`);
        continue;
      }
      for (const other of others) {
        const targets = typeof other === 'string' && other !== name ? this.#targetsOf(other, own) : undefined;
        const list = listOf(chain);
        const isSpread = chain.strategy !== undefined && list === chain.targets;
        if (targets !== undefined)
          addTo(
            list,
            targets.map((target) => withoutShare(target, isSpread)),
          );
        else if (other !== name) chain.notes.push(`${setting}: ${fallbackName(other)} is left out.`);
      }
    }
  }

  /** Of another chain, or of an account that a wildcard made. */
  #targetsOf(name: string, own: ReadonlyMap<string, readonly TargetDraft[]>): readonly TargetDraft[] | undefined {
    const slash = name.indexOf('/');
    const account = name.slice(0, Math.max(slash, 0));
    const direct = this.accounts.has(account) ? [{ account, model: name.slice(slash + 1), extras: {} }] : undefined;
    return own.get(name) ?? direct;
  }

  addAliases(value: JsonValue | undefined): void {
    for (const [alias, item] of Object.entries(asObject(value) ?? {})) {
      const served = asString(item) ?? asString(asObject(item)?.model) ?? '';
      if (this.chains.has(alias)) this.notes.push(`model_group_alias '${alias}' is left out: a chain has the name.`);
      else if (!this.chains.has(served)) this.notes.push(`model_group_alias '${alias}' is left out: '${served}' is.`);
      else this.aliases.set(alias, served);
      if (asObject(item)?.hidden === true) this.notes.push(`model_group_alias '${alias}' cannot be hidden.`);
    }
  }
}

function orderOf(left: Deployment, right: Deployment): number {
  // Two absent orders are both infinite, and their difference would not be a number.
  return left.order === right.order ? (right.weight ?? 0) - (left.weight ?? 0) : left.order - right.order;
}

/** A target to fall back to, at the end of a chain that spreads or in a list that only has an order. */
function withoutShare({ account, model, extras }: TargetDraft, isSpread: boolean): TargetDraft {
  return { account, model, ...(isSpread && { weight: 0 }), extras };
}

/** The same target twice in a list would only be tried while it cools down. */
function addTo(list: TargetDraft[], targets: readonly TargetDraft[]): void {
  for (const target of targets) {
    if (!list.some(({ account, model }) => account === target.account && model === target.model)) list.push(target);
  }
}

function fallbackName(fallback: unknown): string {
  return typeof fallback === 'string'
    ? `no chain here is named '${fallback}', so it`
    : 'an entry with its own parameters';
}
