// `flowmesh kb export` and `kb import`: documents with their passages as JSON lines, to move or keep them.

import { once } from 'node:events';
import { createReadStream, createWriteStream, type WriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { GatewayError } from '../errors.ts';
import { readCutDocument } from '../knowledge/document-json.ts';
import { severalAtOnce } from '../knowledge/ingest/several-at-once.ts';
import type { CollectionRef, DocumentInput, Knowledge, StoreOutcome } from '../knowledge/knowledge.ts';
import { asString, parseObject } from '../model/json.ts';
import { CommandError, EXIT } from './command-error.ts';
import { allDocuments } from './kb.ts';
import { Progress } from './kb-progress.ts';
import { checkedName, type KnowledgeOptions, withKnowledge } from './open-knowledge.ts';
import { counted, note, print } from './terminal.ts';
import { writeFailure } from './write-file.ts';

export interface ExportOptions extends KnowledgeOptions {
  readonly collection?: string;
  readonly output?: string;
  readonly force?: boolean;
}

interface NumberedLine {
  readonly text: string;
  readonly number: number;
}

const DOCUMENTS_AT_ONCE = 8;

export interface ImportOptions extends KnowledgeOptions {
  readonly collection?: string;
}

export async function exportKnowledge(options: ExportOptions): Promise<void> {
  const { tenant, collection, output, force } = options;
  await withKnowledge(options, async ({ knowledge }) => {
    const collections =
      collection === undefined
        ? (await knowledge.stats(tenant)).map((stats) => stats.collection)
        : [checkedName('collection', collection)];
    const target = output === undefined ? process.stdout : await openOutput(output, force === true);
    let count = 0;
    for (const name of collections) count += await writeCollection(knowledge, { tenant, collection: name }, target);
    if (output === undefined) return;
    (target as WriteStream).end();
    await once(target, 'finish');
    note(`Wrote ${counted(count, 'document')} to ${output}.`);
  });
}

async function writeCollection(
  knowledge: Knowledge,
  ref: CollectionRef,
  target: NodeJS.WritableStream,
): Promise<number> {
  const documents = await allDocuments(knowledge, ref);
  for (const { id, source, title, mimeType, contentHash, attributes } of documents) {
    const passages = await knowledge.passages(ref.tenant, id);
    const { collection } = ref;
    const line = JSON.stringify({ collection, source, title, mimeType, contentHash, attributes, passages });
    if (!target.write(`${line}\n`)) await once(target, 'drain');
  }
  return documents.length;
}

/** May hold what nobody else should read. */
async function openOutput(path: string, isForced: boolean): Promise<WriteStream> {
  const stream = createWriteStream(path, { mode: 0o600, flags: isForced ? 'w' : 'wx' });
  try {
    await once(stream, 'open');
    return stream;
  } catch (error) {
    throw writeFailure(path, error);
  }
}

/** Documents that are there with the same content are left as they are, so an interrupted import goes on. */
export async function importKnowledge(file: string, options: ImportOptions): Promise<void> {
  const { tenant } = options;
  const outcomes = { added: 0, updated: 0, unchanged: 0 };
  await withKnowledge(options, async ({ knowledge }) => {
    const progress = new Progress(undefined);
    const store = async ({ text, number }: NumberedLine) => {
      const document = documentOf(text, number, options.collection);
      return { document, outcome: await storeNew({ tenant, ...document }, knowledge) };
    };
    for await (const { document, outcome } of severalAtOnce(linesOf(file), DOCUMENTS_AT_ONCE, store)) {
      outcomes[outcome] += 1;
      progress.add({ source: document.source, outcome, passages: document.passages.length });
    }
    progress.end();
  });
  print(`${outcomes.added} added, ${outcomes.updated} updated, ${outcomes.unchanged} unchanged.`);
}

async function storeNew(document: DocumentInput, knowledge: Knowledge): Promise<StoreOutcome> {
  const isThere = await knowledge.isCurrent(document, document.source, document.contentHash);
  return isThere ? 'unchanged' : knowledge.store(document);
}

function documentOf(line: string, number: number, collection: string | undefined) {
  const written = parseObject(line);
  if (!written) throw new CommandError(`Line ${number} is no JSON object.`, EXIT.usage);
  const name = collection ?? asString(written.collection);
  if (name === undefined) throw new CommandError(`Line ${number} names no collection: give --collection.`, EXIT.usage);
  try {
    return { ...readCutDocument(written), collection: checkedName('collection', name) };
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    throw new CommandError(`Line ${number}: ${error.message}`, EXIT.usage, { cause: error });
  }
}

async function* linesOf(file: string): AsyncGenerator<NumberedLine> {
  const input = file === '-' ? process.stdin : createReadStream(file);
  if (file !== '-') {
    await once(input, 'open').catch((error: unknown) => {
      throw new CommandError(`${file} cannot be read: ${(error as Error).message}`, EXIT.usage, { cause: error });
    });
  }
  let number = 0;
  for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    number += 1;
    if (text.trim() !== '') yield { text, number };
  }
}
