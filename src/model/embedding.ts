// Embeddings, neutrally.

import type { DialectName } from './chat.ts';
import type { JsonObject } from './json.ts';

export interface EmbeddingRequest {
  readonly model: string;
  /** Texts, or token ids where the upstream takes them. */
  readonly inputs: readonly (string | readonly number[])[];
  readonly dimensions?: number;
  /** How the client wants vectors on the wire. */
  readonly encoding: 'float' | 'base64';
  readonly endUser?: string;
  /** Gemini taskType and title, OpenAI extras: carried to the same dialect. */
  readonly original?: { readonly dialect: DialectName; readonly body: JsonObject };
}

export interface EmbeddingResponse {
  readonly model: string;
  /** One vector an input, in order. */
  readonly vectors: readonly (readonly number[])[];
  readonly inputTokens?: number;
  /** The upstream counted nothing; told where a dialect's answers must have a count. */
  readonly isEstimated?: boolean;
  /** Where the upstream names its answer (Mistral, whose SDK demands it). */
  readonly id?: string;
}
