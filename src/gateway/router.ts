// Model name → chain. An immutable snapshot of one configuration; a reload makes a new one.

import type { ChainConfig, Config, TargetConfig, Timeouts } from '../config/config.ts';
import type { ChainRouting } from '../config/routing.ts';
import type { UpstreamTraits } from '../dialects/dialect.ts';
import { GatewayError } from '../errors.ts';
import { hasKey } from '../key-shapes.ts';
import type { Account } from '../providers/account.ts';
import { matchesAny, type Scopes } from '../tenancy/principal.ts';
import { type CompiledRule, compileRules } from './routing/rules.ts';
import type { Chain, Target } from './target.ts';

/** The longest real names have some 200 characters. They come back in a header, which clients read up to 16 KB of. */
const NAME_LENGTH_MAX = 512;
/** Of a name that a client made up, in a message. */
const SHOWN_LENGTH_MAX = 200;

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
  /** Client-chosen names are looked up in it, so it is no plain object: those know `constructor`. */
  readonly #aliases: ReadonlyMap<string, string>;
  /** By a target's bare model name: the first chain that has it, with those targets in front. */
  readonly #chainsByModel = new Map<string, Chain>();
  /** Ids of all chains' targets. */
  readonly #targets: ReadonlySet<string>;
  /** For chats; they decide before the model's name does. */
  readonly rules: readonly CompiledRule[];

  constructor(config: Config, accounts: ReadonlyMap<string, Account>, knowledge: ModelKnowledge) {
    this.#config = config;
    this.#accounts = accounts;
    this.#knowledge = knowledge;
    this.rules = compileRules(config.rules ?? []);
    for (const [name, chain] of Object.entries(config.chains)) this.#chains.set(name, this.#buildChain(name, chain));
    this.#targets = new Set(this.chains.flatMap(targetsOf).map(({ id }) => id));
    this.#aliases = new Map(Object.entries(config.aliases));
    for (const chain of this.#chains.values()) this.#indexModels(chain);
  }

  get chains(): readonly Chain[] {
    return [...this.#chains.values()];
  }

  get accounts(): readonly Account[] {
    return [...this.#accounts.values()];
  }

  /** Does a chain name it? */
  hasTarget(id: string): boolean {
    return this.#targets.has(id);
  }

  account(name: string): Account | undefined {
    return this.#accounts.get(name);
  }

  get timeouts(): Timeouts {
    return this.#config.timeouts;
  }

  get aliases(): readonly string[] {
    return [...this.#aliases.keys()];
  }

  /**
   * In this order: alias, chain of that name, a chain that has a target of that model (which then goes first),
   * `account/model`, an account known to serve it, other nodes, the default chain.
   * @param scopes whose names a refusal may tell
   * @throws GatewayError `model_not_found` or `forbidden`, or `bad_request` for what cannot be a name
   */
  route(asked: string, isServedElsewhere: (model: string) => boolean = () => false, scopes: Scopes = {}): Chain {
    if (asked.length > NAME_LENGTH_MAX) {
      throw new GatewayError('bad_request', `A model name has at most ${NAME_LENGTH_MAX} characters.`, {
        param: 'model',
      });
    }
    const model = this.#aliases.get(asked) ?? asked;
    const chain =
      this.#chains.get(model) ??
      this.#chainOfModel(model) ??
      (isServedElsewhere(model) ? this.#chainOf(model, []) : undefined) ??
      this.#defaultChain(asked);
    if (chain) return chain;
    throw this.refusal(asked, scopes);
  }

  /** A key for certain chains is told the same of a name that nobody serves and of one that leads to another chain. */
  refusal(asked: string, scopes: Scopes): GatewayError {
    const known = [...this.#chains.keys(), ...this.aliases].filter((name) => this.isAllowed(name, scopes));
    const names = known.slice(0, 20).join(', ') || 'none';
    const model = asked.slice(0, SHOWN_LENGTH_MAX);
    return scopes.chains
      ? new GatewayError('forbidden', `This key may not use the model '${model}'. It may use: ${names}.`, {
          param: 'model',
        })
      : new GatewayError(
          'model_not_found',
          `No chain, alias or account serves the model '${model}'. Known: ${names}.`,
          { param: 'model' },
        );
  }

  /**
   * The names whose limits hold for what is asked, so that no other name of a model steps around its limit: what the client
   * writes, what an alias stands for, the chain; and of a model its bare name and its `account/model`.
   */
  namesOf(asked: string): readonly string[] {
    const model = this.#aliases.get(asked) ?? asked;
    const names = [asked, model];
    if (this.#chains.has(model)) return [...new Set(names)];
    const chain = this.#chainOfModel(model);
    const first = chain?.targets[0];
    const others = chain && first ? [chain.name, first.model, first.id] : [this.#defaultChain(asked)?.name ?? asked];
    return [...new Set([...names, ...others])];
  }

  /** May a key with these scopes ask for it? What is not here is somewhere else. */
  isAllowed(asked: string, { models, chains }: Scopes): boolean {
    if (models && !matchesAny(asked, models)) return false;
    return !chains || matchesAny(this.route(asked, () => true).name, chains);
  }

  /** Not for a client's key in the wrong field, either. */
  #defaultChain(asked: string): Chain | undefined {
    const { defaultChain } = this.#config;
    return defaultChain === undefined || hasKey(asked) ? undefined : this.#chains.get(defaultChain);
  }

  /** Can it be placed by the configuration alone? */
  hasName(asked: string): boolean {
    const model = this.#aliases.get(asked) ?? asked;
    if (this.#chains.has(model) || this.#chainsByModel.has(model)) return true;
    return this.#accountChain(model) !== undefined;
  }

  /** For the name of a model, with its account or without. */
  #chainOfModel(model: string): Chain | undefined {
    return this.#chainsByModel.get(model) ?? this.#accountChain(model) ?? this.#knownModel(model);
  }

  #accountChain(model: string): Chain | undefined {
    const slash = model.indexOf('/');
    const isNamed = slash > 0 && slash < model.length - 1;
    const account = isNamed ? this.#accounts.get(model.slice(0, slash)) : undefined;
    // A client's key in the wrong field would be sent on, and kept in ledger, log and metrics.
    if (!account || hasKey(model)) return undefined;
    return this.#chainOf(model, [this.#target(account, model.slice(slash + 1))]);
  }

  #indexModels(chain: Chain): void {
    for (const { model } of chain.targets) {
      if (this.#chainsByModel.has(model)) continue;
      const targets = modelFirst(model, chain.targets);
      const routing =
        chain.routing &&
        reindexed(
          chain.routing,
          chain.targets.map((target) => targets.indexOf(target)),
        );
      this.#chainsByModel.set(model, { ...chain, targets, askedModel: model, ...(routing && { routing }) });
    }
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
    const { timeouts, cache, compaction } = this.#config;
    return { name, targets, onContextLength: [], onContentFilter: [], totalMs: timeouts.totalMs, cache, compaction };
  }

  #buildChain(name: string, chain: ChainConfig): Chain {
    const build = (targets: readonly TargetConfig[]): Target[] =>
      targets.map((target) => this.#configuredTarget(target, chain));
    return {
      name,
      targets: build(chain.targets),
      ...(chain.routing && { routing: chain.routing }),
      ...(chain.hedge && { hedge: chain.hedge }),
      ...(chain.shadow && { shadow: chain.shadow }),
      ...(chain.knowledge && { knowledge: chain.knowledge }),
      ...(chain.peers && { peers: chain.peers }),
      onContextLength: build(chain.onContextLength),
      onContentFilter: build(chain.onContentFilter),
      totalMs: chain.timeouts.totalMs ?? this.#config.timeouts.totalMs,
      cache: { ...this.#config.cache, ...chain.cache },
      compaction: { ...this.#config.compaction, ...chain.compaction },
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
      ...(config.capacity !== undefined && { capacity: config.capacity }),
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

function targetsOf({ targets, onContextLength, onContentFilter }: Chain): readonly Target[] {
  return [...targets, ...onContextLength, ...onContentFilter];
}

/** The targets of that model, then the others; each lot as it stood. */
function modelFirst(model: string, targets: readonly Target[]): readonly Target[] {
  const isAsked = (target: Target): boolean => target.model === model;
  return [...targets.filter(isAsked), ...targets.filter((target) => !isAsked(target))];
}

/** @param places where each index has gone */
function reindexed(routing: ChainRouting, places: readonly number[]): ChainRouting {
  const members = routing.members.map((member) =>
    member.type === 'target'
      ? { ...member, index: places[member.index] ?? member.index }
      : { ...member, routing: reindexed(member.routing, places) },
  );
  return { ...routing, members };
}
