// `flowmesh restore`: a data directory as a backup has it. No node may use the directory meanwhile.

import { existsSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { KNOWLEDGE_LOG_MIGRATIONS } from '../knowledge/replication/pending-documents.ts';
import { KNOWLEDGE_MIGRATIONS } from '../knowledge/store/migrations.ts';
import { MeshStore } from '../mesh/mesh-store.ts';
import { GATEWAY_MIGRATIONS } from '../node-files.ts';
import { forgetOrigin } from '../replication/file-origin.ts';
import { holdsState } from '../storage/backup.ts';
import { type Database, type Migrations, openDatabase } from '../storage/database.ts';
import { DirectoryInUse, lockDirectory } from '../storage/directory-lock.ts';
import { type Restored, restoreBackup, UnusableBackup } from '../storage/restore.ts';
import { dataDirectoryOf } from './backup.ts';
import { CommandError, codeOf, EXIT } from './command-error.ts';
import { withSurroundings } from './surroundings.ts';
import { note } from './terminal.ts';
import { writeFailure } from './write-file.ts';

export interface RestoreCommandOptions {
  readonly config?: string;
  readonly force?: boolean;
  readonly asNewNode?: boolean;
}

export async function restore(named: string, options: RestoreCommandOptions): Promise<void> {
  await withSurroundings(async (around) => {
    const dataDirectory = dataDirectoryOf(options.config, around);
    const unlock = locked(dataDirectory);
    try {
      if (holdsState(dataDirectory) && !options.force) {
        throw new CommandError(
          `${dataDirectory} holds the state of a node already. Use --force to set it aside and restore the backup.`,
        );
      }
      const restored = await restoreBackup({
        dataDirectory,
        file: resolve(around.directory, named),
        nowMs: around.clock.now(),
        migrations: {
          'gateway.db': GATEWAY_MIGRATIONS,
          'knowledge.db': KNOWLEDGE_MIGRATIONS,
          'knowledge-log.db': KNOWLEDGE_LOG_MIGRATIONS,
        },
        ...(options.asNewNode && { prepare: becomeNewNode }),
      }).catch((error: unknown) => {
        throw failure(error, named, dataDirectory);
      });
      tell(restored, dataDirectory, options.asNewNode === true);
    } finally {
      unlock();
    }
  });
}

function tell({ files, createdAt, version, asideDirectory }: Restored, dataDirectory: string, isNew: boolean): void {
  note(`Restored into ${dataDirectory}: ${files.join(', ')}; written ${createdAt} by flowmesh ${version}.`);
  if (asideDirectory !== undefined) note(`What was there before is in ${asideDirectory}. Delete it when all is well.`);
  if (isNew) note('This is a new node: it makes an identity of its own at its start, and must join its mesh anew.');
}

function locked(dataDirectory: string): () => void {
  try {
    return lockDirectory(dataDirectory);
  } catch (error) {
    if (error instanceof DirectoryInUse) {
      throw new CommandError(`${error.message} Stop it before you restore.`, EXIT.failed, { cause: error });
    }
    throw writeFailure(dataDirectory, error);
  }
}

function failure(error: unknown, file: string, dataDirectory: string): unknown {
  if (error instanceof UnusableBackup) return new CommandError(error.message, EXIT.failed, { cause: error });
  const code = codeOf(error);
  if (code === 'ENOENT' && error instanceof Error && error.message.includes(file)) {
    return new CommandError(`${file} cannot be read: there is no such file.`, EXIT.usage, { cause: error });
  }
  return writeFailure(dataDirectory, error);
}

/** The node that was saved may be running: this one must be another to everybody. What it knows of others' data it keeps. */
function becomeNewNode(staging: string): void {
  rmSync(join(staging, 'mesh'), { recursive: true, force: true });
  change(join(staging, 'gateway.db'), GATEWAY_MIGRATIONS, (database) => {
    new MeshStore(database).clear();
    forgetOrigin(database);
  });
  const documents = join(staging, 'knowledge-log.db');
  if (existsSync(documents)) change(documents, KNOWLEDGE_LOG_MIGRATIONS, forgetOrigin);
}

/** One file again in the end: what stays beside it is not put in place. */
function change(path: string, migrations: Migrations, work: (database: Database) => void): void {
  const database = openDatabase(path, migrations);
  try {
    work(database);
    database.pragma('journal_mode = DELETE');
  } finally {
    database.close();
  }
}
