// Takes files into a collection: what is there with the same content is left as it is, each other file is read, cut up
// and stored whole or not at all. So an import that was interrupted goes on where it was when it is started again.

import type { JsonObject } from '../../model/json.ts';
import { UnreadableFile } from '../formats/extracted.ts';
import type { CollectionRef, Knowledge, StoreOutcome } from '../knowledge.ts';
import { contentHashOf } from './content-hash.ts';
import type { FoundFiles } from './find-files.ts';
import { tooLarge } from './read-file.ts';
import type { DocumentReader } from './reader.ts';
import { severalAtOnce } from './several-at-once.ts';

export interface IngestDeps {
  readonly knowledge: Knowledge;
  readonly reader: Pick<DocumentReader, 'hash' | 'preparePath' | 'prepareBytes'>;
  readonly fileBytesMax: () => number;
}

/** What became of one file. */
export type FileReport =
  | { readonly source: string; readonly outcome: StoreOutcome; readonly passages: number }
  | { readonly source: string; readonly outcome: 'unreadable'; readonly reason: string };

export interface UploadedFile extends CollectionRef {
  /** Names the document in its collection. */
  readonly source: string;
  /** With the ending that may decide the format. */
  readonly name: string;
  readonly mimeType?: string | undefined;
  readonly bytes: Uint8Array;
  readonly attributes?: JsonObject;
}

/** Files read and stored at once: while one is parsed, others are hashed and stored. */
const FILES_AT_ONCE = 4;
/** Sources asked for at once. */
const PAGE_SIZE = 1_000;

export class Ingest {
  readonly #deps: IngestDeps;

  constructor(deps: IngestDeps) {
    this.#deps = deps;
  }

  /** @throws UnreadableFile */
  async storeUpload(file: UploadedFile): Promise<Extract<FileReport, { passages: number }>> {
    const { tenant, collection, source, name, mimeType, bytes, attributes } = file;
    const { knowledge, reader, fileBytesMax } = this.#deps;
    if (bytes.length > fileBytesMax()) throw tooLarge(fileBytesMax());
    // With attributes the store decides: they may have changed though the file has not.
    if (!attributes && (await knowledge.isCurrent({ tenant, collection }, source, contentHashOf(bytes)))) {
      return { source, outcome: 'unchanged', passages: 0 };
    }
    const document = await reader.prepareBytes(bytes, name, mimeType);
    const outcome = await knowledge.store({ tenant, collection, source, attributes: attributes ?? {}, ...document });
    return { source, outcome, passages: document.passages.length };
  }

  /** Its source is its absolute path. */
  async storePath(path: string, { tenant, collection }: CollectionRef): Promise<FileReport> {
    const { knowledge, reader, fileBytesMax } = this.#deps;
    try {
      const hash = await reader.hash(path, fileBytesMax());
      if (await knowledge.isCurrent({ tenant, collection }, path, hash)) {
        return { source: path, outcome: 'unchanged', passages: 0 };
      }
      const document = await reader.preparePath(path, fileBytesMax());
      const outcome = await knowledge.store({ tenant, collection, source: path, attributes: {}, ...document });
      return { source: path, outcome, passages: document.passages.length };
    } catch (error) {
      if (error instanceof UnreadableFile) return { source: path, outcome: 'unreadable', reason: error.message };
      throw error;
    }
  }

  /** All of them, several at once. Reports come in the order in which files are done. Aborting ends it between files. */
  storeAll({ files }: FoundFiles, ref: CollectionRef, signal?: AbortSignal): AsyncGenerator<FileReport> {
    return severalAtOnce(files, FILES_AT_ONCE, ({ path }) => this.storePath(path, ref), signal);
  }

  /** Documents of files that the folders had, and have no more. Returns how many went. */
  async prune({ files, folders, missing }: FoundFiles, ref: CollectionRef): Promise<number> {
    const there = new Set(files.map(({ path }) => path));
    const gone: string[] = [];
    for await (const source of this.#sources(ref)) {
      const isOurs = missing.includes(source) || folders.some((folder) => isBelow(folder, source));
      if (isOurs && !there.has(source)) gone.push(source);
    }
    return gone.length === 0 ? 0 : this.#deps.knowledge.remove(ref, { sources: gone });
  }

  async *#sources(ref: CollectionRef): AsyncGenerator<string> {
    for (let after: string | undefined; ; ) {
      const page = await this.#deps.knowledge.documents(ref, {
        limit: PAGE_SIZE,
        ...(after !== undefined && { after }),
      });
      for (const { source } of page) yield source;
      after = page.at(-1)?.source;
      if (page.length < PAGE_SIZE) return;
    }
  }
}

function isBelow(folder: string, path: string): boolean {
  return path.startsWith(folder.endsWith('/') ? folder : `${folder}/`);
}
