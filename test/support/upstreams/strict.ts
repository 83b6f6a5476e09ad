// Strict reading of request bodies: zod finds the first thing that is wrong, each provider says it in its own words.

import type { z } from 'zod';
import type { Refused } from './speaker.ts';

export interface Problem {
  readonly kind: 'missing' | 'unknown' | 'type' | 'value';
  readonly path: readonly (string | number)[];
  /** What the schema wants: a type, a bound, or the allowed values. */
  readonly expected: string;
  readonly input: unknown;
}

export function readStrict<Schema extends z.ZodType>(
  schema: Schema,
  body: unknown,
  refuse: (problem: Problem) => Refused,
): z.output<Schema> {
  const result = schema.safeParse(body, { reportInput: true });
  if (result.success) return result.data;
  throw refuse(problemOf(deepest(result.error.issues)));
}

/** `messages[0].content` */
export function bracketPath(path: readonly (string | number)[]): string {
  return path.map((key, at) => (typeof key === 'number' ? `[${key}]` : at === 0 ? key : `.${key}`)).join('');
}

interface Issue {
  readonly code: string;
  readonly path: readonly PropertyKey[];
  readonly [key: string]: any;
}

/** Of the alternatives of a union, the one that the body came nearest to. */
function deepest(issues: readonly Issue[]): Issue {
  const candidates = issues.map((issue): Issue => {
    const branches = (issue.errors ?? []) as Issue[][];
    if (issue.code !== 'invalid_union' || branches.length === 0) return issue;
    const inner = branches.map(deepest).reduce((best, one) => (one.path.length > best.path.length ? one : best));
    return { ...inner, path: [...issue.path, ...inner.path] };
  });
  const [first] = candidates.sort((a, b) => rank(a) - rank(b));
  if (!first) throw new Error('zod failed without an issue');
  return first;
}

/** Providers tell of a wrong value before they tell of an unknown field. */
function rank(issue: Issue): number {
  return issue.code === 'unrecognized_keys' ? 1 : 0;
}

function problemOf(issue: Issue): Problem {
  const path = issue.path.map((key) => (typeof key === 'number' ? key : String(key)));
  const input = issue.input;
  switch (issue.code) {
    case 'unrecognized_keys':
      return { kind: 'unknown', path: [...path, issue.keys[0]], expected: '', input };
    case 'invalid_type':
      return { kind: input === undefined ? 'missing' : 'type', path, expected: issue.expected, input };
    case 'invalid_union': {
      // A discriminated union: its path ends in the discriminator.
      const key = path.at(-1);
      const value = key !== undefined && input && typeof input === 'object' ? (input as any)[key] : input;
      const kind = value === undefined ? 'missing' : 'value';
      return { kind, path, expected: (issue.options ?? []).map(quote).join(', '), input: value };
    }
    case 'invalid_value':
      return {
        kind: input === undefined ? 'missing' : 'value',
        path,
        expected: (issue.values ?? []).map(quote).join(', '),
        input,
      };
    default:
      return { kind: 'value', path, expected: issue.message, input };
  }
}

function quote(value: unknown): string {
  return `'${value}'`;
}
