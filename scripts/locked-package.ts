// Packages for other platforms than this one: npm does not install them, but package-lock.json names them.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Lockfile {
  readonly packages: Readonly<Record<string, { readonly version: string; readonly integrity: string }>>;
}

/**
 * Where the package's files are: installed, or else fetched from npm into `work` and checked against the lockfile.
 * @throws Error with a sentence when it is not in the lockfile, or when what comes is something else
 */
export function lockedPackage(root: string, name: string, work: string): string {
  const installed = join(root, 'node_modules', name);
  if (existsSync(installed)) return installed;
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lockfile;
  const locked = lock.packages[`node_modules/${name}`];
  if (!locked) throw new Error(`There is no ${name} in package-lock.json.`);
  const place = join(work, name);
  mkdirSync(place);
  const options = ['--ignore-scripts', '--loglevel=error', '--pack-destination', place];
  execFileSync('npm', ['pack', `${name}@${locked.version}`, ...options], {
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  });
  const archive = join(place, `${name}-${locked.version}.tgz`);
  const integrity = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
  if (integrity !== locked.integrity) throw new Error(`${name} from npm is not what package-lock.json has.`);
  execFileSync('tar', ['-xzf', archive, '-C', place]);
  return join(place, 'package');
}
