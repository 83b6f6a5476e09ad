// Names of what limits hold for: `tenant:acme`, `key:k`, and single models of both, `key:k model:gpt-*`.

export interface UsageScope {
  readonly tenant: string | null;
  readonly keyId: string | null;
  /** A whole name, or null. */
  readonly model: string | null;
  /** The beginning of names, or null. */
  readonly prefix: string | null;
}

/** Rows of a table with these columns that belong to a scope; binds the fields of one. */
export const IN_SCOPE = `(@tenant IS NULL OR tenant = @tenant) AND (@keyId IS NULL OR key_id = @keyId)
  AND (@model IS NULL OR model = @model) AND (@prefix IS NULL OR substr(model, 1, length(@prefix)) = @prefix)`;

/** The same for what is no row of a table. */
export function isInScope(
  { tenant, keyId, model, prefix }: UsageScope,
  of: { readonly tenant: string; readonly keyId: string; readonly model: string },
): boolean {
  return (
    (tenant === null || tenant === of.tenant) &&
    (keyId === null || keyId === of.keyId) &&
    (model === null || model === of.model) &&
    (prefix === null || of.model.startsWith(prefix))
  );
}

export function parseScope(name: string): UsageScope {
  const [, kind, id = '', pattern] = /^(tenant|key):(\S+)(?: model:(.+))?$/s.exec(name) ?? [];
  // As the limiter matches them: only a `*` at the end means more than itself.
  const isPrefix = pattern?.endsWith('*') === true;
  return {
    tenant: kind === 'tenant' ? id : null,
    keyId: kind === 'tenant' ? null : id,
    model: isPrefix ? null : (pattern ?? null),
    prefix: isPrefix ? pattern.slice(0, -1) : null,
  };
}
