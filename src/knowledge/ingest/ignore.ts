// Files that a folder's owner has said to leave alone: the usual lines of .gitignore, also in .flowmeshignore.

import { readFileSync } from 'node:fs';
import { join, matchesGlob, relative, sep } from 'node:path';

const IGNORE_FILES = ['.gitignore', '.flowmeshignore'] as const;

/** Never documents, whoever forgot to say so. */
const IGNORED_NAMES: ReadonlySet<string> = new Set(['node_modules', '__pycache__', 'Thumbs.db', 'desktop.ini']);

interface Rule {
  readonly directory: string;
  readonly glob: string;
  readonly isNegated: boolean;
  readonly isForDirectories: boolean;
}

/** The rules that hold in one directory: its own come after those of the directories above. */
export class IgnoreRules {
  static readonly NONE = new IgnoreRules([]);
  readonly #rules: readonly Rule[];

  private constructor(rules: readonly Rule[]) {
    this.#rules = rules;
  }

  /** With the rules that stand in this directory. */
  within(directory: string): IgnoreRules {
    const own = IGNORE_FILES.flatMap((name) => rulesOf(directory, linesOf(join(directory, name))));
    return own.length === 0 ? this : new IgnoreRules([...this.#rules, ...own]);
  }

  /** Hidden files are always left alone. */
  isIgnored(path: string, isDirectory: boolean): boolean {
    const name = path.slice(path.lastIndexOf(sep) + 1);
    if (name.startsWith('.') || IGNORED_NAMES.has(name)) return true;
    const last = this.#rules.findLast(
      ({ directory, glob, isForDirectories }) =>
        (isDirectory || !isForDirectories) && matchesGlob(relative(directory, path).replaceAll(sep, '/'), glob),
    );
    return last !== undefined && !last.isNegated;
  }
}

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split(/\r?\n/);
  } catch {
    // Most directories have none; one that cannot be read says nothing.
    return [];
  }
}

function rulesOf(directory: string, lines: readonly string[]): Rule[] {
  return lines.flatMap((line) => {
    const match = /^(!?)(\/?)(.+?)(\/?)\s*$/.exec(line);
    if (!match || line.startsWith('#') || line.trim() === '') return [];
    const [, negation, anchor, pattern = '', slash] = match;
    // A slash inside ties the pattern to this directory.
    const glob = anchor === '/' || pattern.includes('/') ? pattern : `**/${pattern}`;
    return [{ directory, glob, isNegated: negation === '!', isForDirectories: slash === '/' }];
  });
}
