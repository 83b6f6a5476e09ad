// What the knowledge brain offers to the rest of the node. It lives in a worker thread with a file of its own
// (knowledge.db), so every call is a message; tests may run it in this thread.
//
// A document is one manifest: who owns it, where it came from, its title, and the hashes of its passages in order.
// A passage is immutable text, named by the hash of its content and stored once however many documents contain it.

import type { JsonObject } from '../model/json.ts';
import type { StopSignal } from '../ports.ts';

/** A tenant's set of documents. */
export interface CollectionRef {
  readonly tenant: string;
  readonly collection: string;
}

/** One piece of a document, as it is searched and quoted. */
export interface Passage {
  readonly text: string;
  /** Headings above it, outermost first. */
  readonly headings: readonly string[];
  /** UTF-16 offsets into the document's extracted text. */
  readonly start: number;
  readonly end: number;
  /** 1-based, where the format has pages. */
  readonly page?: number;
}

/** A document cut up and ready to be stored. */
export interface DocumentInput extends CollectionRef {
  /** Names it within its collection (a path, a URL, an upload's name): the same source again replaces it. */
  readonly source: string;
  readonly title: string;
  readonly mimeType: string;
  /** SHA-256 of the file's bytes, hex: an unchanged file is not stored again. */
  readonly contentHash: string;
  /** Free facts of the client, searchable as filters. */
  readonly attributes: JsonObject;
  readonly passages: readonly Passage[];
}

export interface DocumentInfo extends CollectionRef {
  /** Stable for one source: a hash of tenant, collection and source. */
  readonly id: string;
  readonly source: string;
  readonly title: string;
  readonly mimeType: string;
  readonly contentHash: string;
  readonly attributes: JsonObject;
  readonly passageCount: number;
  /** Characters of all passages. */
  readonly length: number;
  /** Milliseconds since 1970. */
  readonly updatedAt: number;
}

export interface SearchRequest {
  readonly tenant: string;
  /** Names of collections, `*` at the end stands for anything. Empty: all of the tenant. */
  readonly collections: readonly string[];
  /** Any text at all: there is no syntax that could be wrong. "Quoted words" stay together; `title:word` looks in titles. */
  readonly query: string;
  readonly topK: number;
  /** Exact values of attributes. */
  readonly attributes?: JsonObject;
  /** Vector of the query, when embeddings are configured. */
  readonly embedding?: readonly number[];
}

export interface SearchHit {
  readonly documentId: string;
  readonly collection: string;
  readonly source: string;
  readonly title: string;
  readonly attributes: JsonObject;
  readonly passageHash: string;
  /** Position of the passage in its document, from 0. */
  readonly position: number;
  readonly headings: readonly string[];
  readonly page?: number;
  readonly text: string;
  /** Higher is better; comparable within one search only. */
  readonly score: number;
  /** The passage's words around the matches, which are marked `[[` and `]]`. */
  readonly snippet: string;
}

export type StoreOutcome = 'added' | 'updated' | 'unchanged';

export interface CollectionStats extends CollectionRef {
  readonly documents: number;
  readonly passages: number;
  /** Characters. */
  readonly length: number;
}

/** Every method rejects with `unavailable` once the brain has been closed, and with `overloaded` while its queue is full. */
export interface Knowledge {
  /** All or nothing; resolves when it is on disk and can be found. */
  store(document: DocumentInput): Promise<StoreOutcome>;
  /** Is the source there with this content already? Saves parsing it again. */
  isCurrent(ref: CollectionRef, source: string, contentHash: string): Promise<boolean>;
  /** How many documents went. */
  remove(ref: CollectionRef, selection: { readonly sources: readonly string[] } | 'all'): Promise<number>;
  /** Aborting drops the search, also while it is running. */
  search(request: SearchRequest, signal?: StopSignal): Promise<readonly SearchHit[]>;
  /** Ordered by source; `after` is the last source of the page before. */
  documents(
    ref: CollectionRef,
    page: { readonly after?: string; readonly limit: number },
  ): Promise<readonly DocumentInfo[]>;
  document(tenant: string, id: string): Promise<DocumentInfo | undefined>;
  /** Of one document, in order. */
  passages(tenant: string, documentId: string): Promise<readonly Passage[]>;
  stats(tenant?: string): Promise<readonly CollectionStats[]>;
  close(): Promise<void>;
}
