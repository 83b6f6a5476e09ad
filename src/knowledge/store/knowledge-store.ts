// knowledge.db: documents, their passages and the index. Synchronous, for use inside the worker thread; every method that
// writes is one transaction.

import { GatewayError } from '../../errors.ts';
import type { JsonObject } from '../../model/json.ts';
import type { Clock } from '../../ports.ts';
import type { ChangeRecorder } from '../../storage/changes.ts';
import { type Database, type FileOpener, openDatabase } from '../../storage/database.ts';
import type {
  CollectionRef,
  CollectionStats,
  DocumentInfo,
  DocumentInput,
  Passage,
  SearchHit,
  SearchRequest,
  StoreOutcome,
} from '../knowledge.ts';
import { Search } from '../search/search.ts';
import { type DocumentRow, DocumentTable, documentInfo, type PlacedEntry } from './document-table.ts';
import { canonicalJson, documentKey, passageHash } from './identity.ts';
import { DOCUMENT_KIND, type DocumentFacts, type Manifest, parseManifest, renderManifest } from './manifest.ts';
import { KNOWLEDGE_MIGRATIONS } from './migrations.ts';
import { Outbox } from './outbox.ts';
import { type KeptPassage, PassageTable, type PassageText } from './passage-table.ts';
import { type MissingEmbedding, Vectors } from './vectors.ts';

/** A hash and what JSON needs around it. */
const NAME_BYTES = 110;
/** Memory for pages of the file, KiB. */
const CACHE_KIB = 32_768;
/** Of the file that is read as memory: a search reads hundreds of passages from all over it. Not counted until touched. */
const MAPPED_BYTES = 2 ** 30;

export function openKnowledgeDatabase(file: string, open: FileOpener = openDatabase): Database {
  const database = open(file, KNOWLEDGE_MIGRATIONS);
  database.pragma(`cache_size = -${CACHE_KIB}`);
  database.pragma(`mmap_size = ${MAPPED_BYTES}`);
  return database;
}

export interface KnowledgeStoreDeps {
  readonly database: Database;
  readonly clock: Clock;
  /** Told of every document that is stored or removed here, not of those that came from peers. */
  readonly changes?: ChangeRecorder;
}

/** A document as the change log has it; without a body it is to go. */
export interface TravelledDocument {
  readonly id: string;
  readonly body: JsonObject | undefined;
}

/** What became of a manifest that came from a peer. */
export interface ManifestOutcome {
  readonly isApplied: boolean;
  /** Passages that have to be fetched first. */
  readonly missing: readonly string[];
  /** The document was changed here, and the change log does not know it yet: it decides first which version wins. */
  readonly isChangedHere?: boolean;
  /** It is no manifest, or one of another document: nothing will ever make it one. */
  readonly isRefused?: boolean;
}

/** A document that was changed here; without a body it was removed. */
export interface OutboxEntry {
  readonly id: number;
  readonly document: string;
  readonly body: JsonObject | undefined;
}

export interface NamedPassage extends PassageText {
  readonly hash: string;
}

export interface NamedPassages {
  readonly passages: readonly NamedPassage[];
  /** Those that are not here. What is in neither list did not fit. */
  readonly missing: readonly string[];
}

export class KnowledgeStore {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #changes: ChangeRecorder;
  readonly #outbox: Outbox;
  readonly #documents: DocumentTable;
  readonly #passages: PassageTable;
  readonly #vectors: Vectors;
  readonly #search: Search;

