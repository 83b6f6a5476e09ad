// Which prompt template a request is made from, so that usage can be told apart by it. Never its text.

import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { hideKeys } from '../key-shapes.ts';
import type { ChatRequest } from '../model/chat.ts';

const NAME_LENGTH_MAX = 100;
/** Templates differ at their beginning; a long one need not be read whole for every request. */
const FINGERPRINTED_LENGTH_MAX = 4_096;

/** The client's own name for it (`metadata.prompt`), else a fingerprint of the system text. */
export function promptName(request: ChatRequest): string | undefined {
  const named = request.metadata?.prompt;
  if (named) return hideKeys(named).slice(0, NAME_LENGTH_MAX);
  const part = request.messages[0]?.role === 'system' ? request.messages[0].parts[0] : undefined;
  if (part?.type !== 'text') return undefined;
  const beginning = part.text.slice(0, FINGERPRINTED_LENGTH_MAX);
  const known = fingerprints.get(beginning);
  if (known !== undefined) return known;
  const fingerprint = `system-${hash('sha256', beginning).slice(0, 12)}`;
  fingerprints.set(beginning, fingerprint);
  return fingerprint;
}

/** Of the system texts seen last: an application sends the same few again and again. */
const fingerprints = new LRUCache<string, string>({ max: 100 });
