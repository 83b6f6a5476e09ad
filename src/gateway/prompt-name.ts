// Which prompt template a request is made from, so that usage can be told apart by it. Never its text.

import { hash } from 'node:crypto';
import type { ChatRequest } from '../model/chat.ts';

const NAME_LENGTH_MAX = 100;
/** Templates differ at their beginning; a long one need not be read whole for every request. */
const FINGERPRINTED_LENGTH_MAX = 4_096;

/** The client's own name for it (`metadata.prompt`), else a fingerprint of the system text. */
export function promptName(request: ChatRequest): string | undefined {
  const named = request.metadata?.prompt;
  if (named) return named.slice(0, NAME_LENGTH_MAX);
  const part = request.messages[0]?.role === 'system' ? request.messages[0].parts[0] : undefined;
  if (part?.type !== 'text') return undefined;
  return `system-${hash('sha256', part.text.slice(0, FINGERPRINTED_LENGTH_MAX)).slice(0, 12)}`;
}
