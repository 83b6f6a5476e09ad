// What a node makes of its configuration and makes anew, all at once, when that changes. Part of the composition root.

import type { Config } from './config/config.ts';
import { Router } from './gateway/router.ts';
import type { Clock, HttpClient, Logger } from './ports.ts';
import type { Account } from './providers/account.ts';
import { buildAccount, buildAccounts } from './providers/accounts.ts';
import { ModelCatalog } from './providers/model-catalog.ts';
import { ownsModel, presetNamed } from './providers/preset-lookup.ts';
import { presets } from './providers/presets.ts';
import { dayOf } from './tenancy/calendar.ts';
import { configuredPrincipal } from './tenancy/key-ring.ts';
import { hashSecret } from './tenancy/key-store.ts';
import { readPriceStore } from './tenancy/price-store.ts';
import { configuredPrices, PriceTable } from './tenancy/price-table.ts';
import type { PriceFile } from './tenancy/price-update.ts';
import type { Principal } from './tenancy/principal.ts';

export interface NodeSettingsDeps {
  readonly clock: Clock;
  readonly http: HttpClient;
  readonly logger: Logger;
}

interface Derived {
  readonly config: Config;
  readonly accounts: ReadonlyMap<string, Account>;
  readonly router: Router;
  /** Keys of the configuration, by their hash. */
  readonly principals: ReadonlyMap<string, Principal>;
  readonly prices: PriceTable;
}

export class NodeSettings {
  readonly #clock: Clock;
  readonly #priceFile: PriceFile;
  readonly catalog: ModelCatalog;
  #current: Derived;

  constructor(initial: Config, { clock, http, logger }: NodeSettingsDeps) {
    this.#clock = clock;
    this.#priceFile = readPriceStore(initial.dataDirectory, dayOf(clock.now()));
    for (const problem of this.#priceFile.problems) logger.warn({ problem }, 'a row of prices.json is left out');
    this.#current = this.#derive(initial);
    this.catalog = new ModelCatalog({ http, clock }, withServers(this.#current.accounts));
  }

  get config(): Config {
    return this.#current.config;
  }

  get router(): Router {
    return this.#current.router;
  }

  get principals(): ReadonlyMap<string, Principal> {
    return this.#current.principals;
  }

  get prices(): PriceTable {
    return this.#current.prices;
  }

  /** A name that only an account's list can place waits for lists that were never read; undefined when nothing is waited for. */
  listing(model: string): Promise<void> | undefined {
    return this.router.hasName(model) ? undefined : this.catalog.firstLists();
  }

  /** @throws what is wrong with the new one; the old one stays in force then */
  replace(next: Config): void {
    this.#current = this.#derive(next);
    this.catalog.setAccounts(withServers(this.#current.accounts));
  }

  #derive(config: Config): Derived {
    const accounts = withBuiltin(buildAccounts(config.accounts, presetNamed));
    return {
      config,
      accounts,
      router: new Router(config, accounts, { accountsFor: (model) => this.#accountsFor(model) }),
      principals: new Map(config.server.apiKeys.map((key, index) => [hashSecret(key), configuredPrincipal(index + 1)])),
      prices: new PriceTable(this.#clock, { ...configuredPrices(config), fileRows: this.#priceFile.rows }),
    };
  }

  #accountsFor(model: string): readonly string[] {
    const serving = this.catalog.accountsServing(model);
    return serving.length > 0 ? serving : namesake(model, this.#current.accounts);
  }
}

/** The extractive answerer needs no account: whoever asks for it by its name gets it and nobody else. */
function withBuiltin(accounts: ReadonlyMap<string, Account>): ReadonlyMap<string, Account> {
  const built = presets
    .filter(({ name, isBuiltin }) => isBuiltin && !accounts.has(name))
    .map(({ name }) => buildAccount(name, { provider: name, keys: [], headers: {}, models: [] }, presetNamed));
  return new Map([...accounts, ...built.map((account) => [account.name, account] as const)]);
}

/** Those that have a server which can be asked for its models. */
function withServers(accounts: ReadonlyMap<string, Account>): Account[] {
  return [...accounts.values()].filter((account) => !account.isBuiltin);
}

/** Accounts whose provider names its models like this. */
function namesake(model: string, accounts: ReadonlyMap<string, Account>): string[] {
  return [...accounts.values()].flatMap((account) => {
    const preset = presetNamed(account.provider);
    return preset && ownsModel(preset, model) ? [account.name] : [];
  });
}
