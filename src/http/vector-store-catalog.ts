// OpenAI's vector stores and files over the knowledge brain: a store is a collection, a file is a document.
//
// What is uploaded becomes a document of the collection `openai-files`, and attaching it to a store copies its passages
// there. A store's name and metadata are kept as a document without passages, so they travel with the collection.

import { hash } from 'node:crypto';
import { isCollectionName } from '../config/knowledge.ts';
import { GatewayError } from '../errors.ts';
import type { KnowledgeAccess } from '../knowledge/access.ts';
import type { CollectionRef, CollectionStats, DocumentInfo, Knowledge } from '../knowledge/knowledge.ts';
import { documentKey } from '../knowledge/store/identity.ts';
import { wholeText } from '../knowledge/whole-text.ts';
import { asNumber, asObject, asString, type JsonObject } from '../model/json.ts';
import type { Clock, Random } from '../ports.ts';

export const FILES_COLLECTION = 'openai-files';
const SETTINGS_SOURCE = 'vector-store:settings';
const SETTINGS_TYPE = 'application/vnd.flowmesh.vector-store';
/** Under this name an uploaded document keeps what the Files API tells of it; clients' own attributes stand beside. */
const FILE_FACTS = 'flowmesh:file';
const UPLOADED = /^file-[0-9a-f]{24}$/;
const NAME_LENGTH_MAX = 100;

export interface CatalogDeps {
  readonly knowledge: Knowledge;
  readonly access: KnowledgeAccess;
  readonly clock: Clock;
  readonly random: Random;
}

export interface StoreSettings {
  readonly name: string;
  readonly metadata: JsonObject;
  /** Seconds since 1970. */
  readonly createdAt: number;
}

export interface VectorStore extends StoreSettings {
  readonly collection: string;
  readonly fileCount: number;
  readonly length: number;
}

export interface StoredFile {
  readonly id: string;
  readonly name: string;
  /** Of the upload; characters of a document that was not uploaded here. */
  readonly size: number;
  readonly purpose: string;
  /** Seconds since 1970. */
  readonly createdAt: number;
  /** The client's own. */
  readonly attributes: JsonObject;
  readonly document: DocumentInfo;
}

export interface Page {
  readonly after?: string | undefined;
  readonly limit: number;
}

