// A document that is ready to be stored, as JSON: what the admin API takes and `kb export` writes.

import { isCollectionName } from '../config/knowledge.ts';
import { GatewayError } from '../errors.ts';
import { asNumber, asObject, asString, isObject, type JsonObject } from '../model/json.ts';
import type { DocumentInput, Passage } from './knowledge.ts';

export type CutDocument = Omit<DocumentInput, 'tenant' | 'collection'>;

const SOURCE_LENGTH_MAX = 4_096;
const TITLE_LENGTH_MAX = 1_000;
const PASSAGE_LENGTH_MAX = 100_000;
const HEADINGS_MAX = 20;

/** @throws GatewayError `bad_request` */
export function readCutDocument(written: JsonObject): CutDocument {
  const passages = written.passages;
  if (!Array.isArray(passages)) throw wrong('passages', 'must be a list of passages');
  const attributes = written.attributes ?? {};
  if (!isObject(attributes)) throw wrong('attributes', 'must be an object');
  const contentHash = asString(written.contentHash) ?? '';
  if (!/^[0-9a-f]{64}$/.test(contentHash)) throw wrong('contentHash', 'must be a SHA-256 in hex');
  return {
    source: readSourceName(written.source),
    title: textOf(written.title, 'title', TITLE_LENGTH_MAX),
    mimeType: textOf(written.mimeType, 'mimeType', 200),
    contentHash,
    attributes,
    passages: passages.map((passage, index) => readPassage(asObject(passage) ?? {}, `passages[${index}]`)),
  };
}

/** @throws GatewayError `bad_request` */
export function readSourceName(written: unknown): string {
  return textOf(written, 'source', SOURCE_LENGTH_MAX);
}

/** @throws GatewayError `bad_request` */
export function checkName(what: 'tenant' | 'collection', name: string): string {
  if (isCollectionName(name)) return name;
  throw new GatewayError('bad_request', `A ${what}'s name may have letters, digits and '._:@-', at most 128 of them.`);
}

function readPassage({ text, headings = [], start, end, page }: JsonObject, place: string): Passage {
  const isPath = Array.isArray(headings) && headings.length <= HEADINGS_MAX;
  if (!isPath || !headings.every((heading) => typeof heading === 'string')) {
    throw wrong(`${place}.headings`, 'must be a list of texts');
  }
  const pageNumber = page === undefined ? undefined : countOf(page, `${place}.page`);
  return {
    text: textOf(text, `${place}.text`, PASSAGE_LENGTH_MAX),
    headings,
    start: countOf(start, `${place}.start`),
    end: countOf(end, `${place}.end`),
    ...(pageNumber !== undefined && { page: pageNumber }),
  };
}

function textOf(written: unknown, param: string, lengthMax: number): string {
  const text = asString(written);
  if (text === undefined || text.trim() === '') throw wrong(param, 'must be text that is not empty');
  if (text.length > lengthMax) throw wrong(param, `must not have more than ${lengthMax} characters`);
  return text.toWellFormed();
}

function countOf(written: unknown, param: string): number {
  const count = asNumber(written);
  if (count !== undefined && Number.isSafeInteger(count) && count >= 0) return count;
  throw wrong(param, 'must be a whole number, 0 or more');
}

function wrong(param: string, fault: string): GatewayError {
  return new GatewayError('bad_request', `${param} ${fault}.`, { param });
}
