// Ollama's native API: /api/chat, /api/embed, /api/tags, /api/version. Lines of JSON, durations in nanoseconds.

import { z } from 'zod';
import { embeddingOf } from './embedding.ts';
import { type Heard, pieces, type TokenCounts, type ToolCall } from './scenarios.ts';
import {
  type AnswerContext,
  CREATED_AT,
  composeAnswer,
  decodeBase64,
  type FailureFacts,
  jsonOf,
  pieceLogprob,
  type RecordedRequest,
  Refused,
  type Reply,
  type Speaker,
  type StreamFrame,
  sniffImage,
} from './speaker.ts';
import { bracketPath, type Problem, readStrict } from './strict.ts';

export const ollama: Speaker = {
  name: 'ollama',
  sdkPath: '',
  defaultModels: ['qwen3:8b', 'gemma3:4b', 'nomic-embed-text:latest'],
  lineEnding: '\n',
  hasKeys: false,
  answer(request, context) {
    try {
      return route(request, context);
    } catch (error) {
      if (error instanceof Refused)
        return { type: 'whole', status: error.status, headers: JSON_HEADERS, body: { error: error.message } };
      throw error;
    }
  },
  failure: (facts) => ({ body: { error: failureMessage(facts) }, headers: JSON_HEADERS }),
};

const JSON_HEADERS = { 'content-type': 'application/json; charset=utf-8' };

/** Go's decoder ignores fields that it does not know. */
const CHAT = z.looseObject({
  model: z.string(),
  messages: z
    .array(
      z.looseObject({
        role: z.string(),
        content: z.string().optional(),
        thinking: z.string().optional(),
        images: z.array(z.string()).nullable().optional(),
        tool_name: z.string().optional(),
        tool_call_id: z.string().optional(),
        tool_calls: z
          .array(
            z.looseObject({
              id: z.string().optional(),
              function: z.looseObject({
                name: z.string(),
                arguments: z.record(z.string(), z.unknown()),
                index: z.int().optional(),
              }),
            }),
          )
          .nullable()
          .optional(),
      }),
    )
    .optional(),
  stream: z.boolean().nullable().optional(),
  format: z
    .union([z.string(), z.record(z.string(), z.any())])
    .nullable()
    .optional(),
  think: z.union([z.boolean(), z.string()]).nullable().optional(),
  tools: z
    .array(
      z.looseObject({
        type: z.string().optional(),
        function: z.looseObject({ name: z.string(), parameters: z.record(z.string(), z.any()).optional() }),
      }),
    )
    .nullable()
    .optional(),
  options: z
    .looseObject({
      temperature: z.number().optional(),
      num_predict: z.int().optional(),
      num_ctx: z.int().optional(),
      top_p: z.number().optional(),
      top_k: z.int().optional(),
      seed: z.int().optional(),
      stop: z.array(z.string()).optional(),
    })
    .nullable()
    .optional(),
  keep_alive: z.union([z.string(), z.number()]).optional(),
  logprobs: z.boolean().optional(),
  top_logprobs: z.int().optional(),
});

type ChatBody = z.output<typeof CHAT>;

function route(request: RecordedRequest, context: AnswerContext): Reply {
  const key = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
  if (context.keys.length > 0 && !context.keys.includes(key)) throw new Refused(401, 'unauthorized');
  switch (`${request.method} ${request.path}`) {
    case 'GET /':
      return {
        type: 'whole',
        status: 200,
        headers: { 'content-type': 'text/plain; charset=utf-8' },
        body: Buffer.from('Ollama is running'),
      };
    case 'GET /api/version':
      return whole({ version: '0.21.0' });
    case 'GET /api/tags':
      return whole({ models: context.models.map(describeModel) });
    case 'POST /api/chat':
      return answerChat(readBody(CHAT, request, context), context);
    case 'POST /api/embed':
      return answerEmbed(readBody(EMBED, request, context));
  }
  throw new Refused(404, '404 page not found');
}

