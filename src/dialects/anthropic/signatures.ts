// Whose thought a `thinking` block is, by its signature. Other providers' thoughts are unsigned: the client shows them, and
// they are dropped when they come back toward Claude. OpenAI's proof travels sealed in the field, so that it gets its own
// reasoning back; Gemini's rides in the ids of its calls.

import type { Signature } from '../../model/chat.ts';
import { openSignature, sealSignature } from '../sealed-signature.ts';

/** Empty where the block stays unsigned. */
export function wireSignature(signature: Signature): string {
  if (signature.dialect === 'anthropic') return signature.value;
  return signature.dialect === 'openai-responses' ? sealSignature(signature, false) : '';
}

export function readSignature(value: string): Signature | undefined {
  if (value === '') return undefined;
  return openSignature(value)?.signature ?? { dialect: 'anthropic', value };
}

export function isForeignSignature(value: string): boolean {
  return openSignature(value) !== undefined;
}
