// An answer as it is kept: the events that tell it, who gave it, and how old it is.

import type { Usage } from '../model/chat.ts';
import { isObject, type JsonObject } from '../model/json.ts';
import type { StreamEvent } from '../model/stream.ts';

/** Whose answers are cleared and counted together. */
export interface CacheSpace {
  /** `tenant:acme`, or `shared`. */
  readonly scope: string;
  /** The client's own word; it keeps answers apart that would otherwise be the same. */
  readonly namespace: string;
}

export interface AnsweringTarget {
  readonly target: string;
  readonly provider: string;
  readonly account: string;
  readonly model: string;
}

export interface CachedAnswer extends CacheSpace {
  /** The request's fingerprint. */
  readonly key: string;
  /** Of its space, when its request came: an answer from before the last clearing is never served. */
  readonly epoch: number;
  /** The name that was asked for. */
  readonly model: string;
  readonly answeredBy: AnsweringTarget;
  readonly usage: Usage;
  /** Milliseconds: by the cache's own time here (`sure-time.ts`), since 1970 on its way to other nodes. */
  readonly createdAt: number;
  /** Counted from `createdAt`: no absolute time, for nodes' clocks differ. */
  readonly maxAgeMs: number;
  /** From `response-start` to `response-end`, without what names one answer: its id and time. */
  readonly events: readonly StreamEvent[];
}

/** Clocks differ: an answer is never younger than new. */
export function ageOf({ createdAt }: Pick<CachedAnswer, 'createdAt'>, nowMs: number): number {
  return Math.max(0, nowMs - createdAt);
}

/** What is in no column of its own. */
export function bodyOf({ answeredBy, usage, events }: CachedAnswer): string {
  return JSON.stringify({ answeredBy, usage, events });
}

/** Undefined when it is none of ours. */
export function parseBody(text: string): Pick<CachedAnswer, 'answeredBy' | 'usage' | 'events'> | undefined {
  const body: unknown = JSON.parse(text);
  const isWhole = isObject(body) && isObject(body.answeredBy) && isObject(body.usage) && Array.isArray(body.events);
  return isWhole ? (body as JsonObject & Pick<CachedAnswer, 'answeredBy' | 'usage' | 'events'>) : undefined;
}
