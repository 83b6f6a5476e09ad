// `flowmesh backup`: everything that a node cannot get again, in one file. The node may run meanwhile.

import { resolve } from 'node:path';
import { defaultDataDirectory } from '../config/paths.ts';
import { type BackupManifest, backupFile, holdsState, writeBackup } from '../storage/backup.ts';
import { VERSION } from '../version.ts';
import { CommandError, codeOf, EXIT } from './command-error.ts';
import { configFromFile } from './load-config.ts';
import { type Surroundings, withSurroundings } from './surroundings.ts';
import { note, print } from './terminal.ts';
import { writeFailure } from './write-file.ts';

export interface BackupCommandOptions {
  readonly config?: string;
  /** A file, or a directory in which the file gets a name with the time. */
  readonly output?: string;
  readonly force?: boolean;
}

export async function backup(options: BackupCommandOptions): Promise<void> {
  await withSurroundings(async (around) => {
    const dataDirectory = dataDirectoryOf(options.config, around);
    if (!holdsState(dataDirectory)) {
      throw new CommandError(`There is nothing to back up: ${dataDirectory} holds no state of a node.`, EXIT.usage);
    }
    const nowMs = around.clock.now();
    const file = backupFile(resolve(around.directory, options.output ?? '.'), nowMs);
    const manifest = await written({ dataDirectory, file, nowMs, isForced: options.force === true });
    print(file);
    note(`Holds ${manifest.files.map(({ name }) => name).join(', ')}.`);
    note(
      'Not in it: kept answers (cache.db), which come again, and the configuration file. Keep it as safe as your keys.',
    );
  });
}

async function written(place: {
  readonly dataDirectory: string;
  readonly file: string;
  readonly nowMs: number;
  readonly isForced: boolean;
}): Promise<BackupManifest> {
  try {
    return await writeBackup({ ...place, version: VERSION });
  } catch (error) {
    const code = codeOf(error);
    if (code === 'SQLITE_FULL' || code?.startsWith('SQLITE_IOERR_WRITE')) {
      throw new CommandError(`${place.file} cannot be written: the disk is full.`, EXIT.failed, { cause: error });
    }
    if (code?.startsWith('SQLITE_')) {
      const reason = `${place.dataDirectory} cannot be read: ${(error as Error).message} (${code}).`;
      throw new CommandError(reason, EXIT.failed, { cause: error });
    }
    throw writeFailure(place.file, error);
  }
}

/** Of the configuration, else where a node without one keeps its state. */
export function dataDirectoryOf(config: string | undefined, around: Surroundings): string {
  return (
    configFromFile(config, around)?.config.dataDirectory ??
    defaultDataDirectory(around.env) ??
    resolve(around.directory, '.flowmesh')
  );
}
