// The Gemini API: generateContent, streamGenerateContent, countTokens, embeddings, models.

import { z } from 'zod';
import { embeddingOf } from './embedding.ts';
import { type GeminiHeard, geminiProblem, hearGemini } from './gemini-request.ts';
import { pieces, type TokenCounts } from './scenarios.ts';
import {
  type AnswerContext,
  composeAnswer,
  type FailureFacts,
  idText,
  jsonOf,
  pieceLogprob,
  type RecordedRequest,
  Refused,
  type Reply,
  type Speaker,
  type SpokenAnswer,
  type StreamFrame,
  sign,
} from './speaker.ts';
import { readStrict } from './strict.ts';

export const gemini: Speaker = {
  name: 'gemini',
  sdkPath: '',
  defaultModels: ['gemini-3-pro-preview', 'gemini-2.5-flash', 'gemini-embedding-001'],
  // The real API ends its lines so, in streams.
  lineEnding: '\r\n',
  hasKeys: true,
  answer(request, context) {
    try {
      return route(request, context);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return { type: 'whole', status: error.status, headers: HEADERS, body: refusedBody(error) };
    }
  },
  failure: (facts) => ({ body: failureBody(facts), headers: HEADERS }),
};

const HEADERS = {
  'content-type': 'application/json; charset=UTF-8',
  server: 'scaffolding on HTTPServer2',
  'x-frame-options': 'SAMEORIGIN',
};

function route(request: RecordedRequest, context: AnswerContext): Reply {
  const path = /^\/(v1|v1beta)\/models(?:\/([^:/]+)(?::(\w+))?)?$/.exec(request.path);
  if (!path) throw new Refused(404, `Requested entity was not found.`);
  authorize(request, context.keys);
  const [, version, encodedModel, method] = path;
  const model = decodeURIComponent(encodedModel ?? '');
  if (request.method === 'GET' && method === undefined) return answerModels(model, context.models, version ?? '');
  checkModel(model, context.models, version ?? '', method ?? '');
  const body = jsonOf(request, () => new Refused(400, 'Invalid JSON payload received. Unexpected token.'));
  switch (method) {
    case 'generateContent':
      return whole(fullBody(speechOf(body, model, context)));
    case 'streamGenerateContent':
      return stream(speechOf(body, model, context), request.query.alt === 'sse');
    case 'countTokens': {
      const { answer } = speechOf(body.generateContentRequest ?? body, model, context);
      const totalTokens = answer.usage.inputTokens;
      return whole({ totalTokens, promptTokensDetails: [{ modality: 'TEXT', tokenCount: totalTokens }] });
    }
    case 'embedContent':
      return whole({ embedding: { values: embed(body) } });
    case 'batchEmbedContents': {
      if (!Array.isArray(body.requests) || body.requests.length === 0) {
        throw new Refused(400, '* BatchEmbedContentsRequest.requests: requests must not be empty\n');
      }
      for (const [at, one] of body.requests.entries()) {
        if (one.model !== `models/${model}`) {
          throw new Refused(
            400,
            `* BatchEmbedContentsRequest.requests[${at}].model: model must match the model of the batch request\n`,
          );
        }
      }
      return whole({ embeddings: body.requests.map((one: unknown) => ({ values: embed(one) })) });
    }
  }
  throw new Refused(404, 'Requested entity was not found.');
}

function authorize(request: RecordedRequest, keys: readonly string[]): void {
  if (keys.length === 0) return;
  const key = request.headers['x-goog-api-key'] ?? request.query.key;
  if (key === undefined) {
    throw new Refused(
      403,
      "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form of API consumer identity to call this API.",
    );
  }
  if (!keys.includes(key))
    throw new Refused(400, 'API key not valid. Please pass a valid API key.', { code: 'API_KEY_INVALID' });
}

interface Speech {
  readonly answer: SpokenAnswer;
  readonly heard: GeminiHeard;
  readonly model: string;
  readonly seed: string;
}

function speechOf(body: unknown, model: string, context: AnswerContext): Speech {
  const heard = hearGemini(body, model);
  return { heard, model, seed: context.seed, answer: composeAnswer(context, heard) };
}

function fullBody(speech: Speech): object {
  const { answer, heard } = speech;
  const parts = partsOf(speech);
  const logprobs = heard.isLogprobsWanted ? logprobsOf(answer.textPieces, heard.topLogprobs) : {};
  const candidates = Array.from({ length: heard.candidateCount }, (_, index) => ({
    ...(parts.length > 0 && { content: { parts, role: 'model' } }),
    finishReason: finishReason(answer),
    index,
    ...safety(answer),
    ...logprobs,
  }));
  return { candidates, usageMetadata: usageOf(answer.usage), ...envelope(speech) };
}

