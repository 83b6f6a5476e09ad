// Tenants and virtual keys as rows. A key's secret is shown once, when it is made; kept is its SHA-256, which is enough
// for a secret of 256 random bits.

import { hash } from 'node:crypto';
import { GatewayError } from '../errors.ts';
import type { Clock, Random } from '../ports.ts';
import { type ChangeRecorder, NOBODY_LISTENS } from '../storage/changes.ts';
import type { Database } from '../storage/database.ts';
import type { LimitSpec, Scopes } from './principal.ts';
import {
  KEY_KIND,
  keyBody,
  REVOCATION_KIND,
  revocationBody,
  TENANT_KIND,
  TenancyTable,
  tenantBody,
} from './tenancy-table.ts';

export interface Tenant {
  readonly id: string;
  readonly createdAt: number;
  readonly isDisabled: boolean;
  readonly limits: LimitSpec;
  readonly accounts: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
}

/** Only what is given. */
export type TenantChanges = Partial<Omit<Tenant, 'id' | 'createdAt'>>;

export interface VirtualKey {
  readonly id: string;
  readonly tenant: string;
  readonly name: string;
  readonly createdAt: number;
  readonly expiresAt?: number;
  readonly revokedAt?: number;
  readonly scopes: Scopes;
  readonly limits: LimitSpec;
  readonly accounts: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
}

export interface NewKey {
  readonly tenant: string;
  readonly name: string;
  readonly expiresAt?: number;
  readonly scopes?: Scopes;
  readonly limits?: LimitSpec;
  readonly accounts?: Readonly<Record<string, string>>;
  readonly tags?: Readonly<Record<string, string>>;
}

/** Begins every secret, so that scanners and people recognise one. */
const SECRET_PREFIX = 'fm-';
const SECRET_BYTES = 32;

export function hashSecret(secret: string): string {
  return hash('sha256', secret);
}

export class KeyStore {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #changes: ChangeRecorder;
  readonly #table: TenancyTable;
  readonly #dataVersion;

  /** @param changes told of every row that is written here */
  constructor(database: Database, clock: Clock, random: Random, changes: ChangeRecorder = NOBODY_LISTENS) {
    this.#database = database;
    this.#dataVersion = database.prepare<[], number>('PRAGMA data_version').pluck();
    this.#clock = clock;
    this.#random = random;
    this.#changes = changes;
    this.#table = new TenancyTable(database);
  }

  /**
   * Makes a tenant, or changes what is given of it.
   * @param change may depend on what it is now: nobody else changes it in between
   */
  putTenant(id: string, change: TenantChanges | ((known: Tenant | undefined) => TenantChanges) = {}): Tenant {
    checkName('tenant', id);
    return this.#transaction(() => {
      const known = this.tenant(id);
      const changes = typeof change === 'function' ? change(known) : change;
      const tenant: Tenant = {
        id,
        createdAt: known?.createdAt ?? this.#clock.now(),
        isDisabled: changes.isDisabled ?? known?.isDisabled ?? false,
        limits: changes.limits ?? known?.limits ?? {},
        accounts: changes.accounts ?? known?.accounts ?? {},
        tags: changes.tags ?? known?.tags ?? {},
      };
      const body = tenantBody(tenant);
      this.#table.putTenant(id, body);
      this.#changes.put(TENANT_KIND, id, body);
      return tenant;
    });
  }

  tenant(id: string): Tenant | undefined {
    return this.#table.tenant(id);
  }

  tenants(): Tenant[] {
    return this.#table.tenants();
  }

  /** The secret is returned here and nowhere else. The tenant is made when it does not exist yet. */
  createKey(wanted: NewKey): { readonly key: VirtualKey; readonly secret: string } {
    checkName('tenant', wanted.tenant);
    const secret = this.#newSecret();
    const key: VirtualKey = {
      id: `key_${this.#random.uuid().replaceAll('-', '').slice(0, 16)}`,
      tenant: wanted.tenant,
      name: wanted.name,
      createdAt: this.#clock.now(),
      ...(wanted.expiresAt !== undefined && { expiresAt: wanted.expiresAt }),
      scopes: wanted.scopes ?? {},
      limits: wanted.limits ?? {},
      accounts: wanted.accounts ?? {},
      tags: wanted.tags ?? {},
    };
    this.#transaction(() => {
      this.#table.ensureTenant(wanted.tenant, key.createdAt);
      this.#put(key, secret);
    });
    return { key, secret };
  }

  /** Same key, new secret; the old one is refused from now on. */
  rotateKey(id: string): { readonly key: VirtualKey; readonly secret: string } {
    const secret = this.#newSecret();
    const key = this.#transaction(() => {
      const known = this.#known(id);
      if (known.revokedAt !== undefined)
        throw new GatewayError('bad_request', `The key ${id} is revoked. Create a new one.`);
      this.#put(known, secret);
      return known;
    });
    return { key, secret };
  }

  /** For good: a key that was revoked never comes back. */
  revokeKey(id: string): VirtualKey {
    return this.#transaction(() => {
      const key = this.#known(id);
      if (key.revokedAt !== undefined) return key;
      const revokedAt = this.#clock.now();
      this.#table.putRevocation(id, revokedAt);
      this.#changes.put(REVOCATION_KIND, id, revocationBody(revokedAt));
      return { ...key, revokedAt };
    });
  }

  key(id: string): VirtualKey | undefined {
    return this.#table.key(id);
  }

  keys(tenant?: string): VirtualKey[] {
    return this.#table.keys(tenant);
  }

  keyByHash(secretHash: string): VirtualKey | undefined {
    return this.#table.keyByHash(secretHash);
  }

  /**
   * Was ever a key made? Neither revoking the last one nor evicting the member that has made it, whose rows go with it,
   * must open the gateway to everyone.
   */
  hasKeys(): boolean {
    return this.#table.hasKeys();
  }

  /** Is there a key that a client could use now? */
  hasUsableKeys(): boolean {
    return (
      this.#database
        .prepare<[number]>(
          `SELECT 1 FROM virtual_key JOIN tenant ON tenant.id = virtual_key.tenant
           WHERE NOT EXISTS (SELECT 1 FROM key_revocation WHERE key = virtual_key.id) AND (expires_at IS NULL OR expires_at > ?) AND NOT is_disabled LIMIT 1`,
        )
        .get(this.#clock.now()) !== undefined
    );
  }

  /** Changes whenever another process (the command line) has written. */
  dataVersion(): number {
    return this.#dataVersion.get() ?? 0;
  }

  #put(key: VirtualKey, secret: string): void {
    const body = keyBody(key, hashSecret(secret));
    this.#table.putKey(key.id, body);
    this.#changes.put(KEY_KIND, key.id, body);
  }

  /** The command line writes beside a running node: whoever comes second waits. */
  #transaction<Result>(work: () => Result): Result {
    return this.#database.transaction(work).immediate();
  }

  #known(id: string): VirtualKey {
    const key = this.key(id);
    if (!key) throw new GatewayError('not_found', `There is no key '${id}'.`);
    return key;
  }

  #newSecret(): string {
    return SECRET_PREFIX + Buffer.from(this.#random.bytes(SECRET_BYTES)).toString('base64url');
  }
}

function checkName(what: string, name: string): void {
  if (/^[\w.-]{1,64}$/.test(name)) return;
  throw new GatewayError('bad_request', `A ${what} is named with 1 to 64 letters, digits, '.', '_' or '-'.`);
}
