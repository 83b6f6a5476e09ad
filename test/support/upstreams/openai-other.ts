// The smaller endpoints of OpenAI: completions, embeddings, audio, images, moderations, models, input token counts.

import { z } from 'zod';
import { IMAGE } from '../prompts.ts';
import { embeddingOf } from './embedding.ts';
import { usageOf } from './openai-chat.ts';
import { type Flavour, headersOf, openaiProblem, unknownModel } from './openai-errors.ts';
import { hearResponses } from './openai-responses-request.ts';
import { pieces } from './scenarios.ts';
import {
  type AnswerContext,
  CREATED_AT,
  composeAnswer,
  idText,
  type Phase,
  type RecordedRequest,
  Refused,
  type Reply,
  type StreamFrame,
  type WholeReply,
} from './speaker.ts';
import { readStrict } from './strict.ts';

const COMPLETION = z.strictObject({
  model: z.string(),
  prompt: z.union([z.string(), z.array(z.string()), z.array(z.int()), z.array(z.array(z.int()))]),
  max_tokens: z.int().min(0).nullable().optional(),
  temperature: z.number().min(0).max(2).nullable().optional(),
  top_p: z.number().nullable().optional(),
  n: z.int().nullable().optional(),
  stream: z.boolean().nullable().optional(),
  stream_options: z.strictObject({ include_usage: z.boolean().optional() }).nullable().optional(),
  logprobs: z.int().nullable().optional(),
  echo: z.boolean().nullable().optional(),
  stop: z
    .union([z.string(), z.array(z.string()).max(4)])
    .nullable()
    .optional(),
  suffix: z.string().nullable().optional(),
  seed: z.int().nullable().optional(),
  presence_penalty: z.number().nullable().optional(),
  frequency_penalty: z.number().nullable().optional(),
  best_of: z.int().nullable().optional(),
  logit_bias: z.record(z.string(), z.number()).nullable().optional(),
  user: z.string().optional(),
});

/** Answers as many prompts as it got: with `Completed: ` and the prompt. */
export function answerCompletion(raw: unknown, flavour: Flavour, context: AnswerContext): Reply {
  const body = readStrict(COMPLETION, raw, openaiProblem);
  const prompts = Array.isArray(body.prompt) ? body.prompt : [body.prompt];
  const usageCounts = {
    inputTokens: 9,
    cachedInputTokens: 0,
    cacheWriteTokens: 0,
    outputTokens: 5,
    reasoningTokens: 0,
  };
  const envelope = {
    id: `cmpl-${idText(context.seed, 29)}`,
    object: 'text_completion',
    created: CREATED_AT,
    model: body.model,
  };
  const usage = usageOf(usageCounts, flavour);
  const texts = prompts.map((prompt) => ['Completed: ', String(prompt), ' — 漢字 🙂']);
  const choice = (text: string, index: number, finish_reason: string | null) => ({
    text,
    index,
    logprobs: null,
    finish_reason,
  });
  const headers = headersOf(flavour);
  if (!body.stream) {
    const choices = texts.map((pieces, index) => choice(pieces.join(''), index, 'stop'));
    return { type: 'whole', status: 200, headers, body: { ...envelope, choices, usage } };
  }
  const isUsageWanted = body.stream_options?.include_usage === true;
  const data = (choices: object[], more: object = {}) =>
    JSON.stringify({ ...envelope, choices, ...(isUsageWanted && { usage: null }), ...more });
  const frames: StreamFrame[] = texts.flatMap((pieces, index) => [
    ...pieces.map((piece): StreamFrame => ({ phase: 'content', data: data([choice(piece, index, null)]) })),
    { phase: 'finish', data: data([choice('', index, 'stop')]) },
  ]);
  if (isUsageWanted) frames.push({ phase: 'finish', data: data([], { usage }) });
  frames.push({ phase: 'end', data: '[DONE]' });
  const error = {
    message: 'The server had an error while processing your request.',
    type: 'server_error',
    param: null,
    code: null,
  };
  const errorFrame: StreamFrame = { phase: 'structure', data: JSON.stringify({ error }) };
  return { type: 'stream', framing: 'sse', headers, frames, errorFrames: () => [errorFrame] };
}