  constructor({ database, clock, changes }: KnowledgeStoreDeps) {
    this.#database = database;
    this.#clock = clock;
    this.#outbox = new Outbox(database);
    this.#changes = changes ?? this.#outbox;
    this.#documents = new DocumentTable(database);
    this.#vectors = new Vectors(database);
    this.#passages = new PassageTable(database, clock, (entry) => this.#vectors.remove(entry));
    this.#search = new Search(database, (embedding, scope, restriction, limit) =>
      this.#vectors.nearest(embedding, scope, restriction, limit),
    );
  }

  /** Everything inside is kept or nothing is. Transactions inside become parts of it that can fail by themselves. */
  transaction<Result>(work: () => Result): Result {
    return this.#database.transaction(work).immediate();
  }

  /** All or nothing. */
  store(document: DocumentInput): StoreOutcome {
    const { passages, ...facts } = document;
    if (this.isUnchanged(facts, passages.length, lengthOf(passages))) return 'unchanged';
    return this.transaction(() => this.commit(facts, this.#place(facts, passages)));
  }

  /** Is the very same document stored already? */
  isUnchanged(facts: DocumentFacts, passageCount: number, length: number): boolean {
    const known = this.#documents.bySource(facts, facts.source);
    return (
      known !== undefined &&
      known.content_hash === facts.contentHash &&
      known.title === facts.title &&
      known.mime_type === facts.mimeType &&
      known.passage_count === passageCount &&
      known.length === length &&
      canonicalJson(JSON.parse(known.attributes)) === canonicalJson(facts.attributes)
    );
  }

  /** Indexes a part of a document that is too long for one transaction. Nobody finds it before `commit`. */
  stage(ref: CollectionRef, passages: readonly Passage[]): PlacedEntry[] {
    return this.transaction(() => {
      const placed = this.#place(ref, passages);
      this.#passages.loosen(placed.map(({ entry }) => entry));
      return placed;
    });
  }

  /** Makes a document of parts that were staged. */
  commit(facts: DocumentFacts, placed: readonly PlacedEntry[]): StoreOutcome {
    return this.transaction(() => {
      const known = this.#documents.bySource(facts, facts.source);
      const updatedAt = this.#clock.now();
      const length = placed.reduce((sum, { length: characters }) => sum + characters, 0);
      const manifest: Manifest = { ...facts, updatedAt, length, passages: placed };
      this.#documents.put(facts, placed, length, updatedAt);
      this.#changes.put(DOCUMENT_KIND, documentKey(facts, facts.source), renderManifest(manifest));
      return known ? 'updated' : 'added';
    });
  }

  isCurrent(ref: CollectionRef, source: string, contentHash: string): boolean {
    return this.#documents.bySource(ref, source)?.content_hash === contentHash;
  }

  /** @returns whether it was there */
  removeSource(ref: CollectionRef, source: string): boolean {
    const row = this.#documents.bySource(ref, source);
    if (!row) return false;
    this.transaction(() => this.#remove(row));
    return true;
  }

  /** Removes up to `limit` documents of a collection. @returns how many */
  removeSome(ref: CollectionRef, limit: number): number {
    const rows = this.#page(ref, '', limit);
    this.transaction(() => {
      for (const row of rows) this.#remove(row);
    });
    return rows.length;
  }

  search(request: SearchRequest, checkpoint: () => void = () => undefined): SearchHit[] {
    // One view of the file for all of it: locking it anew for each of hundreds of statements takes longer than they do.
    return this.#database.transaction(() => this.#search.run(request, checkpoint))();
  }

  documents(ref: CollectionRef, page: { readonly after?: string; readonly limit: number }): DocumentInfo[] {
    return this.#page(ref, page.after ?? '', page.limit).map(documentInfo);
  }

  document(tenant: string, id: string): DocumentInfo | undefined {
    const row = this.#documents.byKey(id);
    return row?.tenant === tenant ? documentInfo(row) : undefined;
  }

  passages(tenant: string, documentId: string): Passage[] {
    const row = this.#documents.byKey(documentId);
    if (row?.tenant !== tenant) return [];
    return this.#documents.passages(row.id).map(({ hash: _hash, ...passage }) => passage);
  }

  stats(tenant?: string): CollectionStats[] {
    return this.#documents.stats(tenant);
  }

  // What replication needs.

  /** A document as it travels; undefined when it is not here. */
  manifest(id: string): JsonObject | undefined {
    const row = this.#documents.byKey(id);
    if (!row) return undefined;
    const { passageCount: _count, id: _id, ...facts } = documentInfo(row);
    return renderManifest({ ...facts, passages: this.#documents.passages(row.id) });
  }

  /** Joins the file to a change log. @returns whether it was joined to another one, or to none, before */
  link(log: string): boolean {
    return this.transaction(() => this.#outbox.link(log));
  }

  /** Documents that were changed here, oldest change first, as they are now. */
  outbox(limit: number): OutboxEntry[] {
    return this.#outbox.list(limit).map((entry) => ({ ...entry, body: this.manifest(entry.document) }));
  }

  /** The change log has these, and all before. */
  settleOutbox(upTo: number): void {
    this.#outbox.settle(upTo);
  }

  /** Of these the first that fit: about so many bytes. */
  namedPassages(hashes: readonly string[], bytesMax: number): NamedPassages {
    const passages: NamedPassage[] = [];
    const missing: string[] = [];
    let bytes = 0;
    for (const hash of hashes) {
      const passage = this.passage(hash);
      if (!passage) missing.push(hash);
      else if (passages.length === 0 || bytes + bytesOf(passage) <= bytesMax) passages.push(passage);
      if (passage) bytes += bytesOf(passage);
      if (bytes > bytesMax) break;
    }
    return { passages, missing };
  }

  /** Indexes passages that are here, for a document that is too long for one transaction. Nobody finds them before it comes. */
  stageKnown(ref: CollectionRef, hashes: readonly string[]): void {
    this.transaction(() => {
      const texts = hashes.flatMap((hash) => this.#passages.text(hash) ?? []);
      this.#passages.loosen(this.#passages.addKept(this.#documents.ensureCollection(ref), texts));
    });
  }

  passage(hash: string): NamedPassage | undefined {
    const kept = this.#passages.text(hash);
    return kept && { hash, text: kept.text, headings: kept.headings };
  }

  missingPassages(hashes: readonly string[]): string[] {
    return hashes.filter((hash) => !this.#passages.has(hash));
  }

  /** Keeps passages that a peer sent, until their document comes. @throws GatewayError when one is not what its hash says */
  putPassages(passages: readonly NamedPassage[]): void {
    for (const { hash, text, headings } of passages) {
      if (passageHash(text, headings) !== hash) {
        throw new GatewayError('bad_request', `The passage ${hash} has other content than its hash says.`);
      }
    }
    this.transaction(() => this.#passages.keepWaiting(passages));
  }

  /**
   * Takes over peers' versions of documents; those without a manifest go. Each becomes visible at once and as a whole, but
   * only when all its passages are here. Which version wins was decided before.
   */
  applyManifests(documents: readonly TravelledDocument[]): ManifestOutcome[] {
    // One transaction for all: inside of another one each savepoint makes FTS5 write out what it has gathered so far.
    return this.transaction(() => documents.map((document) => this.#applyManifest(document)));
  }

  // Vectors, for those who have an embeddings model.

  missingEmbeddings(ref: CollectionRef, limit: number): MissingEmbedding[] {
    const collection = this.#documents.collection(ref);
    return collection === undefined ? [] : this.#vectors.missing(collection, limit);
  }

  putEmbeddings(ref: CollectionRef, hashes: readonly string[], values: Float32Array): void {
    const collection = this.#documents.collection(ref);
    if (collection === undefined || hashes.length === 0) return;
    this.transaction(() => this.#vectors.put(collection, hashes, values));
  }

  clearEmbeddings(ref: CollectionRef): void {
    const collection = this.#documents.collection(ref);
    if (collection !== undefined) this.transaction(() => this.#vectors.clear(collection));
  }

  // Housekeeping, in small steps.

  /** Drops up to `limit` passages that nobody refers to. @returns how many were looked at */
  collectGarbage(limit: number): number {
    return this.transaction(() => this.#passages.collectGarbage(limit, this.#clock.now()));
  }

  /** Merges about `pages` pages of the index. @returns whether there was anything to do */
  mergeIndex(pages: number): boolean {
    const changes = this.#database.prepare<[], number>('SELECT total_changes()').pluck();
    const before = changes.get() ?? 0;
    this.#database.prepare("INSERT INTO entry_words (entry_words, rank) VALUES ('merge', ?)").run(pages);
    // FTS5's own word: fewer than two changes mean that nothing was merged.
    return (changes.get() ?? 0) - before >= 2;
  }

  /** @throws Error when the index and the texts disagree */
  checkIntegrity(): void {
    for (const table of ['entry_words', 'document_words']) {
      this.#database.prepare(`INSERT INTO ${table} (${table}, rank) VALUES ('integrity-check', 1)`).run();
    }
    this.#database.prepare("INSERT INTO entry_grams (entry_grams) VALUES ('integrity-check')").run();
  }

  /** Frees what is kept of the file in memory; the next searches read it from the machine's own. */
  forgetPages(): void {
    this.#database.pragma('shrink_memory');
  }

  close(): void {
    this.#database.close();
  }

  #place(ref: CollectionRef, passages: readonly Passage[]): PlacedEntry[] {
    const added = this.#passages.addEntries(this.#documents.ensureCollection(ref), passages);
    return passages.map(({ text, start, end, page }, index) => {
      const { entry, hash } = added[index] ?? { entry: 0, hash: '' };
      return { entry, hash, length: text.length, start, end, ...(page !== undefined && { page }) };
    });
  }

  #applyManifest({ id, body }: TravelledDocument): ManifestOutcome {
    if (this.#outbox.has(id)) return { isApplied: false, missing: [], isChangedHere: true };
    if (body === undefined) {
      const row = this.#documents.byKey(id);
      this.#passages.keepReplaced(id);
      if (row) this.#documents.remove(row);
      return { isApplied: true, missing: [] };
    }
    const manifest = parseManifest(body);
    if (!manifest || documentKey(manifest, manifest.source) !== id) {
      return { isApplied: false, missing: [], isRefused: true };
    }
    const kept = manifest.passages.map(({ hash }) => this.#passages.text(hash));
    const missing = manifest.passages.filter((_passage, index) => !kept[index]).map(({ hash }) => hash);
    if (missing.length > 0) return { isApplied: false, missing: [...new Set(missing)] };
    this.#passages.keepReplaced(id);
    this.#applyComplete(
      manifest,
      kept.filter((passage) => passage !== undefined),
    );
    return { isApplied: true, missing: [] };
  }

  #applyComplete(manifest: Manifest, kept: readonly KeptPassage[]): void {
    const { passages, updatedAt, length, ...facts } = manifest;
    const collection = this.#documents.ensureCollection(facts);
    const entries = this.#passages.addKept(collection, kept);
    const placed = passages.map((passage, index) => ({
      ...passage,
      entry: entries[index] ?? 0,
      length: kept[index]?.text.length ?? 0,
    }));
    this.#documents.put(facts, placed, length, updatedAt);
    for (const { id } of kept) this.#passages.stopWaiting(id);
  }

  #remove(row: DocumentRow): void {
    this.#documents.remove(row);
    this.#changes.remove(DOCUMENT_KIND, row.key);
  }

  #page(ref: CollectionRef, after: string, limit: number): DocumentRow[] {
    const collection = this.#documents.collection(ref);
    return collection === undefined ? [] : this.#documents.page(collection, after, limit);
  }
}

/** Of its JSON, about. */
function bytesOf({ text, headings }: PassageText): number {
  return Buffer.byteLength(text) + Buffer.byteLength(headings.join()) + NAME_BYTES;
}

export function lengthOf(passages: readonly Passage[]): number {
  return passages.reduce((sum, { text }) => sum + text.length, 0);
}
