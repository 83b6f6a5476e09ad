// Documents as a kind of row that travels: who owns it, its facts, and the hashes of its passages. The passages themselves
// are fetched by their hashes, and so is the list of hashes of a long document.

import { hash } from 'node:crypto';
import { asArray, asString, type JsonObject, type JsonValue } from '../../model/json.ts';
import type { Kind } from '../../replication/kind.ts';
import type { Database } from '../../storage/database.ts';
import { documentKey } from '../store/identity.ts';
import { DOCUMENT_KIND, parseManifest } from '../store/manifest.ts';

export const DOCUMENT_CAPABILITY = 'knowledge:write';
/** A page of changes holds 64 KB. */
const BODY_BYTES_MAX = 48 * 1024;
/** A passage takes some 90 bytes: so many leave half of the body to the document's attributes. */
const LISTED_PASSAGES_MAX = 256;

/** @param onChange a document is to be brought to what the log says of it; inside the merge's transaction */
export function documentKind(onChange: (database: Database, document: string) => void): Kind {
  return {
    name: DOCUMENT_KIND,
    capability: DOCUMENT_CAPABILITY,
    bodyBytesMax: BODY_BYTES_MAX,
    isValid: (document, body) => isTravelling(document, body),
    apply: (database, document) => onChange(database, document),
  };
}

/** A document as its change says it: a long list of passages is only named. */
export function travellingBody(manifest: JsonObject): JsonObject {
  const passages = asArray(manifest.passages);
  if (passages.length <= LISTED_PASSAGES_MAX) return manifest;
  const { passages: _passages, ...facts } = manifest;
  return { ...facts, passageList: listHash(passages) };
}

/** The name of the list that has to be fetched; undefined when the body has it. */
export function passageListOf(body: JsonObject): string | undefined {
  return asString(body.passageList);
}

/** The whole document again. */
export function manifestOf(body: JsonObject, passages: readonly JsonValue[]): JsonObject {
  const { passageList: _list, ...facts } = body;
  return { ...facts, passages: [...passages] };
}

/** SHA-256 of a list of passages as manifests have it. */
export function listHash(passages: readonly JsonValue[]): string {
  return hash('sha256', JSON.stringify(passages));
}

function isTravelling(document: string, body: JsonObject): boolean {
  const list = passageListOf(body);
  const manifest = parseManifest(list === undefined ? body : manifestOf(body, []));
  if (!manifest || documentKey(manifest, manifest.source) !== document) return false;
  return list === undefined ? Array.isArray(body.passages) : /^[0-9a-f]{64}$/.test(list);
}
