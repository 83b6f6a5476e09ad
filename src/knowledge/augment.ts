// Which of the found passages a prompt gets: each text once, none that is much weaker than the best, best first. Their
// numbers are the ones that the model cites them by, and stay when a smaller model gets fewer of them.

import type { SearchHit } from './knowledge.ts';

/** A passage as the prompt names it. */
export interface NumberedPassage {
  /** From 1, in the order of the hits. */
  readonly number: number;
  readonly hit: SearchHit;
}

export interface Selection {
  readonly topK: number;
  /** Passages that score less than this part of the best one are left out; 0 keeps all. */
  readonly minScore: number;
}

/** @param hits best first */
export function selectPassages(hits: readonly SearchHit[], { topK, minScore }: Selection): readonly NumberedPassage[] {
  const floor = (hits[0]?.score ?? 0) * minScore;
  const chosen: { readonly hit: SearchHit; readonly likeness: string }[] = [];
  for (const hit of hits) {
    if (chosen.length >= topK) break;
    if (minScore > 0 && hit.score < floor) continue;
    const likeness = likenessOf(hit.text);
    if (likeness === '' || chosen.some((other) => other.likeness.includes(likeness))) continue;
    chosen.push({ hit, likeness });
  }
  return chosen.map(({ hit }, index) => ({ number: index + 1, hit }));
}

/** Texts that differ in case and white space only say the same. */
function likenessOf(text: string): string {
  return text.replace(/\s+/g, ' ').trim().toLowerCase();
}

/** The documents behind passages, each once, in their order. */
export function documentIds(passages: readonly NumberedPassage[]): readonly string[] {
  return [...new Set(passages.map(({ hit }) => hit.documentId))];
}

/** A document's title with the headings that lead to the passage. */
export function placeOf({ title, headings }: Pick<SearchHit, 'title' | 'headings'>): string {
  const path = headings[0] === title ? headings.slice(1) : headings;
  return [title, ...path].filter((name) => name !== '').join(' › ');
}

/** Where a reader finds it: the document's own address if it has one, else a name that is stable on this mesh. */
export function addressOf({ source, collection, documentId, position }: SearchHit): string {
  if (/^https?:\/\//i.test(source)) return source;
  return `${KNOWLEDGE_SCHEME}${encodeURIComponent(collection)}/${documentId}#${position}`;
}

/** Of documents that have no address of their own. */
const KNOWLEDGE_SCHEME = 'flowmesh://knowledge/';