function stream(speech: Speech, isSse: boolean): Reply {
  const { answer, heard } = speech;
  const chunks: { phase: StreamFrame['phase']; parts: object[]; texts: readonly string[] }[] = [];
  for (const part of partsOf(speech)) {
    if (part.functionCall !== undefined) {
      chunks.push({ phase: 'content', parts: [part], texts: [] });
      continue;
    }
    const texts = part.thought ? pieces(part.text) : answer.textPieces;
    for (const text of texts) {
      const chunkPart = part.thought ? { text, thought: true } : { text };
      chunks.push({ phase: 'content', parts: [chunkPart], texts: part.thought ? [] : [text] });
    }
    // The signature comes at the end of the text, in a part of its own.
    if (part.thoughtSignature !== undefined) {
      chunks.push({ phase: 'content', parts: [{ text: '', thoughtSignature: part.thoughtSignature }], texts: [] });
    }
  }
  // The reason for the end comes with the last text, but after function calls in a chunk with empty text.
  const last = answer.toolCalls.length > 0 || answer.refusal !== '' ? undefined : chunks.pop();
  const isEmptyEnd = answer.refusal !== '';
  chunks.push({ phase: 'end', parts: isEmptyEnd ? [] : (last?.parts ?? [{ text: '' }]), texts: last?.texts ?? [] });
  const values = chunks.map(({ phase, parts, texts }) => {
    const isEnd = phase === 'end';
    const candidates = Array.from({ length: heard.candidateCount }, (_, index) => ({
      ...(parts.length > 0 && { content: { parts, role: 'model' } }),
      ...(isEnd && { finishReason: finishReason(answer), ...safety(answer) }),
      index,
      ...(heard.isLogprobsWanted && texts.length > 0 && logprobsOf(texts, heard.topLogprobs)),
    }));
    const usage = usageOf(isEnd ? answer.usage : { ...answer.usage, outputTokens: answer.usage.reasoningTokens + 1 });
    return { phase, value: { candidates, usageMetadata: usage, ...envelope(speech) } };
  });
  if (!isSse) return whole(values.map(({ value }) => value));
  return {
    type: 'stream',
    framing: 'sse',
    headers: { server: 'scaffolding on HTTPServer2' },
    frames: values.map(({ phase, value }) => ({ phase, data: JSON.stringify(value) })),
    errorFrames: () => [
      { phase: 'structure', data: JSON.stringify(failureBody({ status: 503, model: speech.model })) },
    ],
  };
}

function partsOf({ answer, heard, model }: Speech): any[] {
  const parts: any[] = [];
  const isSigning = answer.reasoning !== '' || model.startsWith('gemini-3');
  const signature = isSigning ? { thoughtSignature: sign('gemini', answer.reasoning || 'no thought') } : {};
  if (answer.reasoning !== '' && heard.areThoughtsShown) parts.push({ text: answer.reasoning, thought: true });
  if (answer.text !== '') parts.push({ text: answer.text, ...signature });
  answer.toolCalls.forEach((call, index) => {
    // Only the first of parallel calls is signed.
    parts.push({ functionCall: { name: call.name, args: call.arguments }, ...(index === 0 && signature) });
  });
  return parts;
}

function envelope({ model, seed }: Speech): object {
  return { modelVersion: model, responseId: idText(seed, 22) };
}

/** Function calls end with STOP as well. */
function finishReason(answer: SpokenAnswer): string {
  return { stop: 'STOP', length: 'MAX_TOKENS', 'tool-calls': 'STOP', 'content-filter': 'SAFETY' }[answer.finish];
}

function safety(answer: SpokenAnswer): object {
  if (answer.refusal === '') return {};
  return { safetyRatings: [{ category: 'HARM_CATEGORY_DANGEROUS_CONTENT', probability: 'HIGH', blocked: true }] };
}

function logprobsOf(texts: readonly string[], top: number): object {
  const all = texts.map((text) => pieceLogprob(text, top));
  const candidate = ({ token, logprob }: { token: string; logprob: number }, at: number) => ({
    token,
    tokenId: 1_000 + at,
    logProbability: logprob,
  });
  const logprobsResult = {
    chosenCandidates: all.map(candidate),
    topCandidates: all.map((one) => ({ candidates: one.top_logprobs.map(candidate) })),
  };
  return { avgLogprobs: -0.5, logprobsResult };
}

