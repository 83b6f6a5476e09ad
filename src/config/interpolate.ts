// Replaces `${NAME}` and `${NAME:-default}` in every text value by the environment's; `$${` stays a literal `${`.
// An unset variable is a problem, except in the place of a provider key, where it only makes a target unusable.

import type { ConfigPath } from './config-path.ts';
import type { Findings } from './findings.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Stands where a provider key should be. */
export class UnsetVariable {
  /** Undefined: the key is empty in the file itself, as when a shell expanded an unset variable. */
  readonly variable: string | undefined;

  constructor(variable: string | undefined) {
    this.variable = variable;
  }

  get reason(): string {
    return this.variable === undefined ? 'the key is empty' : unsetReason(this.variable);
  }
}

export function isUnset(value: unknown): value is UnsetVariable {
  return value instanceof UnsetVariable;
}

const REFERENCE = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|\$\{/g;

export function interpolate(root: unknown, env: Environment, findings: Findings): unknown {
  return replaceIn(root, []);

  function replaceIn(value: unknown, path: ConfigPath): unknown {
    if (typeof value === 'string') return isProviderKey(path) ? replaceKey(value, path) : replaceText(value, path);
    if (value === null && isProviderKey(path)) return new UnsetVariable(undefined);
    if (Array.isArray(value)) return value.map((item, index) => replaceIn(item, [...path, index]));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, replaceIn(item, [...path, key])]));
  }

  function replaceText(text: string, path: ConfigPath): string {
    const { result, unset, isMalformed } = expand(text, env);
    if (isMalformed) {
      findings.problem(path, "'${' must be followed by a variable's name and '}'; write '$${' for a literal one.");
    }
    for (const variable of unset) findings.problem(path, `${unsetReason(variable)}.`);
    return result;
  }

  function replaceKey(text: string, path: ConfigPath): string | UnsetVariable {
    const { result, unset, isMalformed } = expand(text, env);
    if (isMalformed) return replaceText(text, path);
    if (unset[0] !== undefined) return new UnsetVariable(unset[0]);
    return result === '' ? new UnsetVariable(undefined) : result;
  }
}

/** An empty variable counts as unset: that is what a forgotten secret looks like in compose files and CI. */
function expand(text: string, env: Environment): { result: string; unset: string[]; isMalformed: boolean } {
  const unset: string[] = [];
  let isMalformed = false;
  const result = text.replaceAll(REFERENCE, (match: string, name?: string, fallback?: string) => {
    if (match === '$${') return '${';
    if (name === undefined) {
      isMalformed = true;
      return match;
    }
    const value = env[name] || fallback;
    if (value !== undefined) return value;
    unset.push(name);
    return match;
  });
  return { result, unset, isMalformed };
}

function unsetReason(variable: string): string {
  return `the environment variable ${variable} is not set`;
}

/** `key` and `keys[n]` of an account, of a target in a list, or of a target in a list inside a chain. */
function isProviderKey(path: ConfigPath): boolean {
  const owner = typeof path.at(-1) === 'number' && path.at(-2) === 'keys' ? path.slice(0, -2) : path.slice(0, -1);
  if (path.at(-1) !== 'key' && owner.length === path.length - 1) return false;
  if (owner[0] === 'accounts') return owner.length === 2;
  if (owner[0] !== 'chains' || typeof owner.at(-1) !== 'number') return false;
  return owner.length === 3 || (owner.length === 4 && typeof owner[2] === 'string');
}
