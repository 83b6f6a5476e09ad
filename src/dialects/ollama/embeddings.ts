// Embeddings: POST /api/embed both ways, and its legacy form /api/embeddings (`prompt` → `embedding`) for clients.

import { GatewayError } from '../../errors.ts';
import type { EmbeddingRequest, EmbeddingResponse } from '../../model/embedding.ts';
import { asArray, asNumber, asString, type JsonObject, parseObject } from '../../model/json.ts';
import type { EmbeddingClientSide, EmbeddingUpstreamSide, UpstreamCall, UpstreamTarget } from '../dialect.ts';
import { definedOnly, optionalNumber, optionalStringOrStrings, requiredString } from '../fields.ts';

export const embeddingClient: EmbeddingClientSide = {
  parseRequest(body, route) {
    const field = isLegacy(body) ? 'prompt' : 'input';
    const texts = field === 'input' ? optionalStringOrStrings(body, field) : undefined;
    const inputs = texts ?? [requiredString(body, field)];
    return definedOnly<EmbeddingRequest>({
      model: route.model ?? requiredString(body, 'model'),
      // As Ollama has it, an empty text is no input; in a list it is one.
      inputs: body[field] === '' ? [] : inputs,
      dimensions: optionalNumber(body, 'dimensions'),
      encoding: 'float',
      original: { dialect: 'ollama', body },
    });
  },

  renderResponse(response, request) {
    const body = request.original?.dialect === 'ollama' ? request.original.body : {};
    if (isLegacy(body)) return { embedding: [...(response.vectors[0] ?? [])] };
    return {
      model: response.model || request.model,
      embeddings: response.vectors.map((vector) => [...vector]),
      total_duration: 0,
      load_duration: 0,
      prompt_eval_count: response.inputTokens ?? 0,
    };
  },
};

export const embeddingUpstream: EmbeddingUpstreamSide = {
  renderRequest(request: EmbeddingRequest, target: UpstreamTarget): UpstreamCall {
    const inputs = request.inputs.map((input) => {
      if (typeof input === 'string') return input;
      throw new GatewayError('unsupported', 'Ollama embeds texts, not token ids: send the input as text.');
    });
    const { prompt: _legacy, ...carried } = request.original?.dialect === 'ollama' ? request.original.body : {};
    const body: JsonObject = {
      ...carried,
      model: target.model,
      input: inputs,
      ...(request.dimensions !== undefined && { dimensions: request.dimensions }),
    };
    for (const field of target.traits.refusedFields ?? []) delete body[field];
    return { path: '/api/embed', body };
  },

  parseResponse(text: string): EmbeddingResponse | undefined {
    const body = parseObject(text);
    const embeddings = body?.embeddings;
    if (!body || !Array.isArray(embeddings) || !embeddings.every(isVector)) return undefined;
    return definedOnly<EmbeddingResponse>({
      model: asString(body.model) ?? '',
      vectors: embeddings,
      inputTokens: asNumber(body.prompt_eval_count),
    });
  },
};

function isLegacy(body: JsonObject): boolean {
  return 'prompt' in body && !('input' in body);
}

function isVector(value: unknown): value is number[] {
  return Array.isArray(value) && asArray(value).every((item) => typeof item === 'number');
}
