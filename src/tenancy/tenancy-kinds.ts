// Tenants, virtual keys and revocations as kinds of rows that travel. What another node has written holds here at once.

import { asNumber, asObject, asString, isObject, type JsonObject, type JsonValue } from '../model/json.ts';
import type { Kind } from '../replication/kind.ts';
import type { Database } from '../storage/database.ts';
import { KEY_KIND, REVOCATION_KIND, TENANT_KIND, TenancyTable } from './tenancy-table.ts';

const CAPABILITY = 'config:write';
/** Limits by model may be many; a push holds 16 KB. */
const BODY_BYTES_MAX = 48 * 1024;

/** @param onMerge a merge brought a row: what is remembered of keys and tenants may be wrong */
export function tenancyKinds(onMerge: () => void): readonly Kind[] {
  const tables = new WeakMap<Database, TenancyTable>();
  const tableOf = (database: Database): TenancyTable => {
    const table = tables.get(database) ?? new TenancyTable(database);
    tables.set(database, table);
    return table;
  };
  const common = { capability: CAPABILITY, bodyBytesMax: BODY_BYTES_MAX };
  return [
    {
      ...common,
      name: TENANT_KIND,
      isValid: (_id, body) => isTenant(body),
      apply: (database, id, body) => {
        if (body) tableOf(database).putTenant(id, body);
        else tableOf(database).remove('tenant', id);
        onMerge();
      },
      rows: (database) => tableOf(database).travellingTenants(),
    },
    {
      ...common,
      name: KEY_KIND,
      isValid: (_id, body) => isKey(body),
      apply: (database, id, body) => {
        const table = tableOf(database);
        if (body) {
          table.ensureTenant(asString(body.tenant) ?? '', asNumber(body.createdAt) ?? 0);
          table.putKey(id, body);
        } else table.remove('virtual_key', id);
        onMerge();
      },
      rows: (database) => tableOf(database).travellingKeys(),
    },
    {
      ...common,
      name: REVOCATION_KIND,
      isValid: (_id, body) => asNumber(body.revokedAt) !== undefined,
      apply: (database, id, body) => {
        if (body) tableOf(database).putRevocation(id, asNumber(body.revokedAt) ?? 0);
        else tableOf(database).remove('key_revocation', id);
        onMerge();
      },
      // Last writer wins would bring a revoked key back that somebody has edited on an island.
      join: earlierRevocation,
      // Nor must the key of a thief work again because the member that locked it was stolen too.
      isKeptOfEvicted: true,
      rows: (database) => tableOf(database).travellingRevocations(),
    },
  ];
}

/** Revoked by two nodes: the first moment is kept. */
function earlierRevocation(left: JsonObject, right: JsonObject): JsonObject {
  return (asNumber(left.revokedAt) ?? 0) <= (asNumber(right.revokedAt) ?? 0) ? left : right;
}

function isTenant({ createdAt, isDisabled, limits, accounts, tags }: JsonObject): boolean {
  return (
    typeof createdAt === 'number' && typeof isDisabled === 'boolean' && isObject(limits) && areTexts(accounts, tags)
  );
}

function isKey(body: JsonObject): boolean {
  const { tenant, name, secretHash, createdAt, expiresAt, scopes, limits, accounts, tags } = body;
  return (
    [tenant, name, secretHash].every((text) => asString(text) !== undefined) &&
    typeof createdAt === 'number' &&
    (expiresAt === undefined || typeof expiresAt === 'number') &&
    isObject(limits) &&
    areLists(scopes) &&
    areTexts(accounts, tags)
  );
}

function areTexts(...records: readonly (JsonValue | undefined)[]): boolean {
  return records.every(
    (record) => isObject(record) && Object.values(record).every((value) => typeof value === 'string'),
  );
}

function areLists(record: JsonValue | undefined): boolean {
  const lists = asObject(record);
  return lists !== undefined && Object.values(lists).every((list) => Array.isArray(list) && list.every(isText));
}

function isText(value: JsonValue): boolean {
  return typeof value === 'string';
}
