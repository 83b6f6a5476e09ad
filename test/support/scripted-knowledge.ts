// The fake brain for tests of what is done with passages: notes what it was asked, and has trouble when told to.

import { createHash } from 'node:crypto';
import type { DocumentInput, SearchHit, SearchRequest } from '../../src/knowledge/knowledge.ts';
import { FakeKnowledge } from './fake-knowledge.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

export function hit(text: string, more: Partial<SearchHit> = {}): SearchHit {
  return {
    documentId: 'd1',
    collection: 'manuals',
    source: 'manual.md',
    title: 'Manual',
    attributes: {},
    passageHash: sha256(text),
    position: 0,
    headings: [],
    text,
    score: 1,
    snippet: text,
    ...more,
  };
}

export class ScriptedKnowledge extends FakeKnowledge {
  readonly searches: SearchRequest[] = [];
  /** Instead of searching: a failure, or a wait without end. */
  trouble: Error | 'hang' | undefined;

  /** One document of one passage. */
  async add(text: string, more: Partial<DocumentInput> = {}): Promise<string> {
    const source = more.source ?? `${sha256(text).slice(0, 8)}.md`;
    const document: DocumentInput = {
      tenant: 'default',
      collection: 'manuals',
      source,
      title: source,
      mimeType: 'text/markdown',
      contentHash: sha256(text),
      attributes: {},
      passages: [{ text, headings: [], start: 0, end: text.length }],
      ...more,
    };
    await this.store(document);
    return (await this.documents(document, { limit: 1_000 })).find((info) => info.source === source)?.id ?? '';
  }

  override async search(request: SearchRequest, signal?: AbortSignal): Promise<readonly SearchHit[]> {
    this.searches.push(request);
    if (this.trouble === 'hang') {
      return new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
    }
    if (this.trouble) throw this.trouble;
    // Little words are in every text.
    const query = (request.query.match(/\p{L}{4,}/gu) ?? []).join(' ');
    return super.search({ ...request, query });
  }
}
