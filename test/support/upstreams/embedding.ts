// The vector that every upstream gives for a text: made from its hash, so that a test knows it without asking.

import { createHash } from 'node:crypto';

/** Components between -1 and 1 that a 32-bit float holds exactly. */
export function embeddingOf(text: string, dimensions: number): number[] {
  const vector: number[] = [];
  for (let round = 0; vector.length < dimensions; round += 1) {
    const hash = createHash('sha256').update(`${round}/${text}`).digest();
    for (let at = 0; at < 32 && vector.length < dimensions; at += 2) vector.push(hash.readInt16LE(at) / 32_768);
  }
  return vector;
}
