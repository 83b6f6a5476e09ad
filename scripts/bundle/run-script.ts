// Runs a CommonJS script with the compiled code that the build put beside it, where V8 takes that: parsing and compiling
// libp2p is a tenth of what a node in a mesh takes to start. V8 takes it if its version and its flags are those of the
// build. Only scripts can have the code of functions that ran: of modules V8 gives it back before they are evaluated.

import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { Script } from 'node:vm';

/** @returns what the script exports */
export function runScript(path: string): Record<string, unknown> {
  const module = { exports: {} };
  compiledScript(path).runInThisContext()(module.exports, createRequire(path), module, path, dirname(path));
  return module.exports;
}

/** In the function that Node puts around such a file. The build has made it ASCII. */
export function compiledScript(path: string): Script {
  const compiled = compiledPath(path);
  const text = `(function (exports, require, module, __filename, __dirname) {${readFileSync(path, 'latin1')}\n})`;
  const cachedData = existsSync(compiled) ? readFileSync(compiled) : undefined;
  return new Script(text, { filename: path, ...(cachedData && { cachedData }) });
}

export function compiledPath(path: string): string {
  return `${path}.compiled`;
}
