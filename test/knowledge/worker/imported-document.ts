// What the importing process stores, and what the test expects of it.

import type { DocumentInput } from '../../../src/knowledge/knowledge.ts';
import { documentOf } from '../support.ts';

export function importedDocument(number: number): DocumentInput {
  const passages = number % 3 === 0 ? 300 : 5;
  const texts = Array.from(
    { length: passages },
    (_, index) => `document${number} says in passage${index} that copper conducts`,
  );
  return documentOf(`source-${number}`, texts, { contentHash: `hash-${number}` });
}
