// The knowledge brain as the rest of the node uses it, over any way to reach its store. Long documents and removals are
// cut into parts here, so that neither this thread nor the other one is busy with one of them for long.

import type { JsonObject } from '../../model/json.ts';
import type { StopSignal } from '../../ports.ts';
import type {
  CollectionRef,
  CollectionStats,
  DocumentInfo,
  DocumentInput,
  Knowledge,
  Passage,
  SearchHit,
  SearchRequest,
  StoreOutcome,
} from '../knowledge.ts';
import {
  lengthOf,
  type ManifestOutcome,
  type NamedPassage,
  type NamedPassages,
  type OutboxEntry,
  type TravelledDocument,
} from '../store/knowledge-store.ts';
import type { MissingEmbedding } from '../store/vectors.ts';
import type { CallArguments, CallName, CallResult } from './calls.ts';

/** Passages sent and indexed at once: some milliseconds of work. */
const PASSAGES_AT_ONCE = 128;
const REMOVED_AT_ONCE = 16;

export interface Channel {
  /** There is no file yet: nothing was ever stored. */
  readonly isEmpty: boolean;
  ask<Name extends CallName>(name: Name, args: CallArguments<Name>, signal?: StopSignal): Promise<CallResult<Name>>;
  close(): Promise<void>;
}

/** What replication asks of the brain. */
export interface KnowledgeReplica {
  /** Nothing was ever stored, here or by another process. */
  readonly isEmpty: boolean;
  /** A document as it travels; undefined when it is not here. */
  manifest(id: string): Promise<JsonObject | undefined>;
  passage(hash: string): Promise<NamedPassage | undefined>;
  /** Of these the first that fit: about so many bytes. */
  namedPassages(hashes: readonly string[], bytesMax: number): Promise<NamedPassages>;
  missingPassages(hashes: readonly string[]): Promise<readonly string[]>;
  /** Rejects with `bad_request` when one is not what its hash says. */
  putPassages(passages: readonly NamedPassage[]): Promise<void>;
  /** Takes over peers' versions of documents, each whole, once all its passages are here. */
  applyManifests(documents: readonly TravelledDocument[]): Promise<readonly ManifestOutcome[]>;
  /** Indexes passages that are here, for a document that is too long for one transaction. */
  stageKnown(ref: CollectionRef, hashes: readonly string[]): Promise<void>;
  /** Joins the file to a change log: from now on it notes what is changed here. Resolves whether it was another's before. */
  link(log: string): Promise<boolean>;
  /** Documents that were changed here, oldest change first, as they are now. */
  outbox(limit: number): Promise<readonly OutboxEntry[]>;
  /** The change log has these, and all before. */
  settleOutbox(upTo: number): Promise<void>;
}

/** What embedding passages asks of the brain. */
export interface KnowledgeVectors {
  missingEmbeddings(ref: CollectionRef, limit: number): Promise<readonly MissingEmbedding[]>;
  /** The vectors of the passages, one after the other. */
  putEmbeddings(ref: CollectionRef, hashes: readonly string[], values: Float32Array): Promise<void>;
  clearEmbeddings(ref: CollectionRef): Promise<void>;
}

export class KnowledgeClient implements Knowledge, KnowledgeReplica, KnowledgeVectors {
  readonly #channel: Channel;
  /** Called when a document was stored or removed through here. */
  onChange: () => void = () => undefined;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  get isEmpty(): boolean {
    return this.#channel.isEmpty;
  }

  async store(document: DocumentInput): Promise<StoreOutcome> {
    const outcome = await this.#store(document);
    if (outcome !== 'unchanged') this.onChange();
    return outcome;
  }

