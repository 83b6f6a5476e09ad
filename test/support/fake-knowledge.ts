// A knowledge brain in a few maps: enough for tests of what stands around the real one. Its search counts words.

import { createHash } from 'node:crypto';
import { GatewayError } from '../../src/errors.ts';
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
} from '../../src/knowledge/knowledge.ts';

interface Stored {
  readonly info: DocumentInfo;
  readonly passages: readonly Passage[];
}

export class FakeKnowledge implements Knowledge {
  readonly stored = new Map<string, Stored>();
  /** Sources in the order in which they were stored. */
  readonly stores: string[] = [];
  #isClosed = false;

  async store(document: DocumentInput): Promise<StoreOutcome> {
    this.#check();
    const { tenant, collection, source, passages, ...facts } = document;
    const id = idOf(document, source);
    const before = this.stored.get(id);
    if (before?.info.contentHash === document.contentHash) return 'unchanged';
    const length = passages.reduce((sum, { text }) => sum + text.length, 0);
    const info = { id, tenant, collection, source, ...facts, passageCount: passages.length, length, updatedAt: 0 };
    this.stored.set(id, { info, passages });
    this.stores.push(source);
    return before ? 'updated' : 'added';
  }

  async isCurrent(ref: CollectionRef, source: string, contentHash: string): Promise<boolean> {
    this.#check();
    return this.stored.get(idOf(ref, source))?.info.contentHash === contentHash;
  }

  async remove(ref: CollectionRef, selection: { readonly sources: readonly string[] } | 'all'): Promise<number> {
    this.#check();
    const gone = this.#in(ref).filter(({ info }) => selection === 'all' || selection.sources.includes(info.source));
    for (const { info } of gone) this.stored.delete(info.id);
    return gone.length;
  }

  async search({ tenant, collections, query, topK }: SearchRequest): Promise<readonly SearchHit[]> {
    this.#check();
    const words = query.toLowerCase().match(/\p{L}+/gu) ?? [];
    const hits = [...this.stored.values()]
      .filter(({ info }) => info.tenant === tenant && isNamed(info.collection, collections))
      .flatMap(({ info, passages }) =>
        passages.map((passage, position) => ({
          documentId: info.id,
          collection: info.collection,
          source: info.source,
          title: info.title,
          attributes: info.attributes,
          passageHash: createHash('sha256').update(passage.text).digest('hex'),
          position,
          headings: passage.headings,
          text: passage.text,
          score: words.filter((word) => passage.text.toLowerCase().includes(word)).length,
          snippet: passage.text.slice(0, 100),
        })),
      );
    return hits
      .filter(({ score }) => score > 0)
      .sort((a, b) => b.score - a.score)
      .slice(0, topK);
  }

  async documents(
    ref: CollectionRef,
    { after = '', limit }: { after?: string; limit: number },
  ): Promise<DocumentInfo[]> {
    const infos = this.#in(ref).map(({ info }) => info);
    return infos
      .filter(({ source }) => source > after)
      .sort((a, b) => (a.source < b.source ? -1 : 1))
      .slice(0, limit);
  }

  async document(tenant: string, id: string): Promise<DocumentInfo | undefined> {
    const info = this.stored.get(id)?.info;
    return info?.tenant === tenant ? info : undefined;
  }

  async passages(tenant: string, documentId: string): Promise<readonly Passage[]> {
    const found = this.stored.get(documentId);
    return found?.info.tenant === tenant ? found.passages : [];
  }

  async stats(tenant?: string): Promise<readonly CollectionStats[]> {
    const all = [...this.stored.values()].filter(({ info }) => tenant === undefined || info.tenant === tenant);
    const groups = Map.groupBy(all, ({ info }) => JSON.stringify([info.tenant, info.collection]));
    return [...groups].map(([key, members]) => {
      const [owner, collection] = JSON.parse(key);
      return {
        tenant: owner,
        collection,
        documents: members.length,
        passages: members.reduce((sum, { info }) => sum + info.passageCount, 0),
        length: members.reduce((sum, { info }) => sum + info.length, 0),
      };
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
  }

  #in({ tenant, collection }: CollectionRef): Stored[] {
    return [...this.stored.values()].filter(({ info }) => info.tenant === tenant && info.collection === collection);
  }

  #check(): void {
    if (this.#isClosed) throw new GatewayError('unavailable', 'closed');
  }
}

function idOf({ tenant, collection }: CollectionRef, source: string): string {
  return createHash('sha256')
    .update(JSON.stringify([tenant, collection, source]))
    .digest('hex');
}

function isNamed(collection: string, patterns: readonly string[]): boolean {
  if (patterns.length === 0) return true;
  return patterns.some((name) => (name.endsWith('*') ? collection.startsWith(name.slice(0, -1)) : name === collection));
}
