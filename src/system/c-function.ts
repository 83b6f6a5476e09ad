// Functions of the C library that Node has no word for.

type ForeignFunctions = typeof import('node:ffi');
type Types = import('node:ffi').FunctionSignature;

/** Undefined where the C library has no such function, or this Node cannot call it. */
export function cFunction(name: string, types: Types): ((...args: unknown[]) => unknown) | undefined {
  try {
    return foreignFunctions()?.dlopen(null, { [name]: types }).functions[name];
  } catch {
    // musl, macOS, or a Node that has changed how it is asked: whoever asks does without.
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
