// glibc keeps what is freed, for each thread apart: after a load the compilers and collectors of the engine have left tens
// of megabytes in there that nobody uses, and nothing but its own `malloc_trim` gives them back to the machine.

type ForeignFunctions = typeof import('node:ffi');

let trim: (() => void) | undefined;

/** All threads' freed memory goes back to the machine; takes some milliseconds. Elsewhere than on glibc nothing happens. */
export function releaseFreedMemory(): void {
  trim ??= glibcTrim() ?? (() => undefined);
  trim();
}

/** Undefined where there is no such function, or this Node cannot call it. */
function glibcTrim(): (() => void) | undefined {
  try {
    const functions = foreignFunctions()?.dlopen(null, {
      malloc_trim: { arguments: ['u64'], return: 'i32' },
    }).functions;
    return functions && (() => void functions.malloc_trim(0n));
  } catch {
    // musl, macOS, or a Node that has changed how it is asked: there it is only not given back.
    return undefined;
  }
}

/** Node warns whoever loads it that it may change: that is for us to know, not for those who run a node. */
function foreignFunctions(): ForeignFunctions | undefined {
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  try {
    return process.getBuiltinModule('node:ffi') as ForeignFunctions | undefined;
  } finally {
    process.emitWarning = emitWarning;
  }
}