function readBody<Schema extends z.ZodType<{ model: string }>>(
  schema: Schema,
  request: RecordedRequest,
  context: AnswerContext,
): z.output<Schema> {
  const raw = jsonOf(request, () => new Refused(400, 'missing request body'));
  if (raw.model === undefined || raw.model === '') throw new Refused(400, 'model is required');
  const body = readStrict(schema, raw, goProblem);
  const isKnown = context.models.includes(body.model) || context.models.includes(`${body.model}:latest`);
  if (!isKnown) throw new Refused(404, `model '${body.model}' not found`);
  return body;
}

function goProblem(problem: Problem): Refused {
  const field = bracketPath(problem.path).replace(/\[\d+\]/g, '');
  const type = Array.isArray(problem.input) ? 'array' : problem.input === null ? 'null' : typeof problem.input;
  if (problem.kind === 'missing') return new Refused(400, `${field} is required`);
  return new Refused(
    400,
    `json: cannot unmarshal ${type} into Go struct field ChatRequest.${field} of type ${problem.expected}`,
  );
}

function answerChat(body: ChatBody, context: AnswerContext): Reply {
  const heard = hear(body);
  const answer = composeAnswer(context, heard);
  // Without `think: false` a thinking model thinks, but only `think` separates it from the text.
  const thinking = heard.isReasoningOn ? answer.reasoning : '';
  const created_at = `${new Date(CREATED_AT * 1_000).toISOString().slice(0, 19)}.123456789Z`;
  const envelope = { model: body.model, created_at };
  const end = { done: true, done_reason: answer.finish === 'length' ? 'length' : 'stop', ...statistics(answer.usage) };
  const text = answer.text || answer.refusal;
  const calls = answer.toolCalls.map((call, index) => ({
    id: `call_${context.seed.replace(/\W/g, '')}${index}`,
    function: { index, name: call.name, arguments: call.arguments },
  }));
  const logprobs = (texts: readonly string[]) =>
    body.logprobs ? { logprobs: texts.map((one) => pieceLogprob(one, body.top_logprobs ?? 0)) } : {};
  const textPieces = answer.refusal === '' ? answer.textPieces : pieces(text);
  if (body.stream === false) {
    const message = {
      role: 'assistant',
      content: text,
      ...(thinking !== '' && { thinking }),
      ...(calls.length > 0 && { tool_calls: calls }),
    };
    return whole({ ...envelope, message, ...logprobs(textPieces), ...end });
  }
  const line = (phase: StreamFrame['phase'], message: object, more: object = { done: false }): StreamFrame => ({
    phase,
    data: JSON.stringify({ ...envelope, message: { role: 'assistant', content: '', ...message }, ...more }),
  });
  const frames = [
    ...pieces(thinking).map((one) => line('content', { thinking: one })),
    ...textPieces.map((content) => line('content', { content }, { done: false, ...logprobs([content]) })),
    ...calls.map((call) => line('content', { tool_calls: [call] })),
    line('end', {}, end),
  ];
  const error = 'an error was encountered while running the model: unexpected EOF';
  return {
    type: 'stream',
    framing: 'ndjson',
    frames,
    errorFrames: () => [{ phase: 'structure', data: JSON.stringify({ error }) }],
  };
}

function hear(body: ChatBody): Heard {
  const messages = body.messages ?? [];
  if (typeof body.format === 'string' && body.format !== '' && body.format !== 'json') {
    throw new Refused(400, `invalid format: "${body.format}"; expected "json" or a valid JSON Schema object`);
  }
  if (typeof body.think === 'string' && !['high', 'medium', 'low', 'max'].includes(body.think)) {
    throw new Refused(400, `invalid think value: "${body.think}" (must be "high", "medium", "low", true, or false)`);
  }
  if (body.think && body.model.startsWith('gemma')) throw new Refused(400, `"${body.model}" does not support thinking`);
  const known = messages.filter((message) => ['system', 'user', 'assistant', 'tool'].includes(message.role));
  return {
    system: known
      .filter((message) => message.role === 'system')
      .map((message) => message.content ?? '')
      .join('\n'),
    texts: known
      .filter((message) => (message.role === 'user' || message.role === 'assistant') && message.content)
      .map((message) => ({ role: message.role as 'user' | 'assistant', text: message.content ?? '' })),
    images: known.flatMap((message) => message.images ?? []).map(imageOf),
    tools: (body.tools ?? []).map((tool) => ({ name: tool.function.name, schema: tool.function.parameters })),
    toolResults: resultsOf(known),
    answerSchema: typeof body.format === 'object' && body.format ? body.format : undefined,
    maxOutputTokens: body.options?.num_predict,
    isReasoningOn: body.think !== undefined && body.think !== null && body.think !== false,
  };
}

