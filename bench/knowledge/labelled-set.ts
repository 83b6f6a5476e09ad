// Passages, questions, and which passages answer them; and how well a ranking did.

export interface LabelledPassage {
  readonly id: string;
  readonly title: string;
  readonly text: string;
  /** Passages that say the same count as one. */
  readonly family: string;
}

export interface LabelledQuestion {
  readonly text: string;
  /** Families that answer it. */
  readonly relevant: ReadonlySet<string>;
}

export interface LabelledSet {
  readonly name: string;
  readonly passages: readonly LabelledPassage[];
  readonly questions: readonly LabelledQuestion[];
}

export interface Quality {
  readonly ndcg: number;
  readonly recall: number;
}

export const RANKED = 10;
/** Hits to ask a system for, so that ten families remain. */
export const ASKED = 30;

/** @param answer ids of passages, best first */
export function qualityOf(set: LabelledSet, answer: (question: string) => readonly string[]): Quality {
  const families = new Map(set.passages.map(({ id, family }) => [id, family]));
  let ndcg = 0;
  let recall = 0;
  for (const { text, relevant } of set.questions) {
    const found = [...new Set(answer(text).map((id) => families.get(id) ?? id))].slice(0, RANKED);
    const gains = found.map((family, rank) => (relevant.has(family) ? 1 / Math.log2(rank + 2) : 0));
    const ideal = Array.from({ length: Math.min(RANKED, relevant.size) }, (_, rank) => 1 / Math.log2(rank + 2));
    ndcg += sum(gains) / sum(ideal);
    recall += gains.filter((gain) => gain > 0).length / Math.min(RANKED, relevant.size);
  }
  return { ndcg: ndcg / set.questions.length, recall: recall / set.questions.length };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
