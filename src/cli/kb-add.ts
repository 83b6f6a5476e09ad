// `flowmesh kb add` and `kb watch`: files and folders into a collection, once or for as long as the command runs.

import { resolve } from 'node:path';
import { UnreadableFile } from '../knowledge/formats/extracted.ts';
import { type FoundFiles, findFiles } from '../knowledge/ingest/find-files.ts';
import type { FileReport } from '../knowledge/ingest/ingest.ts';
import { watchFolder } from '../knowledge/ingest/watch.ts';
import { CommandError, EXIT } from './command-error.ts';
import { lineOf, Progress } from './kb-progress.ts';
import { checkedName, type KnowledgeOptions, type OpenKnowledge, withKnowledge } from './open-knowledge.ts';
import { counted, harmless, note, print, printJson } from './terminal.ts';

export interface AddOptions extends KnowledgeOptions {
  readonly collection: string;
  readonly prune?: boolean;
  readonly json?: boolean;
}

interface Summary {
  added: number;
  updated: number;
  unchanged: number;
  removed: number;
  passages: number;
  readonly unreadable: { readonly source: string; readonly reason: string }[];
}

export async function addFiles(paths: readonly string[], options: AddOptions): Promise<void> {
  const { tenant, json } = options;
  const ref = { tenant, collection: checkedName('collection', options.collection) };
  await withKnowledge(options, async ({ ingest, around }) => {
    const found = await findNamed(paths, around.directory);
    const interrupt = interruption();
    const progress = new Progress(found.files.length);
    const summary: Summary = { added: 0, updated: 0, unchanged: 0, removed: 0, passages: 0, unreadable: [] };
    try {
      for await (const report of ingest.storeAll(found, ref, interrupt.signal)) {
        progress.add(report);
        count(report, summary);
      }
    } finally {
      progress.end();
      interrupt.end();
    }
    if (interrupt.signal.aborted) {
      throw new CommandError('Interrupted. The same command goes on where it was.', EXIT.interrupted);
    }
    if (options.prune) summary.removed = await ingest.prune(found, ref);
    if (json) printJson(summary);
    else print(textOf(summary, options));
    refuseFailed(summary, found);
  });
}

export async function watchFiles(paths: readonly string[], options: AddOptions): Promise<void> {
  const collection = checkedName('collection', options.collection);
  await withKnowledge(options, async (open) => {
    const { around } = open;
    const { missing } = await findNamed(paths, around.directory);
    refuseMissing(missing);
    const interrupt = interruption();
    const watchers = paths.map((path) => watchNamed(resolve(around.directory, path), collection, options, open));
    await Promise.all(watchers.map(({ ready }) => ready));
    note(`Watching ${counted(paths.length, 'place')}; Ctrl-C ends it.`);
    await interrupt.happened;
    await Promise.all(watchers.map((watcher) => watcher.close()));
  });
}

function watchNamed(path: string, collection: string, { tenant, json }: AddOptions, open: OpenKnowledge) {
  const { ingest, knowledge, around } = open;
  return watchFolder(
    { path, tenant, collection },
    {
      clock: around.clock,
      ingest,
      knowledge,
      onReport(report) {
        if (json) print(JSON.stringify(report));
        else print(report.outcome === 'removed' ? `removed: ${harmless(report.source)}` : lineOf(report));
      },
      onFailure: (error) => note(`${path}: ${error instanceof Error ? error.message : String(error)}`),
    },
  );
}

async function findNamed(paths: readonly string[], directory: string): Promise<FoundFiles> {
  try {
    return await findFiles(paths, directory);
  } catch (error) {
    if (error instanceof UnreadableFile) throw new CommandError(error.message, EXIT.usage, { cause: error });
    throw error;
  }
}

/** Ctrl-C ends the work between two files; a second one ends the process. */
function interruption(): { readonly signal: AbortSignal; readonly happened: Promise<void>; end(): void } {
  const abort = new AbortController();
  const happened = new Promise<void>((resolveIt) => abort.signal.addEventListener('abort', () => resolveIt()));
  const onSignal = (): void => abort.abort();
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  return {
    signal: abort.signal,
    happened,
    end: () => process.off('SIGINT', onSignal).off('SIGTERM', onSignal),
  };
}

function count(report: FileReport, summary: Summary): void {
  if (report.outcome === 'unreadable') {
    summary.unreadable.push({ source: report.source, reason: report.reason });
  } else {
    summary[report.outcome] += 1;
    summary.passages += report.passages;
  }
}

function textOf({ added, updated, unchanged, removed, passages, unreadable }: Summary, options: AddOptions): string {
  const parts = [`${added} added`, `${updated} updated`, `${unchanged} unchanged`];
  if (options.prune) parts.push(`${removed} removed`);
  if (unreadable.length > 0) parts.push(`${unreadable.length} skipped`);
  return `${parts.join(', ')}; ${counted(passages, 'new passage')} in collection ${options.collection}.`;
}

/** Named files that cannot be taken are an error; those that a folder happens to hold are not. */
function refuseFailed({ unreadable, removed }: Summary, { files, missing }: FoundFiles): void {
  // What is gone may have been named to be pruned.
  if (removed === 0) refuseMissing(missing);
  const named = new Set(files.filter(({ isNamed }) => isNamed).map(({ path }) => path));
  const failed = unreadable.filter(({ source }) => named.has(source));
  if (failed.length > 0) {
    throw new CommandError(failed.map(({ source, reason }) => `${harmless(source)} ${harmless(reason)}.`).join('\n'));
  }
}

function refuseMissing(missing: readonly string[]): void {
  if (missing.length > 0) throw new CommandError(`${missing.map(harmless).join(', ')}: does not exist.`, EXIT.usage);
}
