// Opens a file whose content can be made again: one that cannot be used is replaced by an empty one, and where no file
// can be had at all, memory must do. Such a file never keeps a node from starting.

import { rmSync } from 'node:fs';
import { type Database, type FileOpener, openDatabase, UnusableFile } from './database.ts';

export interface DisposableFile {
  /** A file, or `:memory:`. */
  readonly path: string;
  readonly open?: FileOpener | undefined;
  readonly migrations: readonly string[];
  /** Told why what was kept is gone, or cannot be kept. */
  readonly onLoss: (error: unknown) => void;
}

export function openDisposable({ path, open = openDatabase, migrations, onLoss }: DisposableFile): Database {
  try {
    return open(path, migrations);
  } catch (error) {
    onLoss(error);
    return error instanceof UnusableFile
      ? openAnew({ path, open, migrations, onLoss })
      : openDatabase(':memory:', migrations);
  }
}

/** In place of what is there. The file must not be open. */
export function openAnew({ path, open = openDatabase, migrations, onLoss }: DisposableFile): Database {
  try {
    for (const suffix of ['', '-wal', '-shm']) if (path !== ':memory:') rmSync(path + suffix, { force: true });
    return open(path, migrations);
  } catch (error) {
    onLoss(error);
    return openDatabase(':memory:', migrations);
  }
}