const EMBEDDING = z.strictObject({
  model: z.string(),
  input: z.union([
    z.string().min(1),
    z.array(z.string().min(1)).min(1).max(2_048),
    z.array(z.int()).min(1),
    z.array(z.array(z.int()).min(1)).min(1),
  ]),
  encoding_format: z.enum(['float', 'base64']).optional(),
  dimensions: z.int().min(1).optional(),
  user: z.string().optional(),
});

export function answerEmbedding(raw: unknown, flavour: Flavour): Reply {
  const body = readStrict(flavour === 'azure' ? EMBEDDING.partial({ model: true }) : EMBEDDING, raw, openaiProblem);
  const isTokenList = Array.isArray(body.input) && typeof body.input[0] === 'number';
  const inputs = Array.isArray(body.input) && !isTokenList ? body.input : [body.input];
  const data = inputs.map((input, index) => {
    const vector = embeddingOf(typeof input === 'string' ? input : JSON.stringify(input), body.dimensions ?? 8);
    const floats = Buffer.from(Float32Array.from(vector).buffer);
    const embedding = body.encoding_format === 'base64' ? floats.toString('base64') : vector;
    return { object: 'embedding', index, embedding };
  });
  const tokens = inputs.length * 4;
  const usage = { prompt_tokens: tokens, total_tokens: tokens };
  // Mistral's SDK refuses an answer without one.
  const id = flavour === 'mistral' ? { id: 'emb-0b1f' } : {};
  return wholeOf({ ...id, object: 'list', data, model: body.model ?? 'text-embedding-3-small', usage }, flavour);
}

export const SPEECH_BYTES = Buffer.from([0xff, 0xfb, 0x90, 0x64, 0x00, 0x0d, 0x0a, 0x80, 0xff, 0x00]);

const SPEECH = z.strictObject({
  model: z.string(),
  input: z.string().min(1).max(4_096),
  voice: z.union([z.string(), z.strictObject({ id: z.string() })]),
  instructions: z.string().optional(),
  response_format: z.enum(['mp3', 'opus', 'aac', 'flac', 'wav', 'pcm']).optional(),
  speed: z.number().min(0.25).max(4).optional(),
  stream_format: z.enum(['sse', 'audio']).optional(),
});

export function answerSpeech(raw: unknown, flavour: Flavour): Reply {
  readStrict(SPEECH, raw, openaiProblem);
  return {
    type: 'whole',
    status: 200,
    headers: { ...headersOf(flavour), 'content-type': 'audio/mpeg' },
    body: SPEECH_BYTES,
  };
}

/** Says what file it got: name, type and length. */
export async function answerTranscription(request: RecordedRequest, flavour: Flavour): Promise<Reply> {
  const contentType = request.headers['content-type'] ?? '';
  if (!contentType.startsWith('multipart/form-data')) throw new Refused(415, 'Unsupported content type.');
  const form = await new Response(new Uint8Array(request.bytes), {
    headers: { 'content-type': contentType },
  }).formData();
  const file = form.get('file');
  for (const name of ['file', 'model']) {
    if (!form.has(name)) throw openaiProblem({ kind: 'missing', path: [name], expected: '', input: undefined });
  }
  if (!(file instanceof File)) throw new Refused(400, "'file' is not a file.", { param: 'file' });
  const text = `Heard ${file.name} (${file.size} bytes) in ${form.get('language') ?? 'any language'}: こんにちは 👋`;
  const headers = headersOf(flavour);
  const format = form.get('response_format') ?? 'json';
  if (format === 'text' || format === 'srt' || format === 'vtt') {
    const body = Buffer.from(`${text}\n`);
    return { type: 'whole', status: 200, headers: { ...headers, 'content-type': 'text/plain; charset=utf-8' }, body };
  }
  const usage = {
    type: 'tokens',
    input_tokens: 14,
    input_token_details: { text_tokens: 0, audio_tokens: 14 },
    output_tokens: 9,
    total_tokens: 23,
  };
  if (form.get('stream') !== 'true') return { type: 'whole', status: 200, headers, body: { text, usage } };
  const frame = (phase: Phase, value: { type: string; [key: string]: unknown }): StreamFrame => ({
    phase,
    event: value.type,
    data: JSON.stringify(value),
  });
  const deltas = pieces(text).map((delta) => frame('content', { type: 'transcript.text.delta', delta }));
  const done = frame('end', { type: 'transcript.text.done', text, usage });
  return { type: 'stream', framing: 'sse', headers, frames: [...deltas, done], errorFrames: () => [] };
}

