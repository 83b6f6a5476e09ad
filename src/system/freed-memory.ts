// glibc keeps what is freed, for each thread apart: after a load the compilers and collectors of the engine have left tens
// of megabytes in there that nobody uses, and nothing but its own `malloc_trim` gives them back to the machine.

import { cFunction } from './c-function.ts';

let trim: ReturnType<typeof cFunction> | null = null;

/** All threads' freed memory goes back to the machine; takes some milliseconds. Elsewhere than on glibc nothing happens. */
export function releaseFreedMemory(): void {
  if (trim === null) trim = cFunction('malloc_trim', { arguments: ['u64'], return: 'i32' });
  trim?.(0n);
}
