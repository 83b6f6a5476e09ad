// How Claude is asked for JSON: by its grammar where the model has one and it can say the schema, else in words.

import type { ResponseFormat } from '../../model/chat.ts';
import type { JsonObject } from '../../model/json.ts';
import { isInGrammar } from './grammar.ts';
import { structuredSchema } from './json-schema.ts';
import type { ModelGeneration } from './model-generation.ts';

const ONLY_JSON = 'Answer with a single JSON object and nothing else: no other text and no code fence.';
const BY_SCHEMA = 'Answer with JSON that follows this schema and nothing else: no other text and no code fence.';

export interface StructuredAnswer {
  /** For `output_config.format`. */
  readonly schema?: JsonObject;
  /** A sentence for the system prompt. */
  readonly words?: string;
}

export function structuredAnswer(
  format: ResponseFormat | undefined,
  { isClaude, hasGrammar }: ModelGeneration,
): StructuredAnswer {
  if (format?.type === 'json') return { words: ONLY_JSON };
  if (format?.type !== 'json-schema') return {};
  const schema = hasGrammar && isInGrammar(format.schema) ? structuredSchema(format.schema) : undefined;
  // Compatible servers of other makers mostly pass over what they do not know.
  if (schema && isClaude) return { schema };
  return { ...(schema && { schema }), words: `${BY_SCHEMA}\n${JSON.stringify(format.schema)}` };
}
