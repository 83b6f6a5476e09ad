// The folders that a node's configuration names, each with its watcher, also when the configuration changes.

import type { WatchedFolder } from '../../config/knowledge.ts';
import type { Logger } from '../../ports.ts';
import { type FolderWatcher, type WatchDeps, watchFolder } from './watch.ts';

export interface FolderWatchersDeps extends Pick<WatchDeps, 'clock' | 'ingest' | 'knowledge'> {
  readonly logger: Logger;
}

export class FolderWatchers {
  readonly #deps: FolderWatchersDeps;
  readonly #watchers = new Map<string, FolderWatcher>();

  constructor(deps: FolderWatchersDeps) {
    this.#deps = deps;
  }

  /** These and no others from now on. */
  follow(folders: readonly WatchedFolder[]): void {
    const wanted = new Map(folders.map((folder) => [JSON.stringify(folder), folder]));
    for (const [key, watcher] of this.#watchers) {
      if (wanted.has(key)) continue;
      this.#watchers.delete(key);
      void watcher.close();
    }
    for (const [key, folder] of wanted) {
      if (!this.#watchers.has(key)) this.#watchers.set(key, this.#start(folder));
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#watchers.values()].map((watcher) => watcher.close()));
    this.#watchers.clear();
  }

  #start(folder: WatchedFolder): FolderWatcher {
    const { logger, ...deps } = this.#deps;
    const place = { collection: folder.collection, tenant: folder.tenant };
    return watchFolder(folder, {
      ...deps,
      onReport: (report) => {
        if (report.outcome === 'unreadable') logger.warn({ ...report, ...place }, 'a document cannot be read');
        else logger.info({ ...report, ...place }, 'a document was taken over');
      },
      onFailure: (error) => logger.error({ err: error, path: folder.path, ...place }, 'a folder cannot be followed'),
    });
  }
}
