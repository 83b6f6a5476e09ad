// Tenants, keys and revocations as rows of gateway.db, and as the bodies in which they travel to other nodes. Of a key's
// secret there is only its hash, here and there.

import { asNumber, asObject, asString, type JsonObject } from '../model/json.ts';
import type { Database, Statement } from '../storage/database.ts';
import type { Tenant, VirtualKey } from './key-store.ts';

export const TENANT_KIND = 'tenant';
export const KEY_KIND = 'virtual-key';
export const REVOCATION_KIND = 'key-revocation';

/** A row as it travels. */
export interface TravellingRow {
  readonly key: string;
  readonly body: JsonObject;
}

interface TenantRow {
  readonly id: string;
  readonly created_at: number;
  readonly is_disabled: number;
  readonly limits: string;
  readonly accounts: string;
  readonly tags: string;
}

interface KeyRow {
  readonly id: string;
  readonly tenant: string;
  readonly name: string;
  readonly secret_hash: string;
  readonly created_at: number;
  readonly expires_at: number | null;
  readonly revoked_at: number | null;
  readonly scopes: string;
  readonly limits: string;
  readonly accounts: string;
  readonly tags: string;
}

const SELECT_KEY = `SELECT virtual_key.*, revoked_at FROM virtual_key
  LEFT JOIN key_revocation ON key_revocation.key = virtual_key.id`;

export class TenancyTable {
  readonly #database: Database;
  readonly #putTenant: Statement<[string, number, number, string, string, string]>;
  readonly #ensureTenant: Statement<[string, number]>;
  readonly #putKey: Statement<[Record<string, string | number | null>]>;
  readonly #putRevocation: Statement<[string, number]>;
  readonly #key: Statement<[string], KeyRow>;
  readonly #keyByHash: Statement<[string], KeyRow>;
  readonly #hadKeys: Statement<[]>;
  readonly #hasKeys: Statement<[], number>;
  readonly #remove: Readonly<Record<'tenant' | 'virtual_key' | 'key_revocation', Statement<[string]>>>;

