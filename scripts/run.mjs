// Runs a TypeScript file of this repository with the right Node, development packages installed: `node scripts/run.mjs FILE …`.

import { join } from 'node:path';
import { ensureInstalled, ROOT, runNode } from './bootstrap.mjs';

const [file, ...parameters] = process.argv.slice(2);
ensureInstalled('development');
runNode([join(ROOT, file), ...parameters]);
