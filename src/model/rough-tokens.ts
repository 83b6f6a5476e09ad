// How many tokens a prompt may have, from lengths alone: enough to reserve by and to show, and costs nothing.

import type { ChatRequest } from './chat.ts';

/** Providers add a few tokens around each message. */
export const MESSAGE_OVERHEAD_TOKENS = 4;
/** An image at ordinary size, between the providers' counts. */
export const MEDIA_TOKENS = 1_000;

/** English prose has four characters a token. */
export function roughTokens(characters: number): number {
  return Math.ceil(characters / 4);
}

/** What a prompt may come to, without its tools. */
export function roughInputTokens(request: ChatRequest): number {
  let characters = 0;
  let mediaCount = 0;
  for (const message of request.messages) {
    for (const part of message.parts) {
      if ('text' in part) characters += part.text.length;
      else if (part.type === 'tool-call') characters += part.argumentsJson.length;
      else if (part.type === 'media') mediaCount += 1;
      else for (const inner of part.parts) characters += 'text' in inner ? inner.text.length : 0;
    }
  }
  return roughTokens(characters) + mediaCount * MEDIA_TOKENS + request.messages.length * MESSAGE_OVERHEAD_TOKENS;
}
