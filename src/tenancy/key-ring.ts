// Turns a presented secret into a principal, for every request: known keys come from memory, unknown ones are looked up
// once, and senders of wrong ones are slowed.

import { BlockList } from 'node:net';
import { LRUCache } from 'lru-cache';
import type { AnonymousMode } from '../config/exposure.ts';
import { GatewayError } from '../errors.ts';
import { atMost } from '../model/at-most.ts';
import type { Clock } from '../ports.ts';
import { hashSecret, type KeyStore, type Tenant, type VirtualKey } from './key-store.ts';
import { ANONYMOUS, DEFAULT_TENANT, type LimitSpec, type Principal, type ScopedLimits } from './principal.ts';
import { WrongAttempts } from './wrong-attempts.ts';

/** A whole site may share one address, and one of its clients may have an old key: the others must see why. */
const FREE_FAILURES = 100;
const REMEMBERED_MAX = 10_000;

interface Known {
  readonly key: VirtualKey;
  readonly principal: Principal;
  readonly allowed: BlockList | undefined;
  /** Of the store when it was looked up; after a change it is looked up again. */
  readonly generation: number;
}

/** A change by another process (the command line) holds after this long: looking at the file for every request is dear. */
const LOOK_MS = 20;

export class KeyRing {
  readonly #store: KeyStore;
  readonly #clock: Clock;
  /** Principals of keys that stand in the configuration. */
  readonly #configured: () => ReadonlyMap<string, Principal>;
  readonly #anonymous: () => AnonymousMode;
  readonly #known = new LRUCache<string, Known>(atMost(REMEMBERED_MAX));
  readonly #wrongAttempts: WrongAttempts;
  /** Keys of the configuration and those without one, as their tenant makes them in this generation. */
  #ofDefault = new WeakMap<Principal, Principal>();
  #dataVersion = -1;
  /** Counts the changes of the store that were noticed. */
  #generation = 0;
  /** Monotonic milliseconds of the last look at the store. */
  #lookedAt = Number.NEGATIVE_INFINITY;
  #hasKeys = false;

  /** @param configured by the SHA-256 of the key */
  constructor(
    store: KeyStore,
    clock: Clock,
    configured: () => ReadonlyMap<string, Principal>,
    anonymous: () => AnonymousMode = () => 'until-first-key',
  ) {
    this.#store = store;
    this.#clock = clock;
    this.#configured = configured;
    this.#anonymous = anonymous;
    this.#wrongAttempts = new WrongAttempts(clock, FREE_FAILURES);
  }

  /**
   * May this client ask without being known? A secret that is sent is looked at as soon as there is any key: a wrong one
   * is a mistake that its owner wants to hear of.
   */
  admitsAnonymous(secrets: readonly string[]): boolean {
    const mode = this.#anonymous();
    if (mode === 'never') return false;
    if (mode === 'always' && secrets.length === 0) return true;
    this.#notice();
    return this.#configured().size === 0 && !this.#hasKeys;
  }

  /**
   * Who has no key.
   * @throws GatewayError `unauthenticated`
   */
  anonymous(): Principal {
    this.#notice();
    return this.#ofDefaultTenant(ANONYMOUS);
  }

  /** Something here was changed by this process. */
  forget(): void {
    this.#dataVersion = -1;
    this.#lookedAt = Number.NEGATIVE_INFINITY;
  }

  /**
   * @param secrets what the client sent, in whichever headers
   * @param address the client's, for CIDR scopes and for slowing down guesses
   * @throws GatewayError `unauthenticated`, `forbidden` or `rate_limited`
   */
  identify(secrets: readonly string[], address: string): Principal {
    this.#notice();
    const [first] = secrets;
    if (first === undefined) {
      throw new GatewayError('unauthenticated', 'This gateway needs a key. Send it as `Authorization: Bearer <key>`.');
    }
    const hashes = secrets.map(hashSecret);
    for (const secretHash of hashes) {
      const configured = this.#configured().get(secretHash);
      if (configured) return this.#ofDefaultTenant(configured);
    }
    const { key, principal, allowed } = this.#find(hashes, address);
    if (key.expiresAt !== undefined && key.expiresAt <= this.#clock.now()) {
      throw new GatewayError(
        'unauthenticated',
        `The key '${key.name}' expired on ${new Date(key.expiresAt).toISOString()}.`,
      );
    }
    if (allowed && !allowed.check(plainAddress(address), familyOf(address))) {
      throw new GatewayError('forbidden', `The key '${key.name}' may not be used from this address.`);
    }
    return principal;
  }

