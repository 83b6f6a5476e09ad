// Model name → chain. An immutable snapshot of one configuration; a reload makes a new one.

import type { ChainConfig, Config, TargetConfig } from '../config/config.ts';
import type { UpstreamTraits } from '../dialects/dialect.ts';
import { GatewayError } from '../errors.ts';
import type { Account } from '../providers/account.ts';
import type { Chain, Target } from './target.ts';

/** How the router learns what it cannot see in the configuration. */
export interface ModelKnowledge {
  /** Accounts that serve a bare model name, best first: by their model lists or their provider's naming. */
  accountsFor(model: string): readonly string[];
}

export class Router {
  readonly #config: Config;
  readonly #accounts: ReadonlyMap<string, Account>;
  readonly #knowledge: ModelKnowledge;
  readonly #chains = new Map<string, Chain>();

  constructor(config: Config, accounts: ReadonlyMap<string, Account>, knowledge: ModelKnowledge) {
    this.#config = config;
    this.#accounts = accounts;
    this.#knowledge = knowledge;
    for (const [name, chain] of Object.entries(config.chains)) this.#chains.set(name, this.#buildChain(name, chain));
  }

  get chains(): readonly Chain[] {
    return [...this.#chains.values()];
  }

  get accounts(): readonly Account[] {
    return [...this.#accounts.values()];
  }

  get aliases(): readonly string[] {
    return Object.keys(this.#config.aliases);
  }

  /**
   * In this order: alias, chain of that name, a chain that has a target of that model (which then goes first),
   * `account/model`, an account known to serve it, the default chain.
   * @throws GatewayError `model_not_found`
   */
  route(asked: string): Chain {
    const model = this.#config.aliases[asked] ?? asked;
    const chain =
      this.#chains.get(model) ??
      this.#chainWithModel(model) ??
      this.#accountChain(model) ??
      this.#knownModel(model) ??
      (this.#config.defaultChain === undefined ? undefined : this.#chains.get(this.#config.defaultChain));
    if (chain) return chain;
    const names = [...this.#chains.keys(), ...this.aliases].slice(0, 20).join(', ');
    throw new GatewayError(
      'model_not_found',
      `No chain, alias or account serves the model '${asked}'. Known: ${names || 'none'}.`,
      {
        param: 'model',
      },
    );
  }

  #accountChain(model: string): Chain | undefined {
    const slash = model.indexOf('/');
    const account = slash < 0 ? undefined : this.#accounts.get(model.slice(0, slash));
    return account && this.#chainOf(model, [this.#target(account, model.slice(slash + 1))]);
  }

  #chainWithModel(model: string): Chain | undefined {
    for (const chain of this.#chains.values()) {
      const first = chain.targets.filter((target) => target.model === model);
      if (first.length === 0) continue;
      return { ...chain, targets: [...first, ...chain.targets.filter((target) => target.model !== model)] };
    }
    return undefined;
  }

  #knownModel(model: string): Chain | undefined {
    const accounts = this.#knowledge.accountsFor(model).flatMap((name) => this.#accounts.get(name) ?? []);
    return accounts.length === 0
      ? undefined
      : this.#chainOf(
          model,
          accounts.map((account) => this.#target(account, model)),
        );
  }

  #chainOf(name: string, targets: readonly Target[]): Chain {
    return { name, targets, onContextLength: [], onContentFilter: [], totalMs: this.#config.timeouts.totalMs };
  }

  #buildChain(name: string, chain: ChainConfig): Chain {
    const build = (targets: readonly TargetConfig[]): Target[] =>
      targets.map((target) => this.#configuredTarget(target, chain));
    return {
      name,
      targets: build(chain.targets),
      onContextLength: build(chain.onContextLength),
      onContentFilter: build(chain.onContentFilter),
      totalMs: chain.timeouts.totalMs ?? this.#config.timeouts.totalMs,
    };
  }

  #configuredTarget(config: TargetConfig, chain: ChainConfig): Target {
    const account = this.#accounts.get(config.account);
    // The schema has checked every reference.
    if (!account) throw new GatewayError('internal', `The account '${config.account}' does not exist.`);
    return {
      ...this.#target(account, config.model),
      timeouts: { ...this.#config.timeouts, ...chain.timeouts, ...config.timeouts },
      retries: { ...this.#config.retries, ...chain.retries, ...config.retries },
      headers: config.headers,
      extraBody: Object.keys(config.extraBody).length > 0 ? config.extraBody : undefined,
      traits: { ...account.traits, ...(config.traits as UpstreamTraits) },
    };
  }

  #target(account: Account, model: string): Target {
    const { timeouts, retries } = this.#config;
    return {
      id: `${account.name}/${model}`,
      account,
      model,
      timeouts,
      retries,
      headers: {},
      extraBody: undefined,
      traits: account.traits,
    };
  }
}
