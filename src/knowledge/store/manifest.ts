// A document as it travels between nodes: everything but the texts, which are fetched by their hashes.

import { asArray, asNumber, asObject, asString, type JsonObject } from '../../model/json.ts';
import type { DocumentInput } from '../knowledge.ts';

/** The kind under which changes of documents are recorded; the key is the document's id. */
export const DOCUMENT_KIND = 'knowledge-document';

export interface ManifestPassage {
  readonly hash: string;
  readonly start: number;
  readonly end: number;
  readonly page?: number;
}

/** A document's facts, without its passages. */
export type DocumentFacts = Omit<DocumentInput, 'passages'>;

export interface Manifest extends DocumentFacts {
  readonly updatedAt: number;
  /** Characters of all passages. */
  readonly length: number;
  /** In order. */
  readonly passages: readonly ManifestPassage[];
}

export function renderManifest(manifest: Manifest): JsonObject {
  const { attributes, passages, ...facts } = manifest;
  return {
    ...facts,
    attributes,
    passages: passages.map(({ hash, start, end, page }) =>
      page === undefined ? [hash, start, end] : [hash, start, end, page],
    ),
  };
}

/** @returns undefined when it is not a manifest */
export function parseManifest(body: JsonObject): Manifest | undefined {
  const text = (name: string): string => asString(body[name]) ?? '';
  const passages = asArray(body.passages).map(parsePassage);
  const known = passages.filter((passage) => passage !== undefined);
  if (text('tenant') === '' || text('collection') === '' || text('source') === '') return undefined;
  if (known.length !== passages.length) return undefined;
  return {
    tenant: text('tenant'),
    collection: text('collection'),
    source: text('source'),
    title: text('title'),
    mimeType: text('mimeType'),
    contentHash: text('contentHash'),
    attributes: asObject(body.attributes) ?? {},
    updatedAt: asNumber(body.updatedAt) ?? 0,
    length: asNumber(body.length) ?? 0,
    passages: known,
  };
}

function parsePassage(value: unknown): ManifestPassage | undefined {
  const [hash, start, end, page] = asArray(value);
  if (typeof hash !== 'string' || !/^[0-9a-f]{64}$/.test(hash)) return undefined;
  if (typeof start !== 'number' || typeof end !== 'number') return undefined;
  return { hash, start, end, ...(typeof page === 'number' && { page }) };
}
