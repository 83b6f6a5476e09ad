// Where the code of a thread lies: beside its source, or beside the bundle that `npm run build` makes.

import { basename } from 'node:path';

/** @param path below src/knowledge/, without its ending */
export function threadUrl(path: string): URL {
  const isSource = import.meta.url.endsWith('.ts');
  return new URL(isSource ? `./${path}.ts` : `./${basename(path)}.mjs`, import.meta.url);
}
