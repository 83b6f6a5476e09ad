// Gemini 3 refuses a conversation in which a function call of the current turn lost its thought signature. Calls that
// another provider's model made never had one; for these Google documents a placeholder that skips the check, and of
// the two it names only this one is known to Vertex as well: https://ai.google.dev/gemini-api/docs/thought-signatures#faqs
// https://cloud.google.com/vertex-ai/generative-ai/docs/thought-signatures#using-rest-or-manual-handling

import { asArray, asObject, type JsonObject, type JsonValue } from '../../model/json.ts';
import { isGemini3 } from './model-name.ts';

const PLACEHOLDER = 'skip_thought_signature_validator';

/**
 * Puts the placeholder on the first function call of each step (model content) of the current turn where the signature
 * is missing; parallel calls after the first need none. Returns the same array when nothing was missing.
 */
export function withStepSignatures(contents: readonly JsonValue[], model: string): readonly JsonValue[] {
  if (!isGemini3(model)) return contents;
  const start = contents.findLastIndex(beginsTurn);
  const signed = contents.map((content, index) => (index > start ? signedStep(content) : content));
  return signed.some((content, index) => content !== contents[index]) ? signed : contents;
}

/** The user says something, instead of only answering function calls. */
function beginsTurn(value: JsonValue): boolean {
  const content = asObject(value);
  if (!content || content.role === 'model') return false;
  return asArray(content.parts).some(
    (part) => !('functionResponse' in fieldsOf(part) || 'function_response' in fieldsOf(part)),
  );
}

function signedStep(value: JsonValue): JsonValue {
  const content = asObject(value);
  if (content?.role !== 'model') return value;
  const parts = asArray(content.parts);
  const position = parts.findIndex((part) => 'functionCall' in fieldsOf(part) || 'function_call' in fieldsOf(part));
  const first = asObject(parts[position]);
  if (!first || first.thoughtSignature || first.thought_signature) return value;
  return { ...content, parts: parts.with(position, { ...first, thoughtSignature: PLACEHOLDER }) };
}

function fieldsOf(value: JsonValue): JsonObject {
  return asObject(value) ?? {};
}
