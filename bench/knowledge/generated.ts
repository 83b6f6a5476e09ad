// A labelled set that can be made anywhere: each question asks for the topic of some documents in other forms of its
// words, with words of other topics between.

import { Corpus } from './corpus.ts';
import type { LabelledPassage, LabelledQuestion, LabelledSet } from './labelled-set.ts';

const TOPIC_DOCUMENTS = 4;
const ENDINGS = ['', 's', 'ing', 'ed'];

export function generatedSet(passages: number, questions: number): LabelledSet {
  const corpus = new Corpus(3);
  const all: LabelledPassage[] = [];
  const asked: LabelledQuestion[] = [];
  for (let number = 0; all.length < passages; number += 1) {
    const topic = corpus.topic();
    const ids = Array.from({ length: TOPIC_DOCUMENTS }, (_, index) => `${number}-${index}`);
    for (const id of ids) all.push({ id, family: id, title: '', text: corpus.passage(topic) });
    if (asked.length >= questions || number % 2 === 1) continue;
    const telling = topic
      .slice(0, 2 + Math.floor(corpus.random() * 3))
      .map((word) => word + (ENDINGS[Math.floor(corpus.random() * ENDINGS.length)] ?? ''));
    const stray = corpus.topic()[0] ?? '';
    asked.push({ text: `how do I find the ${telling.join(' and ')} of ${stray}`, relevant: new Set(ids) });
  }
  return { name: 'generated topics', passages: all, questions: asked };
}
