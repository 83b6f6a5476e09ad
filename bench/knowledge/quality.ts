// Does it find the right passages? Beside plain FTS5 with all words joined by AND, and beside the BM25 of
// wink-bm25-text-search, which gets the same stems and the same stop words.

import { createRequire } from 'node:module';
import { parseQuery } from '../../src/knowledge/search/query.ts';
import { keyOf, wordsOf } from '../../src/knowledge/search/words.ts';
import { KnowledgeStore, openKnowledgeDatabase } from '../../src/knowledge/store/knowledge-store.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { ASKED, type LabelledSet, type Quality, qualityOf } from './labelled-set.ts';

export interface QualityRow {
  readonly set: string;
  readonly passages: number;
  readonly questions: number;
  readonly flowmesh: Quality;
  readonly plain: Quality;
  /** Absent when the library is not installed. */
  readonly reference?: Quality;
}

export function measureQuality(set: LabelledSet): QualityRow {
  const reference = referenceAnswers(set);
  return {
    set: set.name,
    passages: set.passages.length,
    questions: set.questions.length,
    flowmesh: qualityOf(set, flowmeshAnswers(set)),
    plain: qualityOf(set, plainAnswers(set)),
    ...(reference && { reference: qualityOf(set, reference) }),
  };
}

type Answer = (question: string) => readonly string[];

export function flowmeshAnswers(set: LabelledSet): Answer {
  const store = new KnowledgeStore({ database: openKnowledgeDatabase(':memory:'), clock: systemClock });
  const ref = { tenant: 'default', collection: 'set' };
  store.transaction(() => {
    for (const { id, title, text } of set.passages) {
      const passages = [{ text, headings: [], start: 0, end: text.length }];
      store.store({ ...ref, source: id, title, mimeType: 'text/plain', contentHash: id, attributes: {}, passages });
    }
  });
  return (query) =>
    store.search({ tenant: 'default', collections: [], query, topK: ASKED }).map(({ source }) => source);
}

function plainAnswers(set: LabelledSet): Answer {
  const database = openDatabase(':memory:', [
    `CREATE VIRTUAL TABLE passage USING fts5 (title, text, tokenize = 'porter unicode61')`,
  ]);
  const insert = database.prepare('INSERT INTO passage (rowid, title, text) VALUES (?, ?, ?)');
  database.transaction(() => {
    for (const [index, { title, text }] of set.passages.entries()) insert.run(index, title, text);
  })();
  const find = database
    .prepare<[string, number], number>('SELECT rowid FROM passage WHERE passage MATCH ? ORDER BY rank LIMIT ?')
    .pluck();
  return (question) => {
    const match = wordsOf(question)
      .map(({ text }) => `"${text}"`)
      .join(' AND ');
    return find.all(match, ASKED).map((index) => set.passages[index]?.id ?? '');
  };
}

/** The part of the library's interface that is used. */
interface ReferenceEngine {
  defineConfig(config: object): void;
  definePrepTasks(tasks: readonly ((text: string) => readonly string[])[]): void;
  addDoc(document: object, id: number): void;
  consolidate(): void;
  search(question: string, limit: number): readonly (readonly [id: string | number, score: number])[];
}

function referenceAnswers(set: LabelledSet): Answer | undefined {
  let engine: ReferenceEngine;
  try {
    engine = (createRequire(import.meta.url)('wink-bm25-text-search') as () => ReferenceEngine)();
  } catch {
    return undefined;
  }
  engine.defineConfig({ fldWeights: { title: 1, text: 1 } });
  engine.definePrepTasks([(text) => wordsOf(text).map((word) => keyOf(word.text))]);
  for (const [index, { title, text }] of set.passages.entries()) engine.addDoc({ title: title || '-', text }, index);
  engine.consolidate();
  return (question) => {
    // As they were asked: the library stems them itself, and a stem's stem may be another one.
    const words = parseQuery(question).terms.map(({ match }) => match);
    return engine.search(words.join(' '), ASKED).map(([index]) => set.passages[Number(index)]?.id ?? '');
  };
}
