// Tool arguments are JSON text in the neutral model and OpenAI's wires, but an object in Anthropic's, Gemini's and Ollama's.

import { type JsonObject, parseObject } from '../model/json.ts';

/** Models write broken JSON now and then; what is no object is kept whole under a name that says so. */
export function argumentsObject(argumentsJson: string): JsonObject {
  return argumentsJson.trim() === '' ? {} : (parseObject(argumentsJson) ?? { invalid_arguments: argumentsJson });
}
