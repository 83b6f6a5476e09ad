// Takes values with secret names out of what is logged, however deep they lie.

const SECRET_NAMES = new Set([
  'key',
  'keys',
  'apiKey',
  'apiKeys',
  'authorization',
  'headers',
  'token',
  'secret',
  'password',
  'body',
]);
const CENSORED = '[redacted]';
/** Deeper than anything that is logged on purpose; what lies below is left out. */
const DEPTH_MAX = 5;

/** The same value where nothing is secret. Errors are left to their serializer. */
export function censored(value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Error) return value;
  if (depth > DEPTH_MAX) return CENSORED;
  return Array.isArray(value) ? censoredList(value, depth) : censoredFields(value as Record<string, unknown>, depth);
}

function censoredList(list: readonly unknown[], depth: number): readonly unknown[] {
  let copy: unknown[] | undefined;
  for (const [index, item] of list.entries()) {
    const safe = censored(item, depth + 1);
    if (safe === item) continue;
    copy ??= [...list];
    copy[index] = safe;
  }
  return copy ?? list;
}

function censoredFields(fields: Readonly<Record<string, unknown>>, depth: number): Readonly<Record<string, unknown>> {
  let copy: Record<string, unknown> | undefined;
  for (const name in fields) {
    const value = fields[name];
    const safe = SECRET_NAMES.has(name) ? CENSORED : censored(value, depth + 1);
    if (safe === value) continue;
    copy ??= { ...fields };
    copy[name] = safe;
  }
  return copy ?? fields;
}