/** Calls have no ids that clients must send: a result belongs to the first open call, and its name must be right. */
function resultsOf(messages: NonNullable<ChatBody['messages']>): Heard['toolResults'] {
  let open: ToolCall[] = [];
  const results: { call: ToolCall; text: string }[] = [];
  for (const message of messages) {
    if (message.tool_calls) {
      open = message.tool_calls.map((call) => ({ name: call.function.name, arguments: call.function.arguments }));
    }
    if (message.role !== 'tool') continue;
    const call = open.shift();
    if (!call || (message.tool_name !== undefined && message.tool_name !== call.name)) {
      throw new Refused(400, `[test upstream] The result of ${message.tool_name} does not follow its call.`);
    }
    results.push({ call, text: message.content ?? '' });
  }
  return results;
}

function imageOf(data: string): { mimeType: string; byteLength: number } {
  const bytes = decodeBase64(data);
  if (!bytes) throw new Refused(400, 'illegal base64 data at input byte 4');
  const mimeType = sniffImage(bytes);
  if (!mimeType) throw new Refused(500, 'Failed to load image or audio file');
  return { mimeType, byteLength: bytes.byteLength };
}

const EMBED = z.looseObject({
  model: z.string(),
  input: z.union([z.string(), z.array(z.string())]),
  dimensions: z.int().optional(),
  truncate: z.boolean().optional(),
});

function answerEmbed(body: z.output<typeof EMBED>): Reply {
  const inputs = Array.isArray(body.input) ? body.input : [body.input];
  return whole({
    model: body.model,
    embeddings: inputs.map((input) => embeddingOf(input, body.dimensions ?? 8)),
    total_duration: 14_143_917,
    load_duration: 1_019_500,
    prompt_eval_count: inputs.length * 4,
  });
}

function describeModel(name: string): object {
  return {
    name,
    model: name,
    modified_at: '2026-05-04T17:37:44.706015396-07:00',
    size: 3_338_801_804,
    digest: 'a2af6cc3eb7fa8be8504abaf9b04e88f17a119ec3f04a3addf55f92841195f5a',
    details: {
      parent_model: '',
      format: 'gguf',
      family: 'qwen3',
      families: ['qwen3'],
      parameter_size: '8.2B',
      quantization_level: 'Q4_K_M',
    },
  };
}

function statistics(usage: TokenCounts): object {
  return {
    total_duration: 4_883_583_458,
    load_duration: 1_334_875,
    prompt_eval_count: usage.inputTokens,
    prompt_eval_duration: 342_546_000,
    eval_count: usage.outputTokens,
    eval_duration: 4_535_599_000,
  };
}

function whole(body: object): Reply {
  return { type: 'whole', status: 200, headers: JSON_HEADERS, body };
}

function failureMessage({ status, reason, model }: FailureFacts): string {
  if (reason === 'context-length') return 'the input length exceeds the context length';
  const messages: Record<number, string> = {
    401: 'unauthorized',
    404: `model '${model}' not found`,
    413: 'request body too large',
    429: "you've reached your hourly usage limit, please upgrade to continue",
    500: 'llama runner process has terminated: signal: killed',
    503: 'server busy, please try again.  maximum pending requests exceeded',
  };
  return messages[status] ?? (status < 500 ? 'invalid request' : 'internal server error');
}
