// `flowmesh keys` and `flowmesh tenants`: virtual keys and their tenants, in the data directory of the configuration.
// A secret is written to standard output alone, so that a script can take it, and never again.

import { recorderBeside } from '../mesh/gateway-log.ts';
import { systemRandom } from '../system/system-random.ts';
import { readNewKey, readTenantChanges } from '../tenancy/key-input.ts';
import { KeyStore, type VirtualKey } from '../tenancy/key-store.ts';
import type { LimitSpec } from '../tenancy/principal.ts';
import { CommandError, EXIT } from './command-error.ts';
import { type LimitOptions, limitsOf, type PairOptions, pairsOf, type ScopeOptions, scopesOf } from './key-options.ts';
import { type State, withState } from './state.ts';
import { harmless, note, print, printJson, table } from './terminal.ts';

interface ConfigOption {
  readonly config?: string;
}

interface ListOptions extends ConfigOption {
  readonly tenant?: string;
  readonly json?: boolean;
}

export interface CreateKeyOptions extends ConfigOption, LimitOptions, ScopeOptions, PairOptions {
  readonly tenant: string;
  readonly name?: string;
  readonly expires?: string;
}

export interface SetTenantOptions extends ConfigOption, LimitOptions, PairOptions {
  readonly clearLimits?: boolean;
  readonly disable?: boolean;
  readonly enable?: boolean;
}

export async function createKey(options: CreateKeyOptions): Promise<void> {
  const { tenant, name, expires } = options;
  const written = {
    tenant,
    ...(name !== undefined && { name }),
    ...(expires !== undefined && { expires }),
    scopes: scopesOf(options),
    limits: limitsOf(options),
    accounts: pairsOf('account', options.account),
    tags: pairsOf('tag', options.tag),
  };
  const { key, secret, isFirst } = await withState(options.config, (state) => {
    const store = storeOf(state);
    const isFirst = !store.hasKeys();
    return { ...store.createKey(readNewKey(written, state.input)), isFirst };
  });
  print(secret);
  note(`Made ${key.id} of tenant ${key.tenant}. Its secret is shown only now; lost, it can be replaced:`);
  note(`  flowmesh keys rotate ${key.id}`);
  if (isFirst) note('From now on every client needs a key, at a running node too.');
}

export async function listKeys({ config, tenant, json }: ListOptions): Promise<void> {
  const { keys, disabled, nowMs } = await withState(config, (state) => {
    const store = storeOf(state);
    const tenants = store.tenants().filter(({ isDisabled }) => isDisabled);
    return { keys: store.keys(tenant), disabled: new Set(tenants.map(({ id }) => id)), nowMs: state.clock.now() };
  });
  if (json) {
    printJson(keys.map((key) => ({ ...key, ...(disabled.has(key.tenant) && { isTenantDisabled: true }) })));
    return;
  }
  const rows = keys.map((key) => [
    key.id,
    key.tenant,
    harmless(key.name),
    stateOf(key, disabled, nowMs),
    harmless(lists(key)),
    harmless(limitText(key.limits)),
    harmless(pairText(key.accounts)),
    harmless(pairText(key.tags)),
  ]);
  print(table([['ID', 'TENANT', 'NAME', 'STATE', 'SCOPES', 'LIMITS', 'ACCOUNTS', 'TAGS'], ...rows]));
}

export async function revokeKey(id: string, { config }: ConfigOption): Promise<void> {
  const key = await withState(config, (state) => storeOf(state).revokeKey(id));
  print(`Revoked ${key.id} of tenant ${key.tenant}. Running answers end as they began.`);
}

export async function rotateKey(id: string, { config }: ConfigOption): Promise<void> {
  const { key, secret } = await withState(config, (state) => storeOf(state).rotateKey(id));
  print(secret);
  note(`This is the new secret of ${key.id}, shown only now. The old one is refused from now on.`);
}

/** Limits are added to those the tenant has; accounts and tags take the place of the old ones. */
export async function setTenant(id: string, options: SetTenantOptions): Promise<void> {
  const { clearLimits, disable, enable, account, tag } = options;
  if (disable && enable) throw new CommandError('Give --enable or --disable, not both.', EXIT.usage);
  const limits = limitsOf(options);
  const written = {
    ...((disable || enable) && { isDisabled: disable === true }),
    ...(account && { accounts: pairsOf('account', account) }),
    ...(tag && { tags: pairsOf('tag', tag) }),
  };
  const tenant = await withState(options.config, (state) =>
    storeOf(state).putTenant(id, (known) => {
      const kept = clearLimits ? {} : (known?.limits ?? {});
      return readTenantChanges({ ...written, limits: { ...kept, ...limits } }, state.input);
    }),
  );
  const state = tenant.isDisabled ? 'disabled' : 'enabled';
  print(`${tenant.id} is ${state}; limits: ${limitText(tenant.limits) || 'none'}.`);
}

export async function listTenants({ config, json }: ListOptions): Promise<void> {
  const tenants = await withState(config, (state) => storeOf(state).tenants());
  if (json) {
    printJson(tenants);
    return;
  }
  const rows = tenants.map(({ id, isDisabled, limits, accounts, tags }) => [
    id,
    isDisabled ? 'disabled' : 'enabled',
    harmless(limitText(limits)),
    harmless(pairText(accounts)),
    harmless(pairText(tags)),
  ]);
  print(table([['TENANT', 'STATE', 'LIMITS', 'ACCOUNTS', 'TAGS'], ...rows]));
}

function storeOf({ database, clock }: State): KeyStore {
  const recorder = recorderBeside({ database, clock, random: systemRandom });
  return new KeyStore(database, clock, systemRandom, recorder);
}

function stateOf({ tenant, revokedAt, expiresAt }: VirtualKey, disabled: ReadonlySet<string>, nowMs: number): string {
  if (revokedAt !== undefined) return 'revoked';
  if (disabled.has(tenant)) return 'tenant disabled';
  if (expiresAt === undefined) return 'valid';
  const day = new Date(expiresAt).toISOString().slice(0, 'YYYY-MM-DD'.length);
  return expiresAt <= nowMs ? `expired ${day}` : `until ${day}`;
}

function lists({ scopes }: VirtualKey): string {
  return Object.entries(scopes)
    .map(([name, entries]) => `${name}=${entries.join(',')}`)
    .join(' ');
}

function limitText({ models = {}, ...amounts }: LimitSpec): string {
  const own = Object.entries(amounts).map(([name, amount]) => `${name}=${amount}`);
  return [...own, ...Object.entries(models).map(([model, spec]) => `${model}(${limitText(spec)})`)].join(' ');
}

function pairText(pairs: Readonly<Record<string, string>>): string {
  return Object.entries(pairs)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}
