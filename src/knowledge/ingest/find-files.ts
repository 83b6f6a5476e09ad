// Which files somebody means who names files, folders, globs and file:// URLs.

import { type Dirent, realpathSync, statSync } from 'node:fs';
import { glob, readdir } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UnreadableFile } from '../formats/extracted.ts';
import { IgnoreRules } from './ignore.ts';

export interface FoundFile {
  /** Absolute. */
  readonly path: string;
  /** By its own name, not as one of a folder: then being unreadable is an error. */
  readonly isNamed: boolean;
}

export interface FoundFiles {
  /** In order of their paths, each once. */
  readonly files: readonly FoundFile[];
  /** Absolute folders that were looked through whole. */
  readonly folders: readonly string[];
  /** Named files that are not there (any more). */
  readonly missing: readonly string[];
}

/**
 * @param directory where relative paths start
 * @throws UnreadableFile for what no path is
 */
export async function findFiles(named: readonly string[], directory: string): Promise<FoundFiles> {
  const files = new Map<string, FoundFile>();
  const folders = new Set<string>();
  const missing = new Set<string>();
  for (const written of named) {
    for (const path of await pathsOf(written, directory)) {
      const kind = kindOf(path);
      if (kind === 'file') files.set(path, { path, isNamed: true });
      else if (kind === 'nothing') missing.add(path);
      else {
        folders.add(path);
        for await (const found of walk(path, IgnoreRules.NONE, [])) {
          if (!files.has(found)) files.set(found, { path: found, isNamed: false });
        }
      }
    }
  }
  const inOrder = [...files.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  return { files: inOrder, folders: [...folders], missing: [...missing] };
}

/** Is the file one that a folder's walk would find? */
export function isFoundIn(folder: string, path: string): boolean {
  const steps = path.slice(folder.length).split(sep).filter(Boolean);
  let rules = IgnoreRules.NONE;
  let place = folder;
  return steps.every((step, index) => {
    rules = rules.within(place);
    place = join(place, step);
    return !rules.isIgnored(place, index < steps.length - 1);
  });
}

async function pathsOf(written: string, directory: string): Promise<readonly string[]> {
  if (/^file:\/\//i.test(written)) return [fileOf(written)];
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(written)) {
    throw new UnreadableFile(`'${written}' is not a file of this machine. Download it first.`);
  }
  const path = resolve(directory, written);
  // A file may have brackets in its name.
  if (!/[*?[\]{}]/.test(written) || kindOf(path) !== 'nothing') return [path];
  const found: string[] = [];
  for await (const match of glob(written, { cwd: directory })) found.push(resolve(directory, match));
  if (found.length === 0) throw new UnreadableFile(`nothing matches '${written}'.`);
  return found.filter((match) => !isHiddenBelow(directory, match)).sort();
}

function fileOf(url: string): string {
  try {
    return fileURLToPath(url);
  } catch (error) {
    throw new UnreadableFile(`'${url}' is not a file of this machine.`, { cause: error });
  }
}

function isHiddenBelow(directory: string, path: string): boolean {
  return path.startsWith(directory + sep) && !isFoundIn(directory, path);
}

function kindOf(path: string): 'file' | 'folder' | 'nothing' {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return 'nothing';
  return stat.isDirectory() ? 'folder' : 'file';
}

/** @param above real paths of the folders around: a link to one of them would lead in a circle */
async function* walk(folder: string, outer: IgnoreRules, above: readonly string[]): AsyncGenerator<string> {
  const real = realpathSync(folder);
  if (above.includes(real)) return;
  const rules = outer.within(folder);
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    const kind = entryKind(entry, path);
    if (kind === 'other' || rules.isIgnored(path, kind === 'folder')) continue;
    if (kind === 'folder') yield* walk(path, rules, [...above, real]);
    else yield path;
  }
}

function entryKind(entry: Dirent, path: string): 'file' | 'folder' | 'other' {
  if (entry.isFile()) return 'file';
  if (entry.isDirectory()) return 'folder';
  if (!entry.isSymbolicLink()) return 'other';
  try {
    const stat = statSync(path);
    return stat.isDirectory() ? 'folder' : stat.isFile() ? 'file' : 'other';
  } catch {
    // It leads nowhere, or to itself.
    return 'other';
  }
}