  constructor(database: Database) {
    this.#database = database;
    const prepare = database.prepare.bind(database);
    this.#putTenant = prepare(
      `INSERT OR REPLACE INTO tenant (id, created_at, is_disabled, limits, accounts, tags) VALUES (?, ?, ?, ?, ?, ?)`,
    );
    this.#ensureTenant = prepare('INSERT OR IGNORE INTO tenant (id, created_at) VALUES (?, ?)');
    this.#putKey = prepare(
      `INSERT OR REPLACE INTO virtual_key
         (id, tenant, name, secret_hash, created_at, expires_at, scopes, limits, accounts, tags)
       VALUES ($id, $tenant, $name, $secretHash, $createdAt, $expiresAt, $scopes, $limits, $accounts, $tags)`,
    );
    this.#putRevocation = prepare('INSERT OR REPLACE INTO key_revocation (key, revoked_at) VALUES (?, ?)');
    this.#key = prepare(`${SELECT_KEY} WHERE id = ?`);
    // Two nodes cannot draw the same secret; a row made by hand may repeat one, and all nodes must then agree.
    this.#keyByHash = prepare(`${SELECT_KEY} WHERE secret_hash = ? ORDER BY id LIMIT 1`);
    this.#hadKeys = prepare('INSERT OR IGNORE INTO key_memory VALUES (1)');
    // A revocation may come before its key.
    this.#hasKeys = prepare<[], number>(
      `SELECT EXISTS (SELECT 1 FROM virtual_key) OR EXISTS (SELECT 1 FROM key_revocation)
         OR EXISTS (SELECT 1 FROM key_memory)`,
    ).pluck();
    this.#remove = {
      tenant: prepare('DELETE FROM tenant WHERE id = ?'),
      virtual_key: prepare('DELETE FROM virtual_key WHERE id = ?'),
      key_revocation: prepare('DELETE FROM key_revocation WHERE key = ?'),
    };
  }

  putTenant(id: string, body: JsonObject): void {
    const { createdAt, isDisabled, limits, accounts, tags } = body;
    const text = (value: unknown): string => JSON.stringify(asObject(value) ?? {});
    this.#putTenant.run(
      id,
      asNumber(createdAt) ?? 0,
      isDisabled === true ? 1 : 0,
      text(limits),
      text(accounts),
      text(tags),
    );
  }

  /**
   * A tenant of whom nothing is known but a key. It does not travel by itself: made on one node, it would overwrite the
   * limits that somebody has given it on another.
   */
  ensureTenant(id: string, createdAt: number): void {
    this.#ensureTenant.run(id, createdAt);
  }

  putKey(id: string, body: JsonObject): void {
    const { tenant, name, secretHash, createdAt, expiresAt, scopes, limits, accounts, tags } = body;
    const text = (value: unknown): string => JSON.stringify(asObject(value) ?? {});
    this.#putKey.run({
      id,
      tenant: asString(tenant) ?? '',
      name: asString(name) ?? '',
      secretHash: asString(secretHash) ?? '',
      createdAt: asNumber(createdAt) ?? 0,
      expiresAt: asNumber(expiresAt) ?? null,
      scopes: text(scopes),
      limits: text(limits),
      accounts: text(accounts),
      tags: text(tags),
    });
  }

  putRevocation(key: string, revokedAt: number): void {
    this.#putRevocation.run(key, revokedAt);
  }

  remove(table: 'tenant' | 'virtual_key' | 'key_revocation', id: string): void {
    if (table !== 'tenant') this.#hadKeys.run();
    this.#remove[table].run(id);
  }

  /** Was there ever a key? */
  hasKeys(): boolean {
    return this.#hasKeys.get() === 1;
  }

  tenant(id: string): Tenant | undefined {
    const row = this.#database.prepare<[string], TenantRow>('SELECT * FROM tenant WHERE id = ?').get(id);
    return row && tenantOf(row);
  }

  tenants(): Tenant[] {
    return this.#database.prepare<[], TenantRow>('SELECT * FROM tenant ORDER BY id').all().map(tenantOf);
  }

  key(id: string): VirtualKey | undefined {
    const row = this.#key.get(id);
    return row && keyOf(row);
  }

  keyByHash(secretHash: string): VirtualKey | undefined {
    const row = this.#keyByHash.get(secretHash);
    return row && keyOf(row);
  }

  keys(tenant?: string): VirtualKey[] {
    const rows =
      tenant === undefined
        ? this.#database.prepare<[], KeyRow>(`${SELECT_KEY} ORDER BY tenant, created_at, id`).all()
        : this.#database
            .prepare<[string], KeyRow>(`${SELECT_KEY} WHERE tenant = ? ORDER BY created_at, id`)
            .all(tenant);
    return rows.map(keyOf);
  }

  /** Those of whom there is something to tell. */
  *travellingTenants(): Iterable<TravellingRow> {
    const rows = this.#database
      .prepare<[], TenantRow>("SELECT * FROM tenant WHERE is_disabled OR limits || accounts || tags <> '{}{}{}'")
      .all();
    for (const row of rows) yield { key: row.id, body: tenantBody(tenantOf(row)) };
  }

  *travellingKeys(): Iterable<TravellingRow> {
    const rows = this.#database.prepare<[], KeyRow>(SELECT_KEY).all();
    for (const row of rows) yield { key: row.id, body: keyBody(keyOf(row), row.secret_hash) };
  }

  *travellingRevocations(): Iterable<TravellingRow> {
    const rows = this.#database.prepare<[], { key: string; at: number }>(
      'SELECT key, revoked_at AS at FROM key_revocation',
    );
    for (const { key, at } of rows.all()) yield { key, body: revocationBody(at) };
  }
}

export function tenantBody({ createdAt, isDisabled, limits, accounts, tags }: Omit<Tenant, 'id'>): JsonObject {
  return plain({ createdAt, isDisabled, limits, accounts, tags });
}

export function keyBody(key: Omit<VirtualKey, 'id' | 'revokedAt'>, secretHash: string): JsonObject {
  const { tenant, name, createdAt, expiresAt, scopes, limits, accounts, tags } = key;
  return plain({ tenant, name, secretHash, createdAt, expiresAt, scopes, limits, accounts, tags });
}

export function revocationBody(revokedAt: number): JsonObject {
  return { revokedAt };
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

/** As JSON has it: without what is undefined. */
function plain(value: object): JsonObject {
  return JSON.parse(JSON.stringify(value)) as JsonObject;
}
