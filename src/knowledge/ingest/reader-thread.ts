// The thread in which files are parsed. What a hostile file does to it, it does to nothing else: the reader starts another.

import { basename } from 'node:path';
import { parentPort } from 'node:worker_threads';
import { type SourceFile, UnreadableFile } from '../formats/extracted.ts';
import { contentHashOf } from './content-hash.ts';
import type { PreparedDocument } from './prepare.ts';
import { readSource } from './read-file.ts';
import type { ReaderAnswer, ReaderJob } from './reader-protocol.ts';

parentPort?.on('message', async (job: ReaderJob) => {
  parentPort?.postMessage(await answer(job));
});

// A parser may forget a promise that fails (pdf.js does, for some damaged files). It says nothing of the file: what is
// awaited does. Left to itself it would end the thread, and with it whichever file is being read by then.
process.on('unhandledRejection', () => undefined);

async function answer(job: ReaderJob): Promise<ReaderAnswer> {
  try {
    return await work(job);
  } catch (error) {
    if (error instanceof UnreadableFile) return { type: 'unreadable', reason: error.message };
    throw error;
  }
}

async function work(job: ReaderJob): Promise<ReaderAnswer> {
  if (job.type === 'prepare-bytes') return { type: 'prepared', document: await prepare(job) };
  const bytes = await readSource(job.path, job.bytesMax);
  if (job.type === 'hash') return { type: 'hash', hash: contentHashOf(bytes) };
  return { type: 'prepared', document: await prepare({ name: basename(job.path), bytes }) };
}

/** The parsers are loaded when there is something to parse: looking for changes needs only hashes. */
async function prepare(file: SourceFile): Promise<PreparedDocument> {
  const { prepareDocument } = await import('./prepare.ts');
  return prepareDocument(file);
}
