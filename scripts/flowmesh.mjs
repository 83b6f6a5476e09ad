#!/usr/bin/env node
// The `flowmesh` command of a clone: `npm start`, `npx flowmesh …`. Runs the sources with the right Node.

import { join } from 'node:path';
import { ensureInstalled, nodePath, ROOT, runNode } from './bootstrap.mjs';

ensureInstalled('production');
const main = join(ROOT, 'src', 'main.ts');
if (nodePath() === process.execPath) {
  process.argv[1] = main;
  await import(main);
} else {
  runNode([main, ...process.argv.slice(2)]);
}
