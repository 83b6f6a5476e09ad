// A disk of a few megabytes in memory, for a directory that shall run full: whoever writes there meets the kernel's own
// ENOSPC. It is mounted for the whole machine, so whatever made it must take it away again.

import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { administer } from './namespaces.ts';

/** Room for the databases of a run, not for more. */
const SIZE = '64m';
const BALLAST = 'ballast';
/** The second size fills what the first one leaves. */
const PIECES = [1_024 * 1_024, 4_096];

export class SmallDisk {
  readonly #directory: string;

  /** @param directory one that is there, and empty */
  constructor(directory: string) {
    this.#directory = directory;
    administer('mount', '-t', 'tmpfs', '-o', `size=${SIZE},mode=0700`, 'flowmesh-mesh-sim', directory);
  }

  fill(): void {
    const file = openSync(join(this.#directory, BALLAST), 'a');
    for (const bytes of PIECES) writeUntilFull(file, Buffer.alloc(bytes));
    closeSync(file);
  }

  makeRoom(): void {
    rmSync(join(this.#directory, BALLAST), { force: true });
  }
}

function writeUntilFull(file: number, piece: Buffer): void {
  try {
    while (writeSync(file, piece) === piece.length);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}

/** All disks that are mounted below a directory. What still uses one keeps it until it ends. */
export function unmountBelow(directory: string): void {
  if (process.platform !== 'linux') return;
  const points = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .flatMap((line) => line.split(' ')[1] ?? []);
  for (const point of points) if (point.startsWith(`${directory}/`)) administer('umount', '--lazy', point);
}
