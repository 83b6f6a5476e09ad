// One search, start to end: read the question, find candidates in the index, read and rank them.

import type { Database, Statement } from '../../storage/database.ts';
import type { SearchHit, SearchRequest } from '../knowledge.ts';
import { attributesOf } from '../store/document-table.ts';
import { findCandidates, type WeightedTerm } from './candidates.ts';
import { Filters, type Restriction } from './filters.ts';
import { type EntryPlace, EntryReader, type EntryText } from './hits.ts';
import { IndexReader } from './index-reader.ts';
import { NearDuplicates } from './near-duplicates.ts';
import { parseQuery, type Query, type Term } from './query.ts';
import { type CountedText, Ranking, termWeight } from './ranking.ts';
import { type Scope, Scopes } from './scope.ts';
import { snippetOf } from './snippet.ts';

/** Passages read and ranked for one question. */
const CANDIDATES_MIN = 120;
const CANDIDATES_PER_HIT = 4;
const TOP_K_MAX = 500;
/** Terms beyond the rarest so many hardly change the order. */
const TERMS_MAX = 24;
/** A word in more titles than this says little about which document is meant. */
const TITLES_MAX = 500;
const TITLED_DOCUMENTS = 10;
const PASSAGES_OF_TITLED = 4;
/** Of those ranked by their text, so many times the hits asked for are ranked again with their documents' titles. */
const PLACED_MIN = 40;
const PLACED_PER_HIT = 3;
/** Passages between two looks at whether anybody still waits. */
const RANKED_AT_ONCE = 50;
/** Of reciprocal rank fusion, as its authors chose it (Cormack, Clarke, Büttcher 2009). */
const FUSION_RANK = 60;
const FUSED = 100;

interface Ranked {
  readonly entry: EntryText & EntryPlace;
  readonly score: number;
}

/** Entries near a vector, nearest first. */
export type VectorSearch = (
  embedding: readonly number[],
  scope: Scope,
  restriction: Restriction,
  limit: number,
) => readonly number[];

export class Search {
  readonly #scopes: Scopes;
  readonly #reader: IndexReader;
  readonly #filters: Filters;
  readonly #entries: EntryReader;
  readonly #firstEntries: Statement<[number, number], number>;
  readonly #byKey: Statement<[string, number], number>;
  readonly #nearest: VectorSearch;

  constructor(database: Database, nearest: VectorSearch) {
    this.#scopes = new Scopes(database);
    this.#reader = new IndexReader(database);
    this.#filters = new Filters(database, this.#reader);
    this.#entries = new EntryReader(database);
    this.#firstEntries = database
      .prepare<[number, number], number>(
        'SELECT entry FROM document_passage WHERE document = ? ORDER BY position LIMIT ?',
      )
      .pluck();
    this.#byKey = database
      .prepare<[string, number], number>(
        'SELECT id FROM document WHERE id IN (SELECT value FROM json_each(?)) ORDER BY key LIMIT ?',
      )
      .pluck();
    this.#nearest = nearest;
  }

  /** @param checkpoint called between steps; throws when nobody waits for the answer any more */
  run(request: SearchRequest, checkpoint: () => void): SearchHit[] {
    const scope = this.#scopes.resolve(request.tenant, request.collections);
    if (scope.ranges.length === 0) return [];
    const query = parseQuery(request.query);
    const restriction = this.#filters.restrict(query, request.attributes ?? {}, scope);
    const topK = Math.max(0, Math.min(TOP_K_MAX, Math.floor(request.topK)));
    const words = this.#rank(query, scope, restriction, topK, checkpoint);
    checkpoint();
    const ranked = request.embedding
      ? this.#fuse(words, this.#nearest(request.embedding, scope, restriction, FUSED), restriction)
      : words;
    return this.#hits(ranked, query.terms, topK);
  }

  #rank(query: Query, scope: Scope, restriction: Restriction, topK: number, checkpoint: () => void): Ranked[] {
    const terms = this.#weigh(query.terms, scope, checkpoint);
    const candidates = new Set(
      findCandidates({
        reader: this.#reader,
        scope,
        terms: terms.filter(({ frequency }) => frequency > 0),
        allowed: restriction.entries,
        wanted: Math.max(CANDIDATES_MIN, topK * CANDIDATES_PER_HIT),
        checkpoint,
      }),
    );
    const titled = new Set(this.#titled(terms, scope, restriction));
    const lengthMean = scope.length / Math.max(1, scope.passages);
    const ranking = new Ranking(terms, { passages: scope.passages, lengthMean });
    const ids = [...candidates.union(titled)];
    const read: (Scored & { readonly counted: CountedText })[] = [];
    for (let index = 0; index < ids.length; index += RANKED_AT_ONCE) {
      checkpoint();
      for (const entry of this.#entries.texts(ids.slice(index, index + RANKED_AT_ONCE))) {
        const counted = ranking.count(entry);
        read.push({ entry, counted, score: ranking.score(counted, '') });
      }
    }
    read.sort(byScore);
    checkpoint();
    const most = Math.max(PLACED_MIN, topK * PLACED_PER_HIT);
    const ranked: Ranked[] = [];
    for (const { entry, counted } of read) {
      if (ranked.length >= most && !titled.has(entry.entry)) continue;
      const place = this.#entries.place(entry.entry, restriction.documents);
      if (place) ranked.push({ entry: { ...entry, ...place }, score: ranking.score(counted, place.title) });
    }
    return ranked.sort(byScore);
  }

