// Parts of an answer → parts of a Gemini candidate.

import type { MediaPart, Part } from '../../model/chat.ts';
import type { JsonObject } from '../../model/json.ts';
import { unpackToolCallId } from '../tool-call-id.ts';
import { renderMedia } from './media.ts';
import { argumentsObject } from './render-contents.ts';

export interface FinishedCall {
  readonly id: string;
  readonly name: string;
  readonly argumentsJson: string;
}

/** A signature that travelled inside the id goes back to its own field. */
export function callPart(call: FinishedCall): JsonObject {
  const { id, signature } = unpackToolCallId(call.id);
  return {
    functionCall: { id, name: call.name, args: argumentsObject(call.argumentsJson) },
    ...(signature && { thoughtSignature: signature }),
  };
}

/** With what Gemini itself said about it. */
export function mediaPart(part: MediaPart): JsonObject {
  return { ...part.extensions?.gemini, ...renderMedia(part) };
}

/** A thought with nothing to show but another provider's proof is left out. */
export function answerPart(part: Part): JsonObject[] {
  switch (part.type) {
    case 'text':
    case 'refusal':
      return part.text === '' ? [] : [{ text: part.text }];
    case 'reasoning': {
      const signature = part.signature?.dialect === 'gemini' ? part.signature.value : undefined;
      if (part.isRedacted || (part.text === '' && !signature)) return [];
      return [{ text: part.text, thought: true, ...(signature && { thoughtSignature: signature }) }];
    }
    case 'tool-call':
      return [callPart(part)];
    case 'media':
      return [mediaPart(part)];
    case 'tool-result':
      return [];
  }
}
