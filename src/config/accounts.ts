// The accounts of a configuration: those written under `accounts`, and those that targets bring themselves.
// Targets with the same provider, address and keys share one account, so that they share its cooldowns and rotation.

import type { AccountConfig } from './config.ts';
import type { ConfigPath } from './config-path.ts';
import type { Findings } from './findings.ts';
import { isUnset, type UnsetVariable } from './interpolate.ts';
import { suggestion } from './nearest.ts';
import type { FileAccount, FileTargetMapping } from './schema.ts';

type Credential = Pick<
  FileTargetMapping,
  'key' | 'keys' | 'url' | 'organization' | 'project' | 'apiVersion' | 'dialect'
>;

/** The target keys that make an account of the target's own. */
const CREDENTIAL_KEYS = ['key', 'keys', 'url', 'organization', 'project', 'apiVersion', 'dialect'] as const;

/** Providers without an address of their own: any server that speaks OpenAI's format, and one's own Azure resource. */
const ADDRESSLESS: ReadonlySet<string> = new Set(['openai-compatible', 'local', 'azure']);

export function hasCredential(target: FileTargetMapping): boolean {
  return CREDENTIAL_KEYS.some((key) => target[key] !== undefined);
}

/** An account as read; `unset` when it was given keys and none of them is set. */
interface Reading {
  readonly account: AccountConfig;
  readonly unset: UnsetVariable | undefined;
}

/** The outcome for a target: an account's name, or the variable without which it cannot be used. */
export type AccountUse = string | UnsetVariable;

export class AccountBook {
  readonly #accounts = new Map<string, AccountConfig>();
  /** Accounts without a set key, by name, with their provider. They keep their names, so that the others' stay the same. */
  readonly #unusable = new Map<string, string>();
  readonly #namesByIdentity = new Map<string, string>();
  readonly #providers: ReadonlySet<string>;
  readonly #findings: Findings;

  constructor(providers: ReadonlySet<string>, findings: Findings) {
    this.#providers = providers;
    this.#findings = findings;
  }

  get accounts(): Readonly<Record<string, AccountConfig>> {
    return Object.fromEntries(this.#accounts);
  }

  get names(): readonly string[] {
    return [...this.#accounts.keys(), ...this.#unusable.keys()];
  }

  isKnown(name: string): boolean {
    return this.#accounts.has(name) || this.#unusable.has(name);
  }

  isUsable(name: string): boolean {
    return this.#accounts.has(name);
  }

  get providers(): readonly string[] {
    return [...this.#providers];
  }

  isProvider(name: string): boolean {
    return this.#providers.has(name);
  }

  /** An account written under `accounts`. Returns the variable without which it cannot be used. */
  add(name: string, file: FileAccount, path: ConfigPath): UnsetVariable | undefined {
    if (name.includes('/')) this.#findings.problem(path, "an account's name must not contain '/'.");
    const reading = this.#read(file.provider, file, path);
    if (reading === undefined) {
      this.#unusable.set(name, file.provider);
      return undefined;
    }
    const { headers, models, energy } = file;
    const account = { ...reading.account, headers, models, ...(energy && { energy }) };
    this.#enter(name, { ...reading, account });
    return reading.unset;
  }

  /** The account of a target with its own credential; undefined when that is wrong. */
  addInline(provider: string, credential: Credential, path: ConfigPath): AccountUse | undefined {
    const reading = this.#read(provider, credential, path);
    if (reading === undefined) return undefined;
    const name = this.#namesByIdentity.get(identityOf(reading)) ?? this.#freeName(provider);
    if (!this.isKnown(name)) this.#enter(name, reading);
    return reading.unset ?? name;
  }

  /** The account of a target that names only a provider: that provider's one account, or a new one without a key. */
  ofProvider(provider: string, path: ConfigPath): string | undefined {
    const names = [...this.#accounts].filter(([, account]) => account.provider === provider).map(([name]) => name);
    if (names.includes(provider)) return provider;
    if (names.length > 1) {
      const message = `several accounts use the provider '${provider}': ${names.join(', ')}. Give one as 'account'.`;
      this.#findings.problem(path, message);
      return undefined;
    }
    if (names.length === 1) return names[0];
    if ([...this.#unusable.values()].includes(provider)) {
      this.#findings.warning(path, `no account of '${provider}' has a key, so this target is skipped.`);
      return undefined;
    }
    const added = this.addInline(provider, {}, path);
    return isUnset(added) ? undefined : added;
  }

  #enter(name: string, reading: Reading): void {
    const { account, unset } = reading;
    if (unset === undefined) this.#accounts.set(name, account);
    else this.#unusable.set(name, account.provider);
    const identity = identityOf(reading);
    if (!this.#namesByIdentity.has(identity)) this.#namesByIdentity.set(identity, name);
  }

  #read(provider: string, credential: Credential, path: ConfigPath): Reading | undefined {
    if (!this.#providers.has(provider)) {
      const known = [...this.#providers].sort();
      const hint = suggestion(provider, known, ` Known providers: ${known.join(', ')}.`);
      this.#findings.problem([...path, 'provider'], `unknown provider '${provider}'.${hint}`);
      return undefined;
    }
    if (ADDRESSLESS.has(provider) && credential.url === undefined) {
      this.#findings.problem(path, `the provider '${provider}' needs a 'url', such as http://127.0.0.1:8000/v1.`);
      return undefined;
    }
    if (credential.key !== undefined && credential.keys !== undefined) {
      this.#findings.problem(path, "give 'key' or 'keys', not both.");
      return undefined;
    }
    const { keys, unset } = this.#readKeys(credential, path);
    const { url, dialect, organization, project, apiVersion } = credential;
    const account: AccountConfig = {
      provider,
      ...(url !== undefined && { url }),
      ...(dialect !== undefined && { dialect }),
      keys,
      ...(organization !== undefined && { organization }),
      ...(project !== undefined && { project }),
      ...(apiVersion !== undefined && { apiVersion }),
      headers: {},
      models: [],
    };
    return { account, unset };
  }

  #readKeys(credential: Credential, path: ConfigPath): { keys: readonly string[]; unset: UnsetVariable | undefined } {
    const written = credential.keys ?? (credential.key === undefined ? [] : [credential.key]);
    const keys = written.filter((key): key is string => !isUnset(key));
    if (keys.length === 0) return { keys, unset: written.find(isUnset) };
    written.forEach((key, index) => {
      if (isUnset(key)) this.#findings.warning([...path, 'keys', index], `${key.reason}, so this key is left out.`);
    });
    return { keys: [...new Set(keys)], unset: undefined };
  }

  #freeName(provider: string): string {
    let name = provider;
    for (let number = 2; this.isKnown(name); number++) name = `${provider}-${number}`;
    return name;
  }
}

function identityOf({ account, unset }: Reading): string {
  const { provider, url, dialect, keys, organization, project, apiVersion, headers } = account;
  const address = url?.replace(/\/+$/, '');
  const missing = unset && { variable: unset.variable };
  return JSON.stringify([provider, address, dialect, keys, missing, organization, project, apiVersion, headers]);
}
