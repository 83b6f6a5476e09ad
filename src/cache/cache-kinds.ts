// Kept answers and the epochs of their spaces as kinds of rows that travel, so that a node which is cut off can still
// answer what others were asked. Answers are never removed from the mesh, only dropped when there are too many; what was
// cleared is told apart by the epoch of its space.

import { asNumber, asString, type JsonObject } from '../model/json.ts';
import type { Kind } from '../replication/kind.ts';
import { ANSWER_KIND, EPOCH_KIND } from './cache-table.ts';
import { type CachedAnswer, parseBody } from './cached-answer.ts';
import type { ResponseCache } from './response-cache.ts';

export const CACHE_CAPABILITY = 'cache:write';
/** Longer answers stay where they were made: a page of changes holds 64 KB. */
const ANSWER_BYTES_MAX = 48 * 1024;
const EPOCH_BYTES_MAX = 4 * 1024;

/** @param onAnswer told of the size of each answer that comes */
export function cacheKinds(cache: () => ResponseCache, onAnswer: () => void): readonly Kind[] {
  return [
    {
      name: ANSWER_KIND,
      capability: CACHE_CAPABILITY,
      bodyBytesMax: ANSWER_BYTES_MAX,
      isValid: (key, body) => answerOf(key, body) !== undefined,
      apply: (_database, key, body) => {
        const answer = body && answerOf(key, body);
        // What was dropped elsewhere may stay here.
        if (answer) cache().accept(answer);
        onAnswer();
      },
    },
    {
      name: EPOCH_KIND,
      capability: CACHE_CAPABILITY,
      bodyBytesMax: EPOCH_BYTES_MAX,
      isValid: (_key, body) => epochOf(body) !== undefined,
      apply: (_database, _key, body) => {
        const space = body && epochOf(body);
        if (space) cache().acceptEpoch(space, space.epoch);
      },
      // Epochs only rise: of two clearings the later one holds, whoever wrote last.
      join: (left, right) => ((asNumber(left.epoch) ?? 0) >= (asNumber(right.epoch) ?? 0) ? left : right),
    },
  ];
}

function answerOf(key: string, body: JsonObject): CachedAnswer | undefined {
  const { scope, namespace, epoch, model, createdAt, maxAgeMs } = body;
  if (![scope, namespace, model].every((text) => typeof text === 'string') || body.key !== key) return undefined;
  if (![epoch, createdAt, maxAgeMs].every((number) => typeof number === 'number')) return undefined;
  return parseBody(JSON.stringify(body)) && (body as unknown as CachedAnswer);
}

function epochOf(body: JsonObject): { scope: string; namespace: string; epoch: number } | undefined {
  const [scope, namespace, epoch] = [asString(body.scope), asString(body.namespace), asNumber(body.epoch)];
  return scope === undefined || namespace === undefined || epoch === undefined
    ? undefined
    : { scope, namespace, epoch };
}
