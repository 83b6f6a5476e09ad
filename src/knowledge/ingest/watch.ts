// Keeps collections up with folders: takes them in once, then every file that is written, moved or deleted.

import { statSync } from 'node:fs';
import { watch } from 'chokidar';
import type { WatchedFolder } from '../../config/knowledge.ts';
import type { Clock, Timer } from '../../ports.ts';
import type { Knowledge } from '../knowledge.ts';
import { findFiles, isFoundIn } from './find-files.ts';
import type { FileReport, Ingest } from './ingest.ts';

/** Programs write a file in several steps; a document need not be there within the second. */
const SETTLE_MS = 400;

export interface WatchDeps {
  readonly clock: Clock;
  readonly ingest: Ingest;
  readonly knowledge: Knowledge;
  onReport(report: FileReport | RemovalReport): void;
  /** The folder is watched on; the file may be written again. */
  onFailure(error: unknown): void;
}

export interface RemovalReport {
  readonly source: string;
  readonly outcome: 'removed';
}

export interface FolderWatcher {
  /** Resolves when the folder has been taken in and its changes are seen from now on. */
  readonly ready: Promise<void>;
  close(): Promise<void>;
}

export function watchFolder(folder: WatchedFolder, deps: WatchDeps): FolderWatcher {
  const abort = new AbortController();
  const changed = new Set<string>();
  let timer: Timer | undefined;
  /** One change after the other, so that the last word about a file is the last one stored. */
  let work: Promise<void> = Promise.resolve();

  const watcher = watch(folder.path, {
    ignoreInitial: true,
    followSymlinks: false,
    ignored: (path) => path !== folder.path && path.startsWith(folder.path) && !isFoundIn(folder.path, path),
  });
  const isWatching = new Promise<void>((resolve) => watcher.once('ready', resolve));
  watcher.on('error', (error) => deps.onFailure(error));
  watcher.on('all', (event, path) => {
    if (event === 'addDir') return;
    changed.add(path);
    if (timer === undefined) timer = deps.clock.after(SETTLE_MS, settle);
    else timer.refresh();
  });

  function settle(): void {
    timer = undefined;
    const paths = [...changed];
    changed.clear();
    enqueue(async () => {
      for (const path of paths) if (!abort.signal.aborted) await takeOver(path, folder, deps);
    });
  }

  function enqueue(next: () => Promise<void>): Promise<void> {
    work = work.then(next).catch((error: unknown) => {
      if (!abort.signal.aborted) deps.onFailure(error);
    });
    return work;
  }

  return {
    ready: isWatching.then(() => enqueue(() => takeIn(folder, deps, abort.signal))),
    async close() {
      abort.abort();
      timer?.cancel();
      await watcher.close();
      await work;
    },
  };
}

/** The folder as it is now. Where it is missing nothing is removed: its disk may not be mounted yet. */
async function takeIn(folder: WatchedFolder, deps: WatchDeps, signal: AbortSignal): Promise<void> {
  const found = await findFiles([folder.path], '/');
  for await (const report of deps.ingest.storeAll(found, folder, signal)) {
    if (report.outcome !== 'unchanged') deps.onReport(report);
  }
  if (!signal.aborted && found.missing.length === 0) await deps.ingest.prune(found, folder);
}

async function takeOver(
  path: string,
  folder: WatchedFolder,
  { ingest, knowledge, onReport }: WatchDeps,
): Promise<void> {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isFile()) {
    onReport(await ingest.storePath(path, folder));
  } else if (!stat && (await knowledge.remove(folder, { sources: [path] })) > 0) {
    onReport({ source: path, outcome: 'removed' });
  }
}
