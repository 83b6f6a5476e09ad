// Directories of runs in the system's place for such. Their names say which process made them, so that the next run can
// remove what one left that was killed before it could.

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRunning } from './is-running.ts';
import { unmountBelow } from './small-disk.ts';

/** @param kind what the names of such directories begin with */
export function makeRunDirectory(kind: string, place = tmpdir()): string {
  for (const name of readdirSync(place)) {
    const pid = name.startsWith(kind) ? /^(\d+)-/.exec(name.slice(kind.length))?.[1] : undefined;
    if (pid !== undefined && !isRunning(Number(pid))) removeRunDirectory(join(place, name));
  }
  return mkdtempSync(join(place, `${kind}${process.pid}-`));
}

export function removeRunDirectory(directory: string): void {
  unmountBelow(directory);
  rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}
