// Code and tables of the node binary that were used once stay mapped into the process: compilers and parsers, after the
// start and again after a load, are half of what an idle node holds. The machine has the file's pages anyway; let go, a page
// comes back when it is used again, and the disk is read for it only where the machine was so short of memory that it dropped it.

import { readFileSync } from 'node:fs';
import { cFunction } from './c-function.ts';

/** Of madvise(2), the same on all processors that Node runs on. */
const MADV_DONTNEED = 4;
const MAPPINGS = '/proc/self/smaps';

interface Mapping {
  readonly start: bigint;
  readonly length: bigint;
}

let advise: ReturnType<typeof cFunction> | null = null;

/** Takes some 10 ms. Everywhere else than on Linux nothing happens. */
export function releaseUnusedCode(): void {
  if (process.platform !== 'linux') return;
  if (advise === null) advise = cFunction('madvise', { arguments: ['u64', 'u64', 'i32'], return: 'i32' });
  if (!advise) return;
  for (const { start, length } of unchangedMappings(ownMappings())) advise(start, length, MADV_DONTNEED);
}

/** Empty where the kernel was built without them, or nothing is mounted at /proc. */
function ownMappings(): string {
  try {
    return readFileSync(MAPPINGS, 'utf8');
  } catch {
    return '';
  }
}

/** What cannot be written to and is as it is in its file: what the loader or a debugger has changed would be lost. */
export function unchangedMappings(smaps: string): Mapping[] {
  const mappings: Mapping[] = [];
  for (const [, from = '', to = '', facts = ''] of smaps.matchAll(READ_ONLY_FILE)) {
    if (!/^Anonymous: +0 kB$/m.test(facts)) continue;
    const start = BigInt(`0x${from}`);
    mappings.push({ start, length: BigInt(`0x${to}`) - start });
  }
  return mappings;
}

/** `start-end r-xp offset device inode /path`, then lines of facts about it. */
const READ_ONLY_FILE = /^([0-9a-f]+)-([0-9a-f]+) r-[x-]p \S+ \S+ \S+ +\/.*\n((?:[A-Z].*\n?)+)/gm;
