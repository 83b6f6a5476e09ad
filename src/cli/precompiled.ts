// Runs a script with the compiled code that the build put beside it: parsing and compiling would be a third of a start.
// V8 takes that code only if it is of the same version and was made with the same flags.

import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { constants, Script } from 'node:vm';

/** Returns false, and runs nothing, where there is no compiled code that this Node takes. */
export function runPrecompiled(path: string): boolean {
  const file = compiledPath(path);
  if (!existsSync(file)) return false;
  const script = commonJsScript(path, readFileSync(file));
  if (script.cachedDataRejected) return false;
  runCommonJs(script, path);
  return true;
}

export function compiledPath(path: string): string {
  return `${path}.compiled`;
}

/** In the function that Node puts around such a file. It must be ASCII. */
export function commonJsScript(path: string, cachedData?: Buffer): Script {
  return new Script(
    `(function (exports, require, module, __filename, __dirname) {${readFileSync(path, 'latin1')}\n})`,
    {
      filename: path,
      cachedData,
      importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    },
  );
}

export function runCommonJs(script: Script, path: string): void {
  const module = { exports: {} };
  script.runInThisContext()(module.exports, createRequire(path), module, path, dirname(path));
}
