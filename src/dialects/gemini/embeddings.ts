// Embeddings: embedContent and batchEmbedContents from clients, always batchEmbedContents to upstreams.

import { GatewayError } from '../../errors.ts';
import type { EmbeddingRequest, EmbeddingResponse } from '../../model/embedding.ts';
import {
  asArray,
  asNumber,
  asObject,
  asString,
  type JsonObject,
  type JsonValue,
  parseObject,
} from '../../model/json.ts';
import type { EmbeddingClientSide, EmbeddingUpstreamSide } from '../dialect.ts';
import { badRequest, definedOnly, optionalNumber, requiredObject } from '../fields.ts';
import { modelPath, modelResource, plainModelName } from './model-name.ts';
import { camelNames } from './wire-names.ts';

export const embeddingClient: EmbeddingClientSide = {
  parseRequest(original, route) {
    const requests = requestsOf(original);
    const model = route.model ?? asString(requests[0]?.model);
    if (!model) throw badRequest('model', "The model's name is missing from the path.");
    return definedOnly<EmbeddingRequest>({
      model: plainModelName(model),
      inputs: requests.map((request, index) =>
        textOf(request.content, isBatch(original) ? `requests[${index}].content` : 'content'),
      ),
      dimensions: optionalNumber(requests[0] ?? {}, 'outputDimensionality'),
      encoding: 'float',
      original: { dialect: 'gemini', body: original },
    });
  },

  renderResponse(response, request) {
    const embeddings = response.vectors.map((values) => ({ values: [...values] }));
    const { inputTokens, isEstimated } = response;
    const usage = inputTokens !== undefined && !isEstimated && { usageMetadata: { promptTokenCount: inputTokens } };
    if (request.original && !isBatch(request.original.body))
      return { embedding: embeddings[0] ?? { values: [] }, ...usage };
    return { embeddings, ...usage };
  },
};

function isBatch(body: JsonObject): boolean {
  return Array.isArray(body.requests);
}

/** One embedContent request an input, camelCase. */
function requestsOf(original: JsonObject): JsonObject[] {
  if (!isBatch(original)) return [camelNames(original)];
  if (asArray(original.requests).length === 0) throw badRequest('requests', "'requests' must not be empty.");
  return asArray(original.requests).map((request, index) => camelNames(requiredObject(request, `requests[${index}]`)));
}

function textOf(value: JsonValue | undefined, param: string): string {
  if (typeof value === 'string') return value;
  const parts = asArray(requiredObject(value, param).parts);
  const texts = parts.map((part) => asString(asObject(part)?.text));
  if (texts.length === 0 || texts.includes(undefined)) {
    throw badRequest(param, `'${param}' must have parts of text: flowmesh embeds nothing else.`);
  }
  return texts.join('\n');
}

export const embeddingUpstream: EmbeddingUpstreamSide = {
  renderRequest(request, target) {
    const own = request.original?.dialect === 'gemini' ? requestsOf(request.original.body) : [];
    const model = modelResource(target.model);
    return {
      path: modelPath(target.model, 'batchEmbedContents'),
      body: {
        requests: request.inputs.map((input, index) => ({
          ...(own[index] ?? (request.dimensions !== undefined && { outputDimensionality: request.dimensions })),
          model,
          content: { parts: [{ text: inputText(input) }] },
        })),
      },
    };
  },

  parseResponse(text): EmbeddingResponse | undefined {
    const body = parseObject(text);
    const list = body?.embedding ? [body.embedding] : body?.embeddings;
    if (!body || !Array.isArray(list)) return undefined;
    const vectors = list.map((embedding) =>
      asArray(asObject(embedding)?.values).filter((value) => typeof value === 'number'),
    );
    if (vectors.some((vector) => vector.length === 0)) return undefined;
    return definedOnly<EmbeddingResponse>({
      // The answer does not name its model.
      model: '',
      vectors,
      inputTokens: asNumber(asObject(body.usageMetadata)?.promptTokenCount),
    });
  },
};

function inputText(input: string | readonly number[]): string {
  if (typeof input === 'string') return input;
  throw new GatewayError('unsupported', 'Gemini embeds text only, not token ids. Send the text itself.', {
    param: 'input',
  });
}