/** Thoughts are counted beside the candidates, not in them. */
function usageOf(usage: TokenCounts): object {
  return {
    promptTokenCount: usage.inputTokens,
    candidatesTokenCount: usage.outputTokens - usage.reasoningTokens,
    totalTokenCount: usage.inputTokens + usage.outputTokens,
    ...(usage.cachedInputTokens > 0 && {
      cachedContentTokenCount: usage.cachedInputTokens,
      cacheTokensDetails: [{ modality: 'TEXT', tokenCount: usage.cachedInputTokens }],
    }),
    promptTokensDetails: [{ modality: 'TEXT', tokenCount: usage.inputTokens }],
    ...(usage.reasoningTokens > 0 && { thoughtsTokenCount: usage.reasoningTokens }),
  };
}

const EMBED = z.strictObject({
  model: z.string().optional(),
  content: z.strictObject({ role: z.string().optional(), parts: z.array(z.strictObject({ text: z.string() })).min(1) }),
  taskType: z.string().optional(),
  title: z.string().optional(),
  outputDimensionality: z.int().min(1).optional(),
});

function embed(raw: unknown): number[] {
  const request = readStrict(EMBED, raw, geminiProblem);
  const text = request.content.parts.map((part) => part.text).join('');
  if (text === '') throw new Refused(400, '* EmbedContentRequest.content: content is empty\n');
  return embeddingOf(text, request.outputDimensionality ?? 8);
}

function answerModels(model: string, models: readonly string[], version: string): Reply {
  const describe = (id: string) => ({
    name: `models/${id}`,
    version: '001',
    displayName: id,
    inputTokenLimit: 1_048_576,
    outputTokenLimit: 65_536,
    supportedGenerationMethods: id.includes('embedding') ? ['embedContent'] : ['generateContent', 'countTokens'],
  });
  if (model === '') return whole({ models: models.map(describe) });
  checkModel(model, models, version, 'GetModel');
  return whole(describe(model));
}

function checkModel(model: string, models: readonly string[], version: string, method: string): void {
  if (models.includes(model)) return;
  throw new Refused(
    404,
    `models/${model} is not found for API version ${version}, or is not supported for ${method}. Call ListModels to see the list of available models and their supported methods.`,
  );
}

function whole(body: object): Reply {
  return { type: 'whole', status: 200, headers: HEADERS, body };
}

const STATUS_NAMES: Record<number, string> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  408: 'DEADLINE_EXCEEDED',
  413: 'INVALID_ARGUMENT',
  422: 'INVALID_ARGUMENT',
  429: 'RESOURCE_EXHAUSTED',
  500: 'INTERNAL',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};

function errorBody(code: number, message: string, details: object[] = []): object {
  const status = STATUS_NAMES[code] ?? 'UNKNOWN';
  return { error: { code, message, status, ...(details.length > 0 && { details }) } };
}

function refusedBody({ status, message, param, code }: Refused): object {
  if (code !== null) {
    const info = { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: code, domain: 'googleapis.com' };
    return errorBody(status, message, [info]);
  }
  if (param === null) return errorBody(status, message);
  const violation = { ...(param !== '' && { field: param }), description: message };
  return errorBody(status, message, [
    { '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations: [violation] },
  ]);
}

function failureBody({ status, reason, retryAfterMs, model }: FailureFacts): object {
  if (reason === 'context-length') {
    return errorBody(400, 'The input token count (1200003) exceeds the maximum number of tokens allowed (1048576).');
  }
  const quota = `You exceeded your current quota, please check your plan and billing details. For more information on this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits.`;
  switch (status) {
    case 401:
      return errorBody(
        401,
        'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.',
      );
    case 403:
      return errorBody(403, 'Permission denied: Consumer has been suspended.');
    case 404:
      return errorBody(
        404,
        `models/${model} is not found for API version v1beta, or is not supported for generateContent.`,
      );
    case 429: {
      const retry = {
        '@type': 'type.googleapis.com/google.rpc.RetryInfo',
        retryDelay: `${(retryAfterMs ?? 0) / 1_000}s`,
      };
      const violations = [
        {
          quotaMetric: 'generativelanguage.googleapis.com/generate_content_free_tier_requests',
          quotaId: 'GenerateRequestsPerMinutePerProjectPerModel-FreeTier',
        },
      ];
      const failure = { '@type': 'type.googleapis.com/google.rpc.QuotaFailure', violations };
      const message = reason === 'quota' ? quota : 'Resource has been exhausted (e.g. check quota).';
      return errorBody(429, message, retryAfterMs === undefined ? [failure] : [failure, retry]);
    }
    case 500:
      return errorBody(
        500,
        'An internal error has occurred. Please retry or report in https://developers.generativeai.google/guide/troubleshooting',
      );
    case 503:
      return errorBody(503, 'The model is overloaded. Please try again later.');
    default:
      return errorBody(
        status,
        status < 500 ? 'Request contains an invalid argument.' : 'The service is currently unavailable.',
      );
  }
}
