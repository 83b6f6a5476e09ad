// Why an answer ended, both ways.

import type { FinishReason } from '../../model/chat.ts';

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
    MALFORMED_FUNCTION_CALL: 'other',
    UNEXPECTED_TOOL_CALL: 'other',
    TOO_MANY_TOOL_CALLS: 'other',
    MALFORMED_RESPONSE: 'other',
  } as const),
);

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