  /**
   * Who another node says is asking. A key that is known here is as it stands here; else the other node's word counts.
   * @throws GatewayError `forbidden` when the key is known and not good any more
   */
  confirm(claimed: Principal): Principal {
    const key = claimed.keyId === undefined ? undefined : this.#store.key(claimed.keyId);
    if (!key) return claimed;
    const known = this.#usable(key);
    const isExpired = key.expiresAt !== undefined && key.expiresAt <= this.#clock.now();
    if (!known || isExpired || known.principal.tenant !== claimed.tenant) {
      throw new GatewayError('forbidden', `The key '${key.name}' is not valid on the node that should answer.`);
    }
    return known.principal;
  }

  /** Clients may send several secrets, one of them a dummy for another header: one good one is enough. */
  #find(hashes: readonly string[], address: string): Known {
    let wasGood = false;
    for (const secretHash of hashes) {
      const known = this.#known.get(secretHash);
      if (known?.generation === this.#generation) return known;
      wasGood ||= known !== undefined;
    }
    // Who sends what was good a moment ago does not guess.
    if (!wasGood) this.#wrongAttempts.check(address);
    for (const secretHash of hashes) {
      // A key made a moment ago by another process is found here, whatever was noticed.
      const known = this.#usable(this.#store.keyByHash(secretHash));
      this.#known.delete(secretHash);
      if (!known) continue;
      this.#known.set(secretHash, known);
      return known;
    }
    this.#wrongAttempts.note(address);
    throw new GatewayError('unauthenticated', 'This key is not valid here: it is unknown or was revoked.');
  }

  /** With what holds for all of its tenant. */
  #ofDefaultTenant(principal: Principal): Principal {
    const known = this.#ofDefault.get(principal);
    if (known) return known;
    const tenant = this.#store.tenant(DEFAULT_TENANT);
    if (tenant?.isDisabled) {
      throw new GatewayError(
        'unauthenticated',
        `The tenant '${DEFAULT_TENANT}' is disabled, and so is who has no key of another.`,
      );
    }
    const bound = tenant ? withTenant(principal, tenant) : principal;
    this.#ofDefault.set(principal, bound);
    return bound;
  }

  #usable(key: VirtualKey | undefined): Known | undefined {
    const tenant = key && this.#store.tenant(key.tenant);
    if (!key || !tenant || key.revokedAt !== undefined || tenant.isDisabled) return undefined;
    return {
      key,
      generation: this.#generation,
      principal: withTenant(
        {
          tenant: tenant.id,
          keyId: key.id,
          tags: key.tags,
          scopes: key.scopes,
          accounts: key.accounts,
          limits: limitsOf(`key:${key.id}`, key.limits),
        },
        tenant,
      ),
      allowed: key.scopes.cidrs && blockListOf(key.scopes.cidrs),
    };
  }

  /** Forgets what it knows when the command line or the admin API has written. */
  #notice(): void {
    const now = this.#clock.elapsed();
    if (now - this.#lookedAt < LOOK_MS) return;
    this.#lookedAt = now;
    const version = this.#store.dataVersion();
    if (version === this.#dataVersion) return;
    this.#dataVersion = version;
    this.#generation += 1;
    this.#ofDefault = new WeakMap();
    this.#hasKeys = this.#store.hasKeys();
  }
}

/** Its own words go before the tenant's; limits of both hold. */
function withTenant(principal: Principal, { id, tags, accounts, limits }: Tenant): Principal {
  return {
    ...principal,
    tags: { ...tags, ...principal.tags },
    accounts: { ...accounts, ...principal.accounts },
    limits: [...limitsOf(`tenant:${id}`, limits), ...principal.limits],
  };
}

function limitsOf(scope: string, spec: LimitSpec): ScopedLimits[] {
  return Object.keys(spec).length > 0 ? [{ scope, spec }] : [];
}

/** A key of the configuration: everything allowed, only its tenant's limits, its own id in the ledger. */
export function configuredPrincipal(position: number): Principal {
  return { tenant: DEFAULT_TENANT, keyId: `config-${position}`, tags: {}, scopes: {}, accounts: {}, limits: [] };
}

function blockListOf(cidrs: readonly string[]): BlockList {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [address = '', prefix] = cidr.split('/');
    const family = familyOf(address);
    list.addSubnet(address, prefix === undefined ? (family === 'ipv6' ? 128 : 32) : Number(prefix), family);
  }
  return list;
}

function plainAddress(address: string): string {
  return address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return plainAddress(address).includes(':') ? 'ipv6' : 'ipv4';
}
