// Writes a file that a command made, without destroying one that is there.

import { chmodSync, writeFileSync } from 'node:fs';
import { CommandError, codeOf, EXIT } from './command-error.ts';

/** A configuration may hold keys. */
const MODE_PRIVATE = 0o600;

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'its directory does not exist',
  ENOTDIR: 'its directory does not exist',
  EISDIR: 'it is a directory',
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
};

/** @throws CommandError when there is a file already and `isForced` is not set, or the place cannot be written */
export function writePrivateFile(path: string, text: string, isForced = false): void {
  try {
    writeFileSync(path, text, { mode: MODE_PRIVATE, flag: isForced ? 'w' : 'wx' });
    // The mode above is for new files only.
    if (isForced) chmodSync(path, MODE_PRIVATE);
  } catch (error) {
    throw writeFailure(path, error);
  }
}

export function writeFailure(path: string, error: unknown): unknown {
  const code = codeOf(error);
  if (code === 'EEXIST') {
    return new CommandError(`${path} exists already. Use --force to overwrite it.`, EXIT.failed, { cause: error });
  }
  const reason = code && REASONS[code];
  return reason ? new CommandError(`${path} cannot be written: ${reason}.`, EXIT.failed, { cause: error }) : error;
}
