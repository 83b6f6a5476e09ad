// Tool call identifiers travel client → upstream → client and must fit every wire they cross.
//
// Gemini 3 signs its function calls and refuses the next turn when the signature is missing, but no other dialect has
// a field for it. So the signature rides inside the id, the only thing that every client sends back unchanged:
// `<id>__sig__<base64url>`. Every dialect but Gemini's upstream side strips it again.

import { shortHash } from './short-hash.ts';

const SEPARATOR = '__sig__';
/** OpenAI's chat API refuses longer ones; the others take more. */
export const PLAIN_LENGTH_MAX = 40;

export function packToolCallId(id: string, signature: string): string {
  return `${id}${SEPARATOR}${Buffer.from(signature).toString('base64url')}`;
}

export function unpackToolCallId(packed: string): { readonly id: string; readonly signature?: string } {
  const at = packed.indexOf(SEPARATOR);
  if (at < 0) return { id: packed };
  return {
    id: packed.slice(0, at),
    signature: Buffer.from(packed.slice(at + SEPARATOR.length), 'base64url').toString(),
  };
}

/** An id without signature that every upstream takes: `[A-Za-z0-9_-]{1,40}`. Equal ids stay equal, different ones different. */
export function plainToolCallId(packed: string): string {
  const { id } = unpackToolCallId(packed);
  if (/^[A-Za-z0-9_-]{1,40}$/.test(id)) return id;
  const safe = id.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, PLAIN_LENGTH_MAX - 10);
  return `${safe}_${shortToolCallId(id)}`;
}

/** Exactly 9 of [A-Za-z0-9] (Mistral); a hash, so that a call and its result still match. */
export function shortToolCallId(packed: string): string {
  const { id } = unpackToolCallId(packed);
  return /^[A-Za-z0-9]{9}$/.test(id) ? id : shortHash(id);
}

/**
 * An id for a call whose wire has none: the same whenever the same bytes are read.
 * @param index counts the calls of one answer or conversation, so that equal calls differ
 * @param seed what tells this call from those of other answers (its time, name and arguments)
 */
export function madeToolCallId(index: number, seed: string): string {
  return `call_${index}_${shortHash(seed)}`;
}
