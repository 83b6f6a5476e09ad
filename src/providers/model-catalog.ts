// What is known about every account's models, for /v1/models and for routing by bare model name.
// Reading never waits: it returns what is known and, when that is old, has it renewed in the background.

import type { Clock, HttpClient } from '../ports.ts';
import type { Account } from './account.ts';
import { withDeadline } from './deadline.ts';
import { listModels, type ModelEntry } from './model-list.ts';

/** Providers add models a few times a month; local users pull one and expect to see it soon. */
const TTL_MS = 10 * 60_000;
/** A server that was down is looked for again sooner. */
const RETRY_MS = 60_000;
const TIMEOUT_MS = 10_000;
/** Whoever asks first waits so long for accounts that have never been asked; a server that is down costs nobody more. */
const FIRST_LISTS_MS = 2_000;

export interface ModelCatalogDependencies {
  readonly http: HttpClient;
  readonly clock: Clock;
}

export interface KnownModel {
  readonly account: string;
  readonly model: ModelEntry;
}

interface Listing {
  readonly account: Account;
  models: readonly ModelEntry[];
  /** The same models' names: every request by a bare name asks. */
  names: ReadonlySet<string>;
  /** Monotonic; older than anything at first. */
  staleAt: number;
  running: Promise<void> | undefined;
  error: Error | undefined;
}

export class ModelCatalog {
  readonly #http: HttpClient;
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  #listings: ReadonlyMap<string, Listing> = new Map();

  constructor({ http, clock }: ModelCatalogDependencies, accounts: readonly Account[]) {
    this.#http = http;
    this.#clock = clock;
    this.setAccounts(accounts);
  }

  /** After a reload of the configuration. What is known of accounts that stayed the same is kept. */
  setAccounts(accounts: readonly Account[]): void {
    const previous = this.#listings;
    this.#listings = new Map(
      accounts.map((account) => {
        const known = previous.get(account.name);
        return [account.name, listingOf(account, known && isSameServer(known.account, account) ? known : undefined)];
      }),
    );
  }

  /** Every known model of every account, in the accounts' order. */
  all(): KnownModel[] {
    this.#renewStale();
    return [...this.#listings.values()].flatMap(({ account, models }) =>
      models.map((model) => ({ account: account.name, model })),
    );
  }

  /** Names of the accounts known to serve the model, in order. */
  accountsServing(modelId: string): string[] {
    this.#renewStale();
    return [...this.#listings.values()].flatMap(({ account, names }) => (names.has(modelId) ? [account.name] : []));
  }

  /** Why an account's last list could not be had, by account name. */
  errors(): ReadonlyMap<string, Error> {
    const failed = [...this.#listings.values()].flatMap(({ account, error }) =>
      error ? ([[account.name, error]] as const) : [],
    );
    return new Map(failed);
  }

  /** Asks every account now and waits for all of them; failures are found in `errors()`. */
  async refresh(): Promise<void> {
    await Promise.all([...this.#listings.values()].map((listing) => this.#renew(listing)));
  }

  /** Resolves when every account has been asked once, within bounds; undefined, as nearly always, when all have been. */
  firstLists(): Promise<void> | undefined {
    const waiting: Promise<void>[] = [];
    for (const listing of this.#listings.values()) if (isUnknown(listing)) waiting.push(this.#renew(listing));
    if (waiting.length === 0) return undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#clock.after(FIRST_LISTS_MS, resolve);
    void Promise.all(waiting).then(() => {
      timer.cancel();
      resolve();
    });
    return promise;
  }

  close(): void {
    this.#closing.abort(new Error('The catalog of models is closed'));
  }

  #renewStale(): void {
    const now = this.#clock.elapsed();
    for (const listing of this.#listings.values()) if (now >= listing.staleAt) void this.#renew(listing);
  }

  /** One call an account at a time; never rejects. */
  #renew(listing: Listing): Promise<void> {
    if (listing.account.models.length > 0 || this.#closing.signal.aborted) return Promise.resolve();
    listing.running ??= this.#ask(listing).finally(() => {
      listing.running = undefined;
    });
    return listing.running;
  }

  async #ask(listing: Listing): Promise<void> {
    try {
      listing.models = await withDeadline(this.#clock, TIMEOUT_MS, this.#closing.signal, (signal) =>
        listModels(listing.account, this.#http, signal),
      );
      listing.names = namesOf(listing.models);
      listing.error = undefined;
      listing.staleAt = this.#clock.elapsed() + TTL_MS;
    } catch (error) {
      listing.error = error instanceof Error ? error : new Error(String(error));
      listing.staleAt = this.#clock.elapsed() + RETRY_MS;
    }
  }
}

/** Of a list that was configured before, nothing is known from the server. */
function isSameServer(before: Account, now: Account): boolean {
  return before.baseUrl === now.baseUrl && before.dialect === now.dialect && before.models.length === 0;
}

function isUnknown({ staleAt }: Listing): boolean {
  return staleAt === Number.NEGATIVE_INFINITY;
}

/** A configured list of models is the truth; the server is not asked. */
function listingOf(account: Account, known: Listing | undefined): Listing {
  const isConfigured = account.models.length > 0;
  // What failed before may work with the new configuration: it is asked again at once.
  const knownUntil = known && !known.error ? known.staleAt : Number.NEGATIVE_INFINITY;
  const models = isConfigured ? account.models.map((id) => ({ id })) : (known?.models ?? []);
  return {
    account,
    models,
    names: namesOf(models),
    staleAt: isConfigured ? Number.POSITIVE_INFINITY : knownUntil,
    running: undefined,
    error: known?.error,
  };
}

function namesOf(models: readonly ModelEntry[]): ReadonlySet<string> {
  return new Set(models.map(({ id }) => id));
}
