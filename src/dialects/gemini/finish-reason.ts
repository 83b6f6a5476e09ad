// Why an answer ended, both ways.

import type { FinishReason } from '../../model/chat.ts';
import type { UpstreamError } from '../../model/upstream-error.ts';
import { upstreamError } from '../upstream-failure.ts';

const UNIFIED: ReadonlyMap<string, FinishReason['unified']> = new Map(
  Object.entries({
    STOP: 'stop',
    MAX_TOKENS: 'length',
    CONTINUATION: 'length',
    SAFETY: 'content-filter',
    RECITATION: 'content-filter',
    LANGUAGE: 'content-filter',
    BLOCKLIST: 'content-filter',
    PROHIBITED_CONTENT: 'content-filter',
    SPII: 'content-filter',
    IMAGE_SAFETY: 'content-filter',
    IMAGE_PROHIBITED_CONTENT: 'content-filter',
    IMAGE_RECITATION: 'content-filter',
    MODEL_ARMOR: 'content-filter',
    OTHER: 'other',
    IMAGE_OTHER: 'other',
    NO_IMAGE: 'other',
  } as const),
);

/** The model did something that Gemini could not make an answer of; asked again, it mostly does not. */
const FAILURES: ReadonlySet<string> = new Set([
  'MALFORMED_FUNCTION_CALL',
  'MALFORMED_RESPONSE',
  'MISSING_THOUGHT_SIGNATURE',
  'TOO_MANY_TOOL_CALLS',
  'UNEXPECTED_TOOL_CALL',
]);

/** @param message Google's own sentence, where it has one */
export function finishFailure(raw: string, message: string | undefined): UpstreamError | undefined {
  if (!FAILURES.has(raw)) return undefined;
  return upstreamError({
    message: `${message ?? 'The upstream could not make an answer of what the model did.'} (${raw})`,
  });
}

/** Gemini says STOP when it wants functions called, too. */
export function parseFinishReason(raw: string, hasToolCalls: boolean): FinishReason {
  const unified = UNIFIED.get(raw) ?? 'other';
  return { unified: unified === 'stop' && hasToolCalls ? 'tool-calls' : unified, raw };
}

const WORDS: Readonly<Record<FinishReason['unified'], string>> = {
  stop: 'STOP',
  'tool-calls': 'STOP',
  length: 'MAX_TOKENS',
  'content-filter': 'SAFETY',
  other: 'OTHER',
};

/** Gemini's own word is kept; those of other dialects become the nearest. */
export function renderFinishReason(finishReason: FinishReason): string {
  return UNIFIED.has(finishReason.raw) ? finishReason.raw : WORDS[finishReason.unified];
}
