// How does the brain hold up with a million passages? Rate of ingest, size, time of a search, and whether the file is sound.

import { hash } from 'node:crypto';
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createKnowledge } from '../../src/knowledge/create-knowledge.ts';
import type { DocumentInput, Knowledge } from '../../src/knowledge/knowledge.ts';
import { KnowledgeStore, openKnowledgeDatabase } from '../../src/knowledge/store/knowledge-store.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { quantile } from '../statistics.ts';
import { Corpus } from './corpus.ts';

export interface ScaleOptions {
  readonly directory: string;
  readonly passages: number;
  readonly questions: number;
}

export interface ScaleResult {
  readonly passages: number;
  readonly passagesPerSecond: number;
  /** File over characters. */
  readonly sizeRatio: number;
  readonly searchMs: { readonly p50: number; readonly p99: number; readonly max: number };
  /** Of a search while documents are being stored. */
  readonly searchWhileStoringMs: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly isSound: boolean;
}

export const PASSAGES_A_DOCUMENT = 8;
const STORES_AT_ONCE = 16;
const KEPT_FOR_QUESTIONS = 1_000;

export async function measureScale({ directory, passages, questions }: ScaleOptions): Promise<ScaleResult> {
  const file = join(directory, 'scale.db');
  rmSync(file, { force: true });
  const knowledge = createKnowledge({ file, clock: systemClock });
  const corpus = new Corpus(1);
  const asked: string[] = [];
  let characters = 0;
  const makeDocument = (): DocumentInput => {
    const document = documentOf(corpus);
    characters += document.passages.reduce((sum, { text }) => sum + text.length, 0);
    if (asked.length < KEPT_FOR_QUESTIONS || corpus.random() < 0.001) {
      asked[asked.length < KEPT_FOR_QUESTIONS ? asked.length : Math.floor(corpus.random() * KEPT_FOR_QUESTIONS)] =
        corpus.question(document.passages[0]?.text ?? '');
    }
    return document;
  };
  const documents = passages / PASSAGES_A_DOCUMENT;
  const seconds = await storeAll(knowledge, documents, makeDocument);
  const searchMs = await askAll(knowledge, asked.slice(0, questions));
  const storing = storeAll(knowledge, documents / 50, makeDocument);
  const searchWhileStoringMs = await askAll(knowledge, asked.slice(0, questions / 4));
  await storing;
  await knowledge.close();
  const store = new KnowledgeStore({ database: openKnowledgeDatabase(file), clock: systemClock });
  let isSound = true;
  try {
    store.checkIntegrity();
  } catch {
    isSound = false;
  }
  store.close();
  const sizeRatio = statSync(file).size / characters;
  return { passages, passagesPerSecond: passages / seconds, sizeRatio, searchMs, searchWhileStoringMs, isSound };
}

let stored = 0;

export function documentOf(corpus: Corpus): DocumentInput {
  const topic = corpus.topic();
  stored += 1;
  const source = `notes/${stored}.md`;
  return {
    tenant: 'default',
    collection: 'notes',
    source,
    title: corpus.title(topic),
    mimeType: 'text/markdown',
    contentHash: hash('sha256', source),
    attributes: {},
    passages: Array.from({ length: PASSAGES_A_DOCUMENT }, (_, index) => {
      const text = corpus.passage(topic);
      return { text, headings: [corpus.title(topic)], start: index * 500, end: index * 500 + text.length };
    }),
  };
}

/** @returns seconds; making the text runs beside the thread that stores it, on the other core */
async function storeAll(knowledge: Knowledge, count: number, makeDocument: () => DocumentInput): Promise<number> {
  let begun = 0;
  const start = performance.now();
  const storeOneByOne = async (): Promise<void> => {
    while (begun < count) {
      begun += 1;
      await knowledge.store(makeDocument());
    }
  };
  await Promise.all(Array.from({ length: STORES_AT_ONCE }, storeOneByOne));
  return (performance.now() - start) / 1_000;
}

async function askAll(knowledge: Knowledge, questions: readonly string[]): Promise<ScaleResult['searchMs']> {
  const times: number[] = [];
  for (const query of questions) {
    const start = performance.now();
    await knowledge.search({ tenant: 'default', collections: ['notes'], query, topK: 10 });
    times.push(performance.now() - start);
  }
  times.sort((left, right) => left - right);
  return { p50: quantile(times, 0.5), p99: quantile(times, 0.99), max: times.at(-1) ?? 0 };
}