export class VectorStoreCatalog {
  readonly #knowledge: Knowledge;
  readonly #access: KnowledgeAccess;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor({ knowledge, access, clock, random }: CatalogDeps) {
    this.#knowledge = knowledge;
    this.#access = access;
    this.#clock = clock;
    this.#random = random;
  }

  /** By name of their collections. */
  async stores(): Promise<readonly VectorStore[]> {
    const stats = (await this.#knowledge.stats(this.#access.tenant))
      .filter(({ collection }) => collection !== FILES_COLLECTION && this.#access.mayUse(collection))
      .sort((a, b) => (a.collection < b.collection ? -1 : 1));
    return Promise.all(stats.map((one) => this.#described(one)));
  }

  /** @throws GatewayError `not_found` or `forbidden` */
  async store(id: string): Promise<VectorStore> {
    const { collection } = this.#refOf(id);
    const stats = (await this.#knowledge.stats(this.#access.tenant)).find((one) => one.collection === collection);
    if (!stats) throw unknownStore(id);
    return this.#described(stats);
  }

  /** Its collection is named like it, where the name can be one and is free. */
  async createStore(name: string, metadata: JsonObject): Promise<VectorStore> {
    const wanted = name
      .normalize('NFC')
      .replace(/[^\p{L}\p{N}._:@-]+/gu, '-')
      .replace(/^[^\p{L}\p{N}]+/u, '');
    const plain = wanted.slice(0, NAME_LENGTH_MAX).toWellFormed();
    const taken = new Set((await this.#knowledge.stats(this.#access.tenant)).map(({ collection }) => collection));
    const isFree = isCollectionName(plain) && plain !== FILES_COLLECTION && !taken.has(plain);
    const collection = isFree ? plain : `${isCollectionName(plain) ? plain : 'store'}-${this.#hex(4)}`;
    if (!this.#access.mayUse(collection)) throw forbidden(collection);
    const settings = { name, metadata, createdAt: this.#now() };
    await this.#keepSettings(collection, settings);
    return { ...settings, collection, fileCount: 0, length: 0 };
  }

  async updateStore(id: string, changes: Partial<Pick<StoreSettings, 'name' | 'metadata'>>): Promise<VectorStore> {
    const store = { ...(await this.store(id)), ...changes };
    await this.#keepSettings(store.collection, store);
    return store;
  }

  /** With its documents; uploads stay. */
  async deleteStore(id: string): Promise<void> {
    const ref = this.#refOf(id);
    if ((await this.#knowledge.remove(ref, 'all')) === 0) throw unknownStore(id);
  }

  /** The collection behind a store, whether it has anything in it or not. */
  ref(id: string): CollectionRef {
    return this.#refOf(id);
  }

  /** In the order of their sources. */
  async filesOf(ref: CollectionRef, { after, limit }: Page): Promise<readonly StoredFile[]> {
    const before = after === undefined ? undefined : await this.#documentIn(ref, after);
    if (after !== undefined && !before) throw unknownFile(after);
    // One more for the store's settings, which are no file.
    const page = { limit: limit + 1, ...(before && { after: before.source }) };
    const documents = await this.#knowledge.documents(ref, page);
    return documents
      .filter(({ source }) => source !== SETTINGS_SOURCE)
      .slice(0, limit)
      .map(fileOf);
  }

  /** @throws GatewayError `not_found` */
  async file(ref: CollectionRef, id: string): Promise<StoredFile> {
    const document = await this.#documentIn(ref, id);
    if (!document || document.source === SETTINGS_SOURCE) throw unknownFile(id);
    return fileOf(document);
  }

  async attach(ref: CollectionRef, id: string, attributes: JsonObject): Promise<StoredFile> {
    const { document } = await this.file(this.uploads(), id);
    await this.#copy(document, ref, id, attributes);
    return this.file(ref, id);
  }

  async setAttributes(ref: CollectionRef, id: string, attributes: JsonObject): Promise<StoredFile> {
    const { document } = await this.file(ref, id);
    await this.#copy(document, ref, document.source, attributes);
    return this.file(ref, id);
  }

  async detach(ref: CollectionRef, id: string): Promise<void> {
    const { document } = await this.file(ref, id);
    await this.#knowledge.remove(ref, { sources: [document.source] });
  }

  async textOf({ document }: StoredFile): Promise<string> {
    return wholeText(await this.#knowledge.passages(document.tenant, document.id));
  }

  uploads(): CollectionRef {
    return { tenant: this.#access.tenant, collection: FILES_COLLECTION };
  }

  /** Its id, and what is kept of it beside its text. */
  newUpload(name: string, size: number, purpose: string): { readonly id: string; readonly attributes: JsonObject } {
    const id = `file-${this.#hex(12)}`;
    return { id, attributes: { [FILE_FACTS]: { name, size, purpose, createdAt: this.#now() } } };
  }

  async #copy(document: DocumentInfo, ref: CollectionRef, source: string, attributes: JsonObject): Promise<void> {
    const { title, mimeType, contentHash } = document;
    const passages = await this.#knowledge.passages(document.tenant, document.id);
    const facts = document.attributes[FILE_FACTS];
    const kept = { ...attributes, ...(facts !== undefined && { [FILE_FACTS]: facts }) };
    await this.#knowledge.store({ ...ref, source, title, mimeType, contentHash, attributes: kept, passages });
  }

  async #keepSettings(collection: string, { name, metadata, createdAt }: StoreSettings): Promise<void> {
    const attributes = { name, metadata, createdAt };
    await this.#knowledge.store({
      tenant: this.#access.tenant,
      collection,
      source: SETTINGS_SOURCE,
      title: name || collection,
      mimeType: SETTINGS_TYPE,
      contentHash: hash('sha256', JSON.stringify(attributes)),
      attributes,
      passages: [],
    });
  }

  async #described({ tenant, collection, documents, length }: CollectionStats): Promise<VectorStore> {
    const id = documentKey({ tenant, collection }, SETTINGS_SOURCE);
    const settings = await this.#knowledge.document(tenant, id);
    const [first] = settings ? [settings] : await this.#knowledge.documents({ tenant, collection }, { limit: 1 });
    const { name, metadata, createdAt } = settings?.attributes ?? {};
    return {
      collection,
      name: asString(name) ?? collection,
      metadata: asObject(metadata) ?? {},
      createdAt: asNumber(createdAt) ?? seconds(first?.updatedAt ?? 0),
      fileCount: settings ? documents - 1 : documents,
      length,
    };
  }

  async #documentIn(ref: CollectionRef, id: string): Promise<DocumentInfo | undefined> {
    const key = UPLOADED.test(id) ? documentKey(ref, id) : id.replace(/^file-/, '');
    const document = await this.#knowledge.document(ref.tenant, key);
    return document?.collection === ref.collection ? document : undefined;
  }

  /** @throws GatewayError `not_found` or `forbidden` */
  #refOf(id: string): CollectionRef {
    const collection = id.startsWith('vs_') ? id.slice(3) : '';
    if (!isCollectionName(collection) || collection === FILES_COLLECTION) throw unknownStore(id);
    if (!this.#access.mayUse(collection)) throw forbidden(collection);
    return { tenant: this.#access.tenant, collection };
  }

  #hex(byteCount: number): string {
    return Buffer.from(this.#random.bytes(byteCount)).toString('hex');
  }

  #now(): number {
    return seconds(this.#clock.now());
  }
}

export function fileOf(document: DocumentInfo): StoredFile {
  const { [FILE_FACTS]: own, ...attributes } = document.attributes;
  const facts = asObject(own);
  return {
    id: fileIdOf(document.id, document.source),
    name: fileNameOf(document),
    size: asNumber(facts?.size) ?? document.length,
    purpose: asString(facts?.purpose) ?? 'assistants',
    createdAt: asNumber(facts?.createdAt) ?? seconds(document.updatedAt),
    attributes,
    document,
  };
}

/** An upload has one id in all stores that it is attached to; another document has its own. */
export function fileIdOf(documentId: string, source: string): string {
  return UPLOADED.test(source) ? source : `file-${documentId}`;
}

export function fileNameOf({ attributes, title }: Pick<DocumentInfo, 'attributes' | 'title'>): string {
  return asString(asObject(attributes[FILE_FACTS])?.name) ?? title;
}

/** Without what we keep for ourselves. */
export function clientAttributes({ [FILE_FACTS]: _own, ...attributes }: JsonObject): JsonObject {
  return attributes;
}

function seconds(atMs: number): number {
  return Math.floor(atMs / 1_000);
}

function unknownStore(id: string): GatewayError {
  return new GatewayError('not_found', `Vector store with id '${id.slice(0, 200)}' not found.`, {
    param: 'vector_store_id',
  });
}

function unknownFile(id: string): GatewayError {
  return new GatewayError('not_found', `No such File object: ${id.slice(0, 200)}`, { param: 'id' });
}

function forbidden(collection: string): GatewayError {
  return new GatewayError('forbidden', `This key may not use the collection '${collection.slice(0, 100)}'.`);
}
