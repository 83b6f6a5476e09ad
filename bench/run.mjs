// `npm run bench`: installs what is missing, ours and the gateways to compare with, then runs run.ts with the right Node.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureInstalled, ROOT, runNode } from '../scripts/bootstrap.mjs';

const BENCH = join(ROOT, 'bench');
const STAMP = join(BENCH, 'node_modules', '.bench-installed');

ensureInstalled('development');
ensurePeersInstalled();
runNode([join(BENCH, 'run.ts'), ...process.argv.slice(2)]);

function ensurePeersInstalled() {
  const wanted = createHash('sha256')
    .update(readFileSync(join(BENCH, 'package-lock.json')))
    .digest('hex');
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted) return;
  process.stderr.write('bench: installing the gateways to compare with (once) …\n');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const result = spawnSync(npm, args, { cwd: BENCH, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' });
  if (result.status !== 0) {
    process.stderr.write('bench: that failed; the comparison runs without them.\n');
    return;
  }
  writeFileSync(STAMP, wanted);
}