  /** Rarest first. */
  #weigh(terms: readonly Term[], scope: Scope, checkpoint: () => void): WeightedTerm[] {
    const weighted = terms.map((term) => {
      checkpoint();
      const frequency = this.#reader.frequency(term, scope);
      return { ...term, frequency, weight: termWeight(frequency, scope.passages) };
    });
    return weighted
      .sort((left, right) => left.frequency - right.frequency || (left.key < right.key ? -1 : 1))
      .slice(0, TERMS_MAX);
  }

  /** The first passages of documents whose titles fit the question, whatever is written in them. */
  #titled(terms: readonly WeightedTerm[], scope: Scope, restriction: Restriction): number[] {
    const worths = new Map<number, number>();
    for (const { index, match, weight } of terms) {
      if (index !== 'words') continue;
      const documents = this.#reader.listAtMost('documents', match, scope, TITLES_MAX);
      for (const id of documents) worths.set(id, (worths.get(id) ?? 0) + weight);
    }
    const allowed = restriction.entries && new Set(restriction.entries);
    const ids = [...worths.keys()];
    const worth = (id: number): number => worths.get(id) ?? 0;
    const last = ids.map(worth).sort((left, right) => right - left)[TITLED_DOCUMENTS - 1] ?? 0;
    // Of equals, by the key: ids differ from node to node.
    const equals = this.#byKey.all(JSON.stringify(ids.filter((id) => worth(id) === last)), TITLED_DOCUMENTS);
    return [...ids.filter((id) => worth(id) > last), ...equals]
      .slice(0, TITLED_DOCUMENTS)
      .flatMap((id) => this.#firstEntries.all(id, PASSAGES_OF_TITLED))
      .filter((entry) => !allowed || allowed.has(entry));
  }

  #fuse(words: readonly Ranked[], nearest: readonly number[], restriction: Restriction): Ranked[] {
    const fused = new Map<number, Ranked>();
    const known = new Map(words.map(({ entry }) => [entry.entry, entry]));
    const lists = [words.slice(0, FUSED).map(({ entry }) => entry.entry), nearest];
    for (const list of lists) {
      for (const [rank, id] of list.entries()) {
        const entry = known.get(id) ?? this.#read(id, restriction);
        if (!entry) continue;
        fused.set(id, { entry, score: (fused.get(id)?.score ?? 0) + 1 / (FUSION_RANK + rank + 1) });
      }
    }
    return [...fused.values()].sort(byScore);
  }

  #read(id: number, { documents }: Restriction): Ranked['entry'] | undefined {
    const [text] = this.#entries.texts([id]);
    const place = this.#entries.place(id, documents);
    return text && place && { ...text, ...place };
  }

  #hits(ranked: readonly Ranked[], terms: readonly Term[], topK: number): SearchHit[] {
    const seen = new NearDuplicates();
    const hits: SearchHit[] = [];
    for (const { entry, score } of ranked) {
      if (hits.length >= topK) break;
      const facts = seen.has(entry.text) ? undefined : this.#entries.facts(entry);
      if (!facts) continue;
      const { page, attributes, ...rest } = facts;
      hits.push({
        ...rest,
        title: entry.title,
        attributes: attributesOf(attributes),
        position: entry.position,
        headings: entry.headings,
        ...(page !== null && { page }),
        text: entry.text,
        score,
        snippet: snippetOf(entry.text, terms),
      });
    }
    return hits;
  }
}

interface Scored {
  readonly entry: EntryText;
  readonly score: number;
}

/** Of equals, by what they say: ids differ from node to node, and all nodes are to answer alike. */
function byScore(left: Scored, right: Scored): number {
  return right.score - left.score || compareTexts(left.entry, right.entry);
}

function compareTexts(left: EntryText, right: EntryText): number {
  if (left.text !== right.text) return left.text < right.text ? -1 : 1;
  return left.headings.join('\n') < right.headings.join('\n') ? -1 : 1;
}
