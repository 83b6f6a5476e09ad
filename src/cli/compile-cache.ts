// Keeps the compiled code of our modules between runs, which halves the start. In the user's own cache directory: one
// that others may write to (/tmp) would let them put code into our process.

import { enableCompileCache } from 'node:module';
import { isAbsolute, join } from 'node:path';

/** Applies to modules that are loaded from now on. Where the directory cannot be used, the start is only slower. */
export function keepCompiledCode(env: NodeJS.ProcessEnv): void {
  const caches = cacheDirectory(env);
  if (caches !== undefined) enableCompileCache(join(caches, 'compiled'));
}

/** Undefined when the environment does not even say where home is: a relative path would be another place each time. */
export function cacheDirectory({ XDG_CACHE_HOME, HOME }: NodeJS.ProcessEnv): string | undefined {
  const caches = [XDG_CACHE_HOME, HOME && join(HOME, '.cache')].find((path) => path && isAbsolute(path));
  return caches && join(caches, 'flowmesh');
}
