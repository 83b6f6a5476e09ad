// Follows the configuration file while the process runs. What is invalid never replaces what works.
//
// It watches directories, not the file: editors and deploy tools replace the file by renaming another one over it, and a
// Kubernetes ConfigMap swaps a symlink (`..data`) next to it. Whatever happens there, the text is read anew and compared.

import { realpathSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { watch } from 'chokidar';
import type { Clock, Timer } from '../ports.ts';
import { ConfigError, fileError } from './config-error.ts';
import { type LoadedConfig, type LoadOptions, loadConfig, readConfigFile } from './load.ts';

/** A save is several events (create, write, rename) within a few milliseconds; people do not notice a fifth of a second. */
const SETTLE_MS = 200;

export interface WatchOptions extends LoadOptions {
  readonly clock: Clock;
  onChange(loaded: LoadedConfig): void;
  /** The old configuration stays in force. */
  onInvalid(error: ConfigError): void;
}

export interface ConfigWatcher {
  /** Resolves when changes are seen from now on. */
  readonly ready: Promise<void>;
  /** Reads the file now, changed or not: what SIGHUP asks for. */
  reload(): void;
  close(): Promise<void>;
}

export function watchConfig(path: string, options: WatchOptions): ConfigWatcher {
  const file = resolve(path);
  let seen = fingerprint(file);
  let places = placesOf(file);
  let timer: Timer | undefined;
  let isClosed = false;

  const watcher = watch(places.directories, {
    depth: 0,
    followSymlinks: false,
    ignoreInitial: true,
    // Replacing by rename must not wait for chokidar's own window; the timer below gathers events.
    atomic: false,
    ignored: (candidate) => !isOfInterest(candidate, places),
  });
  watcher.on('all', () => {
    if (timer === undefined) timer = options.clock.after(SETTLE_MS, check);
    else timer.refresh();
  });
  watcher.on('error', (cause) => {
    options.onInvalid(fileError(path, 'the file cannot be watched; changes need a SIGHUP.', { cause }));
  });
  const ready = new Promise<void>((settle) => watcher.once('ready', settle));

  function check(): void {
    timer = undefined;
    if (isClosed) return;
    // A symlink may point into another directory now.
    places = placesOf(file);
    watcher.add(places.directories);
    const current = fingerprint(file);
    if (current === seen) return;
    seen = current;
    load();
  }

  function load(): void {
    try {
      options.onChange(loadConfig(path, options));
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      options.onInvalid(error);
    }
  }

  return {
    ready,
    reload() {
      seen = fingerprint(file);
      load();
    },
    async close() {
      isClosed = true;
      timer?.cancel();
      await watcher.close();
    },
  };
}

/** The text, or why there is none: enough to tell whether anything changed. */
function fingerprint(file: string): string {
  try {
    return readConfigFile(file);
  } catch (error) {
    return String(error);
  }
}

interface Places {
  readonly directories: string[];
  /** The file, and where its symlinks end. */
  readonly files: readonly string[];
}

function placesOf(file: string): Places {
  const files = [file, realFile(file)];
  return { directories: [...new Set(files.map(dirname))], files };
}

function realFile(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    // Missing for a moment, or a dangling link; the directory tells when it is back.
    return file;
  }
}

/** The directory may be a busy one; only the file and the links of a ConfigMap (`..data`) matter in it. */
function isOfInterest(candidate: string, { directories, files }: Places): boolean {
  return basename(candidate).startsWith('..') || files.includes(candidate) || directories.includes(candidate);
}