  async #store(document: DocumentInput): Promise<StoreOutcome> {
    if (document.passages.length <= PASSAGES_AT_ONCE) return await this.#channel.ask('store', [document]);
    const { passages, ...facts } = document;
    const staging = await this.#channel.ask('begin', [facts, passages.length, lengthOf(passages)]);
    if (staging === 'unchanged') return staging;
    try {
      for (let first = 0; first < passages.length; first += PASSAGES_AT_ONCE) {
        await this.#channel.ask('stage', [staging, passages.slice(first, first + PASSAGES_AT_ONCE)]);
      }
    } catch (error) {
      // What was staged is cleared away by and by, unless the document comes again.
      await this.#channel.ask('discard', [staging]).catch(() => undefined);
      throw error;
    }
    return await this.#channel.ask('commit', [staging]);
  }

  isCurrent(ref: CollectionRef, source: string, contentHash: string): Promise<boolean> {
    return this.#channel.ask('isCurrent', [ref, source, contentHash]);
  }

  async remove(ref: CollectionRef, selection: { readonly sources: readonly string[] } | 'all'): Promise<number> {
    try {
      return await this.#remove(ref, selection);
    } finally {
      this.onChange();
    }
  }

  async #remove(ref: CollectionRef, selection: { readonly sources: readonly string[] } | 'all'): Promise<number> {
    let count = 0;
    if (selection === 'all') {
      let removed: number;
      do {
        removed = await this.#channel.ask('removeSome', [ref, REMOVED_AT_ONCE]);
        count += removed;
      } while (removed === REMOVED_AT_ONCE);
      return count;
    }
    for (let first = 0; first < selection.sources.length; first += REMOVED_AT_ONCE) {
      const sources = selection.sources.slice(first, first + REMOVED_AT_ONCE);
      count += await this.#channel.ask('removeSources', [ref, sources]);
    }
    return count;
  }

  search(request: SearchRequest, signal?: StopSignal): Promise<readonly SearchHit[]> {
    return this.#channel.ask('search', [request], signal);
  }

  documents(
    ref: CollectionRef,
    page: { readonly after?: string; readonly limit: number },
  ): Promise<readonly DocumentInfo[]> {
    return this.#channel.ask('documents', [ref, page]);
  }

  document(tenant: string, id: string): Promise<DocumentInfo | undefined> {
    return this.#channel.ask('document', [tenant, id]);
  }

  passages(tenant: string, documentId: string): Promise<readonly Passage[]> {
    return this.#channel.ask('passages', [tenant, documentId]);
  }

  stats(tenant?: string): Promise<readonly CollectionStats[]> {
    return this.#channel.ask('stats', [tenant]);
  }

  manifest(id: string): Promise<JsonObject | undefined> {
    return this.#channel.ask('manifest', [id]);
  }

  passage(hash: string): Promise<NamedPassage | undefined> {
    return this.#channel.ask('passage', [hash]);
  }

  namedPassages(hashes: readonly string[], bytesMax: number): Promise<NamedPassages> {
    return this.#channel.ask('namedPassages', [hashes, bytesMax]);
  }

  stageKnown(ref: CollectionRef, hashes: readonly string[]): Promise<void> {
    return this.#channel.ask('stageKnown', [ref, hashes]);
  }

  link(log: string): Promise<boolean> {
    return this.#channel.ask('link', [log]);
  }

  outbox(limit: number): Promise<readonly OutboxEntry[]> {
    return this.#channel.ask('outbox', [limit]);
  }

  settleOutbox(upTo: number): Promise<void> {
    return this.#channel.ask('settleOutbox', [upTo]);
  }

  missingPassages(hashes: readonly string[]): Promise<readonly string[]> {
    return this.#channel.ask('missingPassages', [hashes]);
  }

  putPassages(passages: readonly NamedPassage[]): Promise<void> {
    return this.#channel.ask('putPassages', [passages]);
  }

  applyManifests(documents: readonly TravelledDocument[]): Promise<readonly ManifestOutcome[]> {
    return this.#channel.ask('applyManifests', [documents]);
  }

  missingEmbeddings(ref: CollectionRef, limit: number): Promise<readonly MissingEmbedding[]> {
    return this.#channel.ask('missingEmbeddings', [ref, limit]);
  }

  putEmbeddings(ref: CollectionRef, hashes: readonly string[], values: Float32Array): Promise<void> {
    return this.#channel.ask('putEmbeddings', [ref, hashes, values]);
  }

  clearEmbeddings(ref: CollectionRef): Promise<void> {
    return this.#channel.ask('clearEmbeddings', [ref]);
  }

  close(): Promise<void> {
    return this.#channel.close();
  }
}
