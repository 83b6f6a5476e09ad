// Backups of a data directory: consistent copies of its databases and of the small files beside them, packed into one
// .tar.gz. A node may be running. What is written has another name until it is complete.

import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  createReadStream,
  createWriteStream,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { type DatabaseSnapshot, snapshotOf } from './database.ts';
import { type TarFile, writeTar } from './tar.ts';

/** Raised when older versions of flowmesh could not read what is written. */
export const BACKUP_FORMAT = 1;
export const MANIFEST = 'backup.json';
/** Logs before what they tell of: what the log does not know yet is told again. Kept answers are left out: they come again. */
export const BACKUP_DATABASES = ['gateway.db', 'knowledge-log.db', 'knowledge.db'] as const;
/** The journal first: what it says of an entry that the copy of the ledger has as well is passed over. */
export const BACKUP_FILES = [
  'ledger.journal',
  'admin.token',
  'prices.json',
  'mesh/node.key',
  'mesh/admin.key',
] as const;

/** Does the directory hold what a node has kept? Documents may be all: they can be taken in before its first start. */
export function holdsState(dataDirectory: string): boolean {
  return BACKUP_DATABASES.some((name) => existsSync(join(dataDirectory, name)));
}

export interface BackupManifest {
  readonly format: number;
  readonly version: string;
  /** ISO 8601 */
  readonly createdAt: string;
  readonly files: readonly { readonly name: string; readonly size: number }[];
}

export interface BackupOptions {
  readonly dataDirectory: string;
  /** The archive to be. */
  readonly file: string;
  readonly isForced: boolean;
  readonly version: string;
  readonly nowMs: number;
}

/**
 * Returns what is in it.
 * @throws Error of the system, with its code: the disk is full, the place cannot be written, the file is there already
 */
export async function writeBackup(options: BackupOptions): Promise<BackupManifest> {
  const { dataDirectory, file, isForced, nowMs, version } = options;
  if (!isForced && existsSync(file)) throw Object.assign(new Error(`${file} exists`), { code: 'EEXIST' });
  removeLeftovers(dirname(file));
  const staging = join(dirname(file), `${STAGING}${process.pid}-${randomBytes(4).toString('hex')}`);
  mkdirSync(staging, { mode: 0o700 });
  try {
    const names = await stage(dataDirectory, staging);
    const files = names.map((name) => ({ name, size: statSync(join(staging, name)).size }));
    const manifest = { format: BACKUP_FORMAT, version, createdAt: new Date(nowMs).toISOString(), files };
    const unfinished = join(staging, 'archive');
    await pack(manifest, staging, unfinished);
    renameSync(unfinished, file);
    return manifest;
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

const STAGING = '.flowmesh-backup-';

/** Of backups whose process was killed. */
function removeLeftovers(directory: string): void {
  for (const name of readdirSync(directory)) {
    const [, pid] = /^\.flowmesh-backup-(\d+)-[0-9a-f]{8}$/.exec(name) ?? [];
    if (pid !== undefined && !isRunning(Number(pid))) rmSync(join(directory, name), { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

async function stage(dataDirectory: string, staging: string): Promise<string[]> {
  const there = (name: string): boolean => existsSync(join(dataDirectory, name));
  const files = BACKUP_FILES.filter(there);
  for (const name of files) {
    const copy = join(staging, name);
    mkdirSync(dirname(copy), { recursive: true, mode: 0o700 });
    copyFileSync(join(dataDirectory, name), copy);
    chmodSync(copy, 0o600);
  }
  const databases = BACKUP_DATABASES.filter(there);
  const snapshots: [name: string, snapshot: DatabaseSnapshot][] = [];
  try {
    // All of the same moment, or nearly.
    for (const name of databases) snapshots.push([name, snapshotOf(join(dataDirectory, name))]);
    for (const [name, snapshot] of snapshots) await snapshot.copyTo(join(staging, name));
  } finally {
    for (const [, snapshot] of snapshots) snapshot.close();
  }
  return [...files, ...databases];
}

async function pack(manifest: BackupManifest, staging: string, archive: string): Promise<void> {
  const text = Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`);
  const files: TarFile[] = [
    { name: MANIFEST, size: text.length, content: Readable.from([text]) },
    ...manifest.files.map(({ name, size }) => lazyFile(name, size, join(staging, name))),
  ];
  const output = createWriteStream(archive, { mode: 0o600, flags: 'wx' });
  await pipeline(Readable.from(writeTar(files)), createGzip({ level: 1 }), output);
  // It must not be a file of nothing after a power cut, under its final name.
  const written = openSync(archive, 'r');
  fsyncSync(written);
  closeSync(written);
}

/** Opened when its turn has come. */
function lazyFile(name: string, size: number, path: string): TarFile {
  return { name, size, content: { [Symbol.asyncIterator]: () => createReadStream(path)[Symbol.asyncIterator]() } };
}

/** `FILE` itself, or a name with the time in the directory `place`. */
export function backupFile(place: string, nowMs: number): string {
  const isDirectory = existsSync(place) && statSync(place).isDirectory();
  const moment = new Date(nowMs)
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(':', '-');
  return isDirectory ? join(place, `flowmesh-backup-${moment}.tar.gz`) : place;
}
