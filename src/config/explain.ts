// Turns what the schema found into sentences with a place.

import type * as z from 'zod';
import { type ConfigPath, formatPath, valueAt } from './config-path.ts';
import type { Findings } from './findings.ts';
import { nearest } from './nearest.ts';
import { kindOf } from './values.ts';

type Issue = z.core.$ZodIssue;

/** Something inside a mapping. */
export interface Entry {
  readonly parent: ConfigPath;
  readonly key: string;
}

/** Reports every issue. Returns the entries to leave out so that what depends on the rest can still be checked. */
export function explain(issues: readonly Issue[], root: unknown, findings: Findings): readonly Entry[] {
  const all = issues.flatMap((issue) => unfold(issue, []));
  const unknownKeys = all.flatMap(({ issue, path }) => unknownEntries(issue, path));
  const wrong: Entry[] = [...unknownKeys];
  for (const { issue, path } of all) {
    if (issue.code === 'unrecognized_keys') {
      const sentences = issue.message.split('\n');
      issue.keys.forEach((key, index) => {
        findings.keyProblem(path, key, sentences[index] ?? issue.message);
      });
      continue;
    }
    const entry = { parent: path.slice(0, -1), key: String(path.at(-1)) };
    if (valueAt(root, path) !== undefined) {
      findings.problem(path, sentence(issue, valueAt(root, path)));
      wrong.push(...dispensable(path));
    } else if (!isMisspelled(entry, unknownKeys)) {
      findings.keyProblem(entry.parent, entry.key, `'${entry.key}' is missing.`);
    }
  }
  return wrong;
}

function unknownEntries(issue: Issue, path: ConfigPath): Entry[] {
  return issue.code === 'unrecognized_keys' ? issue.keys.map((key) => ({ parent: path, key })) : [];
}

/** What to leave out for a wrong value: nothing whose absence would make other places look wrong. */
function dispensable(path: ConfigPath): Entry[] {
  // Without one item of a list the others would move, so the list goes as a whole.
  const length = path.findLastIndex((segment) => typeof segment === 'string') + 1;
  const isNamed = path[0] === 'chains' || path[0] === 'accounts';
  if (length <= (isNamed ? 2 : 1)) return [];
  return [{ parent: path.slice(0, length - 1), key: String(path[length - 1]) }];
}

interface Placed {
  readonly issue: Issue;
  readonly path: ConfigPath;
}

/** A union's issue becomes those of the branch whose type the value has, so that the message is about what was meant. */
function unfold(issue: Issue, parent: ConfigPath): Placed[] {
  const path = [...parent, ...issue.path.map((segment) => (typeof segment === 'number' ? segment : String(segment)))];
  if (issue.code === 'invalid_union') {
    const meant = issue.errors.find((branch) => !branch.some(isOtherType));
    if (meant !== undefined) return meant.flatMap((inner) => unfold(inner, path));
  }
  return [{ issue, path }];
}

function isOtherType(issue: Issue): boolean {
  return issue.code === 'invalid_type' && issue.path.length === 0;
}

function sentence(issue: Issue, value: unknown): string {
  if (issue.code === 'custom') return issue.message;
  if (issue.code === 'invalid_union') return `expected ${unionKinds(issue.errors)}, got ${kindOf(value)}.`;
  if (issue.code === 'invalid_type') return `expected ${expectedKind(issue.expected)}, got ${kindOf(value)}.`;
  return issue.message;
}

function unionKinds(branches: readonly (readonly Issue[])[]): string {
  const kinds = branches.flatMap((branch) =>
    branch.flatMap((issue) => (issue.code === 'invalid_type' ? [expectedKind(issue.expected)] : [])),
  );
  return kinds.join(' or ');
}

function expectedKind(expected: string): string {
  if (expected === 'string') return 'text';
  return expected === 'array' ? 'a list' : 'a mapping';
}

/** `modle` explains why `model` is missing; one message is enough. */
function isMisspelled(missing: Entry, unknownKeys: readonly Entry[]): boolean {
  return unknownKeys.some(
    ({ parent, key }) =>
      formatPath(parent) === formatPath(missing.parent) && nearest(key, [missing.key]) === missing.key,
  );
}
