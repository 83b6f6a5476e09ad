// What the single executable runs first: unpacks what it carries, then starts it like `node dist/flowmesh.mjs`.

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { getAssetKeys, getRawAsset } from 'node:sea';
import { cacheDirectory } from '../../src/cli/compile-cache.ts';
import { unpack } from '../../src/cli/unpack.ts';

/** Of all packed files; put in by the build. */
declare const PACKED_DIGEST: string;

const WHERE = 'The executable unpacks itself there; XDG_CACHE_HOME names another directory.';

try {
  start();
} catch (error) {
  fail(error);
}

function start(): void {
  const caches = cacheDirectory(process.env);
  if (caches === undefined) throw new Error(`Neither XDG_CACHE_HOME nor HOME is set to an absolute path. ${WHERE}`);
  const directory = join(caches, `unpacked-${PACKED_DIGEST}`);
  try {
    unpack({ names: getAssetKeys(), read: (name) => new Uint8Array(getRawAsset(name)) }, directory);
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${WHERE}`, { cause: error });
  }
  // The script inside an executable can import nothing from a file system, but what it requires from there can.
  (createRequire(join(directory, '/'))('./start.cjs') as Promise<unknown>).catch(fail);
}

function fail(error: unknown): void {
  const { message, code, stack } = error as NodeJS.ErrnoException;
  const isNoexec = code === 'ERR_DLOPEN_FAILED';
  const text = isNoexec ? `${message}\nIs that file system mounted noexec? ${WHERE}` : message;
  process.stderr.write(`flowmesh: ${text || stack}\n`);
  process.exitCode = 1;
}
