// Names of what limits hold for: `tenant:acme`, `key:k`, and single models of both, `key:k model:gpt-*`.

import type { Database } from '../storage/database.ts';
import { matchesAny } from './principal.ts';

export interface UsageScope {
  readonly tenant: string | null;
  readonly keyId: string | null;
  /** Of models' names, or null. */
  readonly pattern: string | null;
}

/** All names under which a model that a client asks for may be limited, the client's own word among them. */
export type NamesOf = (asked: string) => readonly string[];

/** Without a configuration each name stands for itself. */
export const ONLY_ITSELF: NamesOf = (asked) => [asked];

const OF_OWNER = '(@tenant IS NULL OR tenant = @tenant) AND (@keyId IS NULL OR key_id = @keyId)';

/** Rows of a table with the columns tenant, key_id and model that belong to a scope, as `boundScope` binds it. */
export const IN_SCOPE = `${OF_OWNER} AND (@models IS NULL OR model IN (SELECT value FROM json_each(@models)))`;

/** Days of a month, as text, lie between its name and this. */
export const IN_MONTH = "day >= @month AND day < @month || '-99'";

/** Which of the clients' words of a month are meant by a pattern, the configuration says. */
export function boundScope(
  database: Database,
  table: 'ledger_day' | 'usage_shard',
  { tenant, keyId, pattern }: UsageScope,
  month: string,
  namesOf: NamesOf,
): object {
  if (pattern === null) return { tenant, keyId, month, models: null };
  const asked = database
    .prepare<[object], string>(`SELECT DISTINCT model FROM ${table} WHERE ${IN_MONTH} AND ${OF_OWNER}`)
    .pluck()
    .all({ tenant, keyId, month });
  return { tenant, keyId, month, models: JSON.stringify(asked.filter((model) => isMeant(model, pattern, namesOf))) };
}

/** The same for what is no row of a table. */
export function isInScope(
  { tenant, keyId, pattern }: UsageScope,
  of: { readonly tenant: string; readonly keyId: string; readonly model: string },
  namesOf: NamesOf,
): boolean {
  return (
    (tenant === null || tenant === of.tenant) &&
    (keyId === null || keyId === of.keyId) &&
    (pattern === null || isMeant(of.model, pattern, namesOf))
  );
}

/** Does a limit on such models hold for this one? */
export function isMeant(asked: string, pattern: string, namesOf: NamesOf): boolean {
  return namesOf(asked).some((name) => matchesAny(name, [pattern]));
}

export function parseScope(name: string): UsageScope {
  const [, kind, id = '', pattern] = /^(tenant|key):(\S+)(?: model:(.+))?$/s.exec(name) ?? [];
  return {
    tenant: kind === 'tenant' ? id : null,
    keyId: kind === 'tenant' ? null : id,
    pattern: pattern ?? null,
  };
}
