// Brings a data directory back from a backup. Everything is unpacked and checked before anything of the directory is
// touched; what was there is set aside, not deleted.

import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { asArray, asNumber, asString, isObject, parseObject } from '../model/json.ts';
import { BACKUP_DATABASES, BACKUP_FILES, BACKUP_FORMAT, MANIFEST } from './backup.ts';
import { checkDatabase, type Migrations } from './database.ts';
import { DamagedArchive, readTar } from './tar.ts';

/** The backup cannot be used; a sentence says why. */
export class UnusableBackup extends Error {
  override readonly name = 'UnusableBackup';
}

export interface RestoreOptions {
  /** The caller holds its lock. */
  readonly dataDirectory: string;
  readonly file: string;
  /** By database, as far as they are known. */
  readonly migrations: Readonly<Record<string, Migrations>>;
  readonly nowMs: number;
  /** Changes what was unpacked before it is put in place. */
  readonly prepare?: (staging: string) => void;
}

export interface Restored {
  readonly version: string;
  readonly createdAt: string;
  readonly files: readonly string[];
  /** Where that is which was there before; undefined when there was nothing. */
  readonly asideDirectory: string | undefined;
}

const STAGING = '.restore';
const ASIDE = 'before-restore-';

/** @throws UnusableBackup, or an error of the system with its code */
export async function restoreBackup(options: RestoreOptions): Promise<Restored> {
  const { dataDirectory, file, migrations, nowMs, prepare } = options;
  const staging = join(dataDirectory, STAGING);
  rmSync(staging, { recursive: true, force: true });
  mkdirSync(staging, { recursive: true, mode: 0o700 });
  try {
    await unpack(file, staging);
    const manifest = readManifest(staging);
    for (const name of BACKUP_DATABASES) {
      if (existsSync(join(staging, name))) check(staging, name, migrations[name]);
    }
    prepare?.(staging);
    const asideDirectory = setAside(dataDirectory, nowMs);
    const files = PARTS.filter((name) => existsSync(join(staging, name)));
    for (const name of files) {
      mkdirSync(dirname(join(dataDirectory, name)), { recursive: true, mode: 0o700 });
      renameSync(join(staging, name), join(dataDirectory, name));
    }
    return { ...manifest, files, asideDirectory };
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

const PARTS: readonly string[] = [...BACKUP_FILES, ...BACKUP_DATABASES];

async function unpack(file: string, staging: string): Promise<void> {
  const source = createReadStream(file);
  const unzipped = createGunzip();
  const reading = pipeline(source, unzipped).catch((error: unknown) => unzipped.destroy(error as Error));
  try {
    for await (const { name, content } of readTar(unzipped)) {
      if (name !== MANIFEST && !PARTS.includes(name)) {
        throw new UnusableBackup(`${file} is no backup of flowmesh: it holds '${name.slice(0, 100)}'.`);
      }
      const target = join(staging, name);
      mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
      await pipeline(Readable.from(content), createWriteStream(target, { mode: 0o600, flags: 'wx' }));
    }
  } catch (error) {
    if (error instanceof DamagedArchive) throw new UnusableBackup(`${file}: ${error.message}`, { cause: error });
    if (isZipError(error))
      throw new UnusableBackup(`${file} is damaged, or no backup (${error.message}).`, { cause: error });
    throw error;
  } finally {
    unzipped.destroy();
    source.destroy();
    await reading;
  }
}

function isZipError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('Z_');
}

function readManifest(staging: string): Pick<Restored, 'version' | 'createdAt'> {
  const path = join(staging, MANIFEST);
  const manifest = existsSync(path) ? parseObject(readFileSync(path, 'utf8')) : undefined;
  const format = asNumber(manifest?.format);
  if (!manifest || format === undefined)
    throw new UnusableBackup('This is no backup of flowmesh: it does not say what it holds.');
  if (format > BACKUP_FORMAT)
    throw new UnusableBackup('This backup was written by a newer flowmesh. Restore it with that version.');
  for (const entry of asArray(manifest.files)) {
    const name = isObject(entry) ? asString(entry.name) : undefined;
    if (name === undefined || !PARTS.includes(name) || !existsSync(join(staging, name))) {
      throw new UnusableBackup(`This backup lacks ${name ?? 'a file'}, which it says that it holds.`);
    }
  }
  return { version: asString(manifest.version) ?? 'unknown', createdAt: asString(manifest.createdAt) ?? 'unknown' };
}

function check(staging: string, name: string, migrations: Migrations | undefined): void {
  try {
    checkDatabase(join(staging, name), migrations);
  } catch (error) {
    const { message } = error as Error;
    const reason = message.includes('newer flowmesh')
      ? `${name} was written by a newer flowmesh. Restore it with that version, or a later one.`
      : `${name} in it is damaged. Use another backup.`;
    throw new UnusableBackup(`This backup cannot be restored: ${reason}`, { cause: error });
  }
}

/** Databases with their side files, and what else a backup holds. The lock stays: it is held. */
function setAside(dataDirectory: string, nowMs: number): string | undefined {
  const databases = readdirSync(dataDirectory).filter((name) =>
    /^(?!lock\.)[\w-]+\.db(-wal|-shm|-journal)?$/.test(name),
  );
  const files = BACKUP_FILES.filter((name) => existsSync(join(dataDirectory, name)));
  if (databases.length + files.length === 0) return undefined;
  const aside = join(dataDirectory, ASIDE + new Date(nowMs).toISOString().replace(/[:.]/g, '-'));
  mkdirSync(join(aside, 'mesh'), { recursive: true, mode: 0o700 });
  for (const name of [...databases, ...files]) renameSync(join(dataDirectory, name), join(aside, name));
  return aside;
}
