// /v1/embeddings, both ways. Upstreams are always asked for plain numbers and we encode ourselves: base64 is the same
// float32 values, so nothing changes on the way.

import type { EmbeddingRequest, EmbeddingResponse } from '../../model/embedding.ts';
import {
  asNumber,
  asObject,
  asString,
  isObject,
  type JsonObject,
  type JsonValue,
  parseObject,
} from '../../model/json.ts';
import type { RouteHints, UpstreamCall, UpstreamTarget } from '../dialect.ts';
import { badRequest, definedOnly, optionalNumber, optionalString } from '../fields.ts';
import { requestedModel } from './parse-request.ts';

export function parseEmbeddingRequest(body: JsonObject, route: RouteHints): EmbeddingRequest {
  const encoding = optionalString(body, 'encoding_format') ?? 'float';
  if (encoding !== 'float' && encoding !== 'base64') {
    throw badRequest('encoding_format', "'encoding_format' must be 'float' or 'base64'.");
  }
  return definedOnly<EmbeddingRequest>({
    model: requestedModel(body, route),
    inputs: parseInputs(body.input),
    dimensions: optionalNumber(body, 'dimensions'),
    encoding,
    endUser: optionalString(body, 'user'),
    original: { dialect: 'openai-chat', body },
  });
}

function parseInputs(input: JsonValue | undefined): (string | number[])[] {
  if (typeof input === 'string') return [input];
  if (Array.isArray(input) && input.length > 0) {
    if (isTokenIds(input)) return [input];
    if (input.every((item) => typeof item === 'string' || isTokenIds(item))) return input as (string | number[])[];
  }
  throw badRequest('input', "'input' must be a text, an array of texts, or token ids, and not empty.");
}

function isTokenIds(value: JsonValue): value is number[] {
  return Array.isArray(value) && value.length > 0 && value.every((id) => Number.isInteger(id));
}

export function renderEmbeddingResponse(response: EmbeddingResponse, request: EmbeddingRequest): JsonObject {
  const tokens = response.inputTokens ?? 0;
  return {
    ...(response.id !== undefined && { id: response.id }),
    object: 'list',
    data: response.vectors.map((vector, index) => ({
      object: 'embedding',
      index,
      embedding: request.encoding === 'base64' ? encodeVector(vector) : [...vector],
    })),
    model: response.model,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  };
}

export function renderEmbeddingRequest(request: EmbeddingRequest, target: UpstreamTarget): UpstreamCall {
  const { inputs, dimensions, endUser, original } = request;
  const fields: JsonObject =
    original?.dialect === 'openai-chat'
      ? { ...original.body }
      : {
          input: inputs.map((input) => (typeof input === 'string' ? input : [...input])),
          ...(endUser !== undefined && { user: endUser }),
        };
  delete fields.dimensions;
  const body: JsonObject = {
    ...fields,
    ...(dimensions !== undefined && { [target.traits.dimensionsField ?? 'dimensions']: dimensions }),
    model: target.model,
    encoding_format: 'float',
  };
  for (const field of target.traits.refusedFields ?? []) delete body[field];
  return { path: '/embeddings', body };
}

export function parseEmbeddingResponse(text: string): EmbeddingResponse | undefined {
  const body = parseObject(text);
  if (!Array.isArray(body?.data)) return undefined;
  const items: { readonly index: number; readonly vector: readonly number[] }[] = [];
  for (const [position, item] of body.data.entries()) {
    const vector = isObject(item) ? readVector(item.embedding) : undefined;
    if (!vector) return undefined;
    items.push({ index: asNumber(asObject(item)?.index) ?? position, vector });
  }
  const vectors = items.sort((a, b) => a.index - b.index).map((item) => item.vector);
  const usage = asObject(body.usage);
  const inputTokens = asNumber(usage?.prompt_tokens) ?? asNumber(usage?.total_tokens);
  return definedOnly<EmbeddingResponse>({
    model: asString(body.model) ?? '',
    vectors,
    inputTokens,
    id: asString(body.id),
  });
}

function readVector(value: JsonValue | undefined): readonly number[] | undefined {
  if (typeof value === 'string') return decodeVector(value);
  const isVector = Array.isArray(value) && value.length > 0 && value.every((number) => typeof number === 'number');
  return isVector ? (value as number[]) : undefined;
}

/** Little-endian float32, as OpenAI packs it. */
function encodeVector(vector: readonly number[]): string {
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [i, value] of vector.entries()) bytes.writeFloatLE(value, i * 4);
  return bytes.toString('base64');
}

function decodeVector(text: string): number[] | undefined {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length === 0 || bytes.length % 4 !== 0) return undefined;
  return Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(i * 4));
}
