// `generationConfig`, both ways: sampling, the shape of the answer, thinking.

import type { ChatRequest, ResponseFormat, Sampling } from '../../model/chat.ts';
import { asObject, asString, type JsonObject } from '../../model/json.ts';
import {
  definedOnly,
  optionalBoolean,
  optionalNumber,
  optionalObject,
  optionalStringOrStrings,
  outputBound,
} from '../fields.ts';
import { readModalities } from '../modalities.ts';
import { geminiSchema, schemaField } from './schema.ts';
import { jsonSchema } from './schema-from-gemini.ts';
import { parseThinking, renderThinking } from './thinking.ts';

type Configured = Pick<ChatRequest, 'sampling' | 'responseFormat' | 'reasoning' | 'modalities'>;

export function parseGenerationConfig(body: JsonObject): Configured {
  const config = optionalObject(body, 'generationConfig') ?? {};
  const number = (key: string) => optionalNumber(config, key, `generationConfig.${key}`);
  const thinking = optionalObject(config, 'thinkingConfig', 'generationConfig.thinkingConfig');
  return definedOnly<Configured>({
    sampling: definedOnly<Sampling>({
      temperature: number('temperature'),
      topP: number('topP'),
      topK: number('topK'),
      candidateCount: number('candidateCount'),
      maxOutputTokens: outputBound(config, 'maxOutputTokens', 'generationConfig.maxOutputTokens'),
      stop: optionalStringOrStrings(config, 'stopSequences', 'generationConfig.stopSequences'),
      seed: number('seed'),
      presencePenalty: number('presencePenalty'),
      frequencyPenalty: number('frequencyPenalty'),
      logprobs: optionalBoolean(config, 'responseLogprobs', 'generationConfig.responseLogprobs'),
      topLogprobs: number('logprobs'),
    }),
    responseFormat: parseResponseFormat(config),
    reasoning: thinking && parseThinking(thinking),
    modalities: readModalities(config.responseModalities),
  });
}

function parseResponseFormat(config: JsonObject): ResponseFormat | undefined {
  const own = asObject(config.responseSchema);
  const schema = own ? jsonSchema(own) : asObject(config.responseJsonSchema);
  if (schema) return { type: 'json-schema', name: asString(schema.title) ?? 'response', schema };
  switch (config.responseMimeType) {
    case 'application/json':
      return { type: 'json' };
    case 'text/plain':
      return { type: 'text' };
    default:
      return undefined;
  }
}

/** `generationConfig`, or nothing when it would be empty. */
export function renderGenerationConfig(request: ChatRequest, model: string): JsonObject {
  const { sampling } = request;
  const stop = sampling.stop?.filter((sequence) => sequence !== '');
  const config = definedOnly<JsonObject>({
    temperature: sampling.temperature,
    topP: sampling.topP,
    topK: sampling.topK,
    candidateCount: sampling.candidateCount,
    maxOutputTokens: sampling.maxOutputTokens,
    stopSequences: stop && stop.length > 0 ? stop : undefined,
    seed: sampling.seed,
    // Many models refuse penalties altogether; 0 means none.
    presencePenalty: sampling.presencePenalty || undefined,
    frequencyPenalty: sampling.frequencyPenalty || undefined,
    responseLogprobs: sampling.logprobs,
    logprobs: sampling.logprobs ? sampling.topLogprobs : undefined,
    ...renderResponseFormat(request.responseFormat),
    responseModalities: request.modalities?.map((modality) => modality.toUpperCase()),
    thinkingConfig: request.reasoning && renderThinking(request.reasoning, model),
  });
  return Object.keys(config).length > 0 ? { generationConfig: config } : {};
}

function renderResponseFormat(format: ResponseFormat | undefined): JsonObject {
  switch (format?.type) {
    case 'json':
      return { responseMimeType: 'application/json' };
    case 'json-schema':
      return {
        responseMimeType: 'application/json',
        ...schemaField('responseSchema', geminiSchema(format.schema, 'response_format'), format.schema),
      };
    default:
      return {};
  }
}
