// The single executable carries the files of dist/: native modules and threads can only be loaded from a file system.
// They are unpacked once into the user's cache directory. Each start compares them with what the executable holds, so
// that a power cut, a cleaner or somebody's edit never decides which code runs.

import { closeSync, fsyncSync, lstatSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';

export interface PackedFiles {
  readonly names: readonly string[];
  read(name: string): Uint8Array;
}

/**
 * Makes `directory` hold exactly these files; several processes may do so at once.
 * @throws Error when somebody else could write there, or nobody can
 */
export function unpack(files: PackedFiles, directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  refuseForeignDirectory(directory);
  const stale = files.names.filter((name) => !isEqual(join(directory, name), files.read(name)));
  for (const name of stale) replace(directory, name, files.read(name));
  if (stale.length > 0) sync(directory);
}

/** What lies there is run: only its owner may be able to put something there. */
function refuseForeignDirectory(directory: string): void {
  const { uid, mode } = lstatSync(directory);
  const isOwn = process.getuid === undefined || uid === process.getuid();
  if (isOwn && (process.platform === 'win32' || (mode & 0o022) === 0)) return;
  throw new Error(
    `${directory} can be written to by others. Remove it, or set XDG_CACHE_HOME to a directory of your own.`,
  );
}

function isEqual(path: string, expected: Uint8Array): boolean {
  try {
    return readFileSync(path).equals(expected);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** Written completely, and on the disk, before it has its name. */
function replace(directory: string, name: string, bytes: Uint8Array): void {
  const unfinished = join(directory, `.${name}.${process.pid}`);
  const file = openSync(unfinished, 'w', 0o600);
  try {
    for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(unfinished, join(directory, name));
}

/** Names are the directory's content. Windows has no such call. */
function sync(directory: string): void {
  if (process.platform === 'win32') return;
  const handle = openSync(directory, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
