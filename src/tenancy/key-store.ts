// Tenants and virtual keys as rows. A key's secret is shown once, when it is made; kept is its SHA-256, which is enough
// for a secret of 256 random bits.

import { hash } from 'node:crypto';
import { GatewayError } from '../errors.ts';
import type { Clock, Random } from '../ports.ts';
import type { Database } from '../storage/database.ts';
import type { LimitSpec, Scopes } from './principal.ts';

export interface Tenant {
  readonly id: string;
  readonly createdAt: number;
  readonly isDisabled: boolean;
  readonly limits: LimitSpec;
  readonly accounts: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
}

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

interface TenantRow {
  id: string;
  created_at: number;
  is_disabled: number;
  limits: string;
  accounts: string;
  tags: string;
}

interface KeyRow {
  id: string;
  tenant: string;
  name: string;
  created_at: number;
  expires_at: number | null;
  revoked_at: number | null;
  scopes: string;
  limits: string;
  accounts: string;
  tags: string;
}

export function hashSecret(secret: string): string {
  return hash('sha256', secret);
}

export class KeyStore {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #dataVersion;

  constructor(database: Database, clock: Clock, random: Random) {
    this.#database = database;
    this.#dataVersion = database.prepare<[], number>('PRAGMA data_version').pluck();
    this.#clock = clock;
    this.#random = random;
  }

  /** Makes a tenant, or changes what is given of it. */
  putTenant(id: string, changes: Partial<Omit<Tenant, 'id' | 'createdAt'>> = {}): Tenant {
    checkName('tenant', id);
    const known = this.tenant(id);
    const tenant: Tenant = {
      id,
      createdAt: known?.createdAt ?? this.#clock.now(),
      isDisabled: changes.isDisabled ?? known?.isDisabled ?? false,
      limits: changes.limits ?? known?.limits ?? {},
      accounts: changes.accounts ?? known?.accounts ?? {},
      tags: changes.tags ?? known?.tags ?? {},
    };
    this.#database
      .prepare(
        `INSERT INTO tenant (id, created_at, is_disabled, limits, accounts, tags) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET is_disabled = excluded.is_disabled, limits = excluded.limits,
           accounts = excluded.accounts, tags = excluded.tags`,
      )
      .run(
        id,
        tenant.createdAt,
        tenant.isDisabled ? 1 : 0,
        JSON.stringify(tenant.limits),
        JSON.stringify(tenant.accounts),
        JSON.stringify(tenant.tags),
      );
    return tenant;
  }

  tenant(id: string): Tenant | undefined {
    const row = this.#database.prepare<[string], TenantRow>('SELECT * FROM tenant WHERE id = ?').get(id);
    return row && tenantOf(row);
  }

  tenants(): Tenant[] {
    return this.#database.prepare<[], TenantRow>('SELECT * FROM tenant ORDER BY id').all().map(tenantOf);
  }

  /** The secret is returned here and nowhere else. The tenant is made when it does not exist yet. */
  createKey(wanted: NewKey): { readonly key: VirtualKey; readonly secret: string } {
    if (!this.tenant(wanted.tenant)) this.putTenant(wanted.tenant);
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
    this.#database
      .prepare(
        `INSERT INTO virtual_key (id, tenant, name, secret_hash, created_at, expires_at, scopes, limits, accounts, tags)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        key.id,
        key.tenant,
        key.name,
        hashSecret(secret),
        key.createdAt,
        key.expiresAt ?? null,
        JSON.stringify(key.scopes),
        JSON.stringify(key.limits),
        JSON.stringify(key.accounts),
        JSON.stringify(key.tags),
      );
    return { key, secret };
  }

  /** Same key, new secret; the old one is refused from now on. */
  rotateKey(id: string): { readonly key: VirtualKey; readonly secret: string } {
    const key = this.#known(id);
    if (key.revokedAt !== undefined)
      throw new GatewayError('bad_request', `The key ${id} is revoked. Create a new one.`);
    const secret = this.#newSecret();
    this.#database.prepare('UPDATE virtual_key SET secret_hash = ? WHERE id = ?').run(hashSecret(secret), id);
    return { key, secret };
  }

  revokeKey(id: string): VirtualKey {
    const key = this.#known(id);
    if (key.revokedAt !== undefined) return key;
    this.#database.prepare('UPDATE virtual_key SET revoked_at = ? WHERE id = ?').run(this.#clock.now(), id);
    return this.#known(id);
  }

  key(id: string): VirtualKey | undefined {
    const row = this.#database.prepare<[string], KeyRow>('SELECT * FROM virtual_key WHERE id = ?').get(id);
    return row && keyOf(row);
  }

  keys(tenant?: string): VirtualKey[] {
    const rows =
      tenant === undefined
        ? this.#database.prepare<[], KeyRow>('SELECT * FROM virtual_key ORDER BY tenant, created_at').all()
        : this.#database
            .prepare<[string], KeyRow>('SELECT * FROM virtual_key WHERE tenant = ? ORDER BY created_at')
            .all(tenant);
    return rows.map(keyOf);
  }

  keyByHash(secretHash: string): VirtualKey | undefined {
    const row = this.#database
      .prepare<[string], KeyRow>('SELECT * FROM virtual_key WHERE secret_hash = ?')
      .get(secretHash);
    return row && keyOf(row);
  }

  /** Was ever a key made? Revoking the last one must not open the gateway to everyone. */
  hasKeys(): boolean {
    return this.#database.prepare('SELECT 1 FROM virtual_key LIMIT 1').get() !== undefined;
  }

  /** Is there a key that a client could use now? */
  hasUsableKeys(): boolean {
    return (
      this.#database
        .prepare<[number]>(
          `SELECT 1 FROM virtual_key JOIN tenant ON tenant.id = virtual_key.tenant
           WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?) AND NOT is_disabled LIMIT 1`,
        )
        .get(this.#clock.now()) !== undefined
    );
  }

  /** Changes whenever another process (the command line) has written. */
  dataVersion(): number {
    return this.#dataVersion.get() ?? 0;
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

function tenantOf(row: TenantRow): Tenant {
  return {
    id: row.id,
    createdAt: row.created_at,
    isDisabled: row.is_disabled === 1,
    limits: JSON.parse(row.limits),
    accounts: JSON.parse(row.accounts),
    tags: JSON.parse(row.tags),
  };
}

function keyOf(row: KeyRow): VirtualKey {
  return {
    id: row.id,
    tenant: row.tenant,
    name: row.name,
    createdAt: row.created_at,
    ...(row.expires_at !== null && { expiresAt: row.expires_at }),
    ...(row.revoked_at !== null && { revokedAt: row.revoked_at }),
    scopes: JSON.parse(row.scopes),
    limits: JSON.parse(row.limits),
    accounts: JSON.parse(row.accounts),
    tags: JSON.parse(row.tags),
  };
}
