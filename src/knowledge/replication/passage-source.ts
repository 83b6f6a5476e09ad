// Answers peers that ask for passages by their hashes, or for the list of passages of a long document. A page is about
// 64 KB; the asker comes again for the rest, here or elsewhere.

import { asArray, asNumber, asString, type JsonObject, type JsonValue, parseObject } from '../../model/json.ts';
import type { NamedPassages } from '../store/knowledge-store.ts';
import type { KnowledgeReplica } from '../worker/client.ts';
import { listHash, travellingBody } from './document-kind.ts';

export const PASSAGES_PATH = '/knowledge/passages';
export const LIST_PATH = '/knowledge/list';
export const SHOWN_PATH = '/knowledge/shown';
/** In one request. */
const HASHES_MAX = 256;
export const PAGE_BYTES_MAX = 60_000;
/** Some 85 bytes each. */
const LISTED_AT_ONCE = 600;

export class PassageSource {
  readonly #knowledge: KnowledgeReplica;
  /** Resolves when bulk may go. */
  readonly #turn: () => Promise<void>;
  /** The list that was asked for last: its next page follows soon. */
  #list: { readonly name: string; readonly passages: readonly JsonValue[] } | undefined;

  constructor(knowledge: KnowledgeReplica, turn: () => Promise<void>) {
    this.#knowledge = knowledge;
    this.#turn = turn;
  }

  /** `{hashes}` → `{passages: [[hash, text, headings], …], missing: [hash, …]}` */
  async passages(request: Uint8Array): Promise<Uint8Array> {
    const hashes = asArray(parsed(request).hashes).filter(isHash).slice(0, HASHES_MAX);
    await this.#turn();
    return rendered(renderPassages(await this.#knowledge.namedPassages(hashes, PAGE_BYTES_MAX)));
  }

  /** `{document, list, from}` → `{passages: […], isLast}`, or `{}` when that list is not here. */
  async list(request: Uint8Array): Promise<Uint8Array> {
    const { document, list, from } = parsed(request);
    const first = asNumber(from) ?? 0;
    await this.#turn();
    const passages = await this.#passagesOf(asString(document) ?? '', asString(list) ?? '');
    if (!passages) return rendered({});
    const page = passages.slice(first, first + LISTED_AT_ONCE);
    return rendered({ passages: page, isLast: first + LISTED_AT_ONCE >= passages.length });
  }

  /** `{document}` → `{body}`, the version that is shown here, or `{}`. */
  async shown(request: Uint8Array): Promise<Uint8Array> {
    const manifest = await this.#knowledge.manifest(asString(parsed(request).document) ?? '');
    return rendered(manifest ? { body: travellingBody(manifest) } : {});
  }

  async #passagesOf(document: string, name: string): Promise<readonly JsonValue[] | undefined> {
    if (this.#list?.name === name) return this.#list.passages;
    const manifest = await this.#knowledge.manifest(document);
    const passages = asArray(manifest?.passages);
    if (!manifest || listHash(passages) !== name) return undefined;
    this.#list = { name, passages };
    return passages;
  }
}

function renderPassages({ passages, missing }: NamedPassages): JsonObject {
  return {
    passages: passages.map(({ hash, text, headings }) => [hash, text, [...headings]]),
    missing: [...missing],
  };
}

function isHash(value: JsonValue): value is string {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
}

function parsed(bytes: Uint8Array): JsonObject {
  return parseObject(Buffer.from(bytes).toString()) ?? {};
}

function rendered(body: JsonObject): Uint8Array {
  return Buffer.from(JSON.stringify(body));
}
