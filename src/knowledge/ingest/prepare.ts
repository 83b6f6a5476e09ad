// A file's bytes → a document ready to be stored: read by its format, cut into passages, named by its hash.

import { basename } from 'node:path';
import { oneLine } from '../formats/block-list.ts';
import type { SourceFile } from '../formats/extracted.ts';
import { extract } from '../formats/formats.ts';
import type { DocumentInput } from '../knowledge.ts';
import { contentHashOf } from './content-hash.ts';
import { splitDocument } from './split.ts';

export type PreparedDocument = Pick<DocumentInput, 'title' | 'mimeType' | 'contentHash' | 'passages'>;

/** @throws UnreadableFile */
export async function prepareDocument(file: SourceFile): Promise<PreparedDocument> {
  const contentHash = contentHashOf(file.bytes);
  const { title = '', mimeType, blocks } = await extract(file);
  return {
    title: oneLine(title) || oneLine(basename(file.name)) || 'untitled',
    mimeType,
    contentHash,
    passages: splitDocument(blocks).passages,
  };
}