const IMAGES = z.strictObject({
  model: z.string().optional(),
  prompt: z.string().min(1),
  n: z.int().min(1).max(10).nullable().optional(),
  size: z.string().nullable().optional(),
  quality: z.string().nullable().optional(),
  background: z.string().nullable().optional(),
  output_format: z.enum(['png', 'webp', 'jpeg']).nullable().optional(),
  response_format: z.enum(['url', 'b64_json']).nullable().optional(),
  style: z.string().nullable().optional(),
  moderation: z.string().nullable().optional(),
  user: z.string().optional(),
});

export function answerImages(raw: unknown, flavour: Flavour): Reply {
  const body = readStrict(IMAGES, raw, openaiProblem);
  const data = Array.from({ length: body.n ?? 1 }, () => ({ b64_json: IMAGE.base64 }));
  const usage = {
    input_tokens: 12,
    input_tokens_details: { image_tokens: 0, text_tokens: 12 },
    output_tokens: 272,
    total_tokens: 284,
  };
  return wholeOf(
    { created: CREATED_AT, background: 'opaque', data, output_format: 'png', quality: 'low', size: '1024x1024', usage },
    flavour,
  );
}

export function answerModeration(raw: unknown, flavour: Flavour, seed: string): Reply {
  const body = readStrict(z.strictObject({ input: z.any(), model: z.string().optional() }), raw, openaiProblem);
  if (body.input === undefined)
    throw openaiProblem({ kind: 'missing', path: ['input'], expected: '', input: undefined });
  const inputs = Array.isArray(body.input) ? body.input : [body.input];
  const results = inputs.map(() => ({
    flagged: false,
    categories: { harassment: false, violence: false },
    category_scores: { harassment: 0.0001, violence: 0.0002 },
    category_applied_input_types: { harassment: ['text'], violence: ['text'] },
  }));
  return wholeOf({ id: `modr-${idText(seed, 24)}`, model: body.model ?? 'omni-moderation-latest', results }, flavour);
}

/** /v1/responses/input_tokens */
export function answerInputTokens(raw: any, context: AnswerContext): Reply {
  const heard = hearResponses(raw);
  const { usage } = composeAnswer(context, heard);
  return wholeOf({ object: 'response.input_tokens', input_tokens: usage.inputTokens }, 'openai');
}

export function answerModels(path: string, flavour: Flavour, models: readonly string[]): WholeReply {
  const describe = (id: string) => ({ id, object: 'model', created: CREATED_AT, owned_by: 'system' });
  const id = decodeURIComponent(path.split('/models/')[1] ?? '');
  if (id === '') return wholeOf({ object: 'list', data: models.map(describe) }, flavour);
  if (!models.includes(id)) throw new Refused(404, unknownModel(id), { param: 'model', code: 'model_not_found' });
  return wholeOf(describe(id), flavour);
}

function wholeOf(body: object, flavour: Flavour): WholeReply {
  return { type: 'whole', status: 200, headers: headersOf(flavour), body };
}
