// Anthropic's Messages API: answers, streams, token counts, models.

import { hearCount, hearMessages, type MessagesHeard } from './anthropic-request.ts';
import { pieces, type TokenCounts } from './scenarios.ts';
import {
  type AnswerContext,
  composeAnswer,
  type FailureFacts,
  idText,
  jsonOf,
  type RecordedRequest,
  Refused,
  type Reply,
  type Speaker,
  type SpokenAnswer,
  type StreamFrame,
  sign,
} from './speaker.ts';

export const anthropic: Speaker = {
  name: 'anthropic',
  sdkPath: '',
  defaultModels: ['claude-sonnet-4-6', 'claude-haiku-4-5'],
  lineEnding: '\n',
  hasKeys: true,
  answer(request, context) {
    try {
      return route(request, context);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return { type: 'whole', status: error.status, headers: HEADERS, body: errorBody(error.status, error.message) };
    }
  },
  failure: (facts) => ({ body: errorBody(facts.status, failureMessage(facts)), headers: failureHeaders(facts) }),
};

const HEADERS = {
  'request-id': 'req_011CSHoEeqs5C35K2UUqR7Fy',
  'anthropic-organization-id': '6c2b1a3e-2f0c-4c63-9a50-0e3f3a7a1b11',
  'anthropic-ratelimit-requests-limit': '4000',
  'anthropic-ratelimit-requests-remaining': '3999',
};

function route(request: RecordedRequest, context: AnswerContext): Reply {
  authorize(request, context.keys);
  if (request.method === 'GET' && request.path.startsWith('/v1/models')) return answerModels(request, context.models);
  const isCount = request.path === '/v1/messages/count_tokens';
  if (request.method !== 'POST' || (request.path !== '/v1/messages' && !isCount)) throw new Refused(404, 'Not found');
  const body = jsonOf(request, (problem) =>
    problem === 'type'
      ? new Refused(400, 'Content-Type must be application/json')
      : new Refused(400, 'The request body is not valid JSON: expected value at line 1 column 1'),
  );
  if (typeof body.model === 'string' && !context.models.includes(body.model)) {
    throw new Refused(404, `model: ${body.model}`);
  }
  if (isCount) {
    const { usage } = composeAnswer(context, hearCount(body));
    return { type: 'whole', status: 200, headers: HEADERS, body: { input_tokens: usage.inputTokens } };
  }
  return answerMessage(hearMessages(request, body), context);
}

function authorize(request: RecordedRequest, keys: readonly string[]): void {
  if (keys.length === 0) return;
  const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
  const key = request.headers['x-api-key'] ?? bearer;
  if (key === undefined) throw new Refused(401, 'x-api-key header is required');
  if (!keys.includes(key)) throw new Refused(401, bearer === undefined ? 'invalid x-api-key' : 'Invalid bearer token');
}

function answerMessage(heard: MessagesHeard, context: AnswerContext): Reply {
  const answer = composeAnswer(context, heard);
  const content = contentOf(answer, heard, context.seed);
  const isCalling = content.some((block) => block.type === 'tool_use');
  const end = {
    stop_reason: stopReason(answer, isCalling),
    stop_sequence: null,
    stop_details: answer.refusal === '' ? null : { type: 'refusal', category: 'general_harms', explanation: null },
  };
  const message = {
    id: `msg_01${idText(context.seed, 22)}`,
    type: 'message',
    role: 'assistant',
    model: heard.body.model,
    content,
    container: null,
    diagnostics: null,
    ...end,
    usage: usageOf(answer.usage),
  };
  if (!heard.isStream) return { type: 'whole', status: 200, headers: HEADERS, body: message };
  return {
    type: 'stream',
    framing: 'sse',
    headers: HEADERS,
    frames: streamOf(message, answer, end),
    errorFrames: () => [frame('structure', errorBody(529, 'Overloaded'))],
  };
}

function contentOf(answer: SpokenAnswer, heard: MessagesHeard, seed: string): any[] {
  const content: any[] = [];
  if (answer.reasoning !== '') {
    // What is signed is the thinking, shown or not.
    const thinking = heard.isThinkingShown ? answer.reasoning : '';
    content.push({ type: 'thinking', thinking, signature: sign('anthropic', thinking) });
  }
  const toolUse = (name: string, input: unknown, index: number) => ({
    type: 'tool_use',
    id: `toolu_01${idText(`${seed}/${index}`, 22)}`,
    name,
    input,
    caller: { type: 'direct' },
  });
  const text = answer.text || answer.refusal;
  if (heard.schemaTool !== undefined && answer.toolCalls.length === 0) {
    content.push(toolUse(heard.schemaTool, JSON.parse(text), 0));
  } else if (text !== '') {
    content.push({ type: 'text', text, citations: null });
  }
  content.push(...answer.toolCalls.map((call, index) => toolUse(call.name, call.arguments, index)));
  return content;
}

function streamOf(message: any, answer: SpokenAnswer, end: object): StreamFrame[] {
  const started = {
    ...message,
    content: [],
    stop_reason: null,
    stop_details: null,
    usage: { ...message.usage, output_tokens: 1, output_tokens_details: null },
  };
  const frames: StreamFrame[] = [frame('structure', { type: 'message_start', message: started })];
  message.content.forEach((block: any, index: number) => {
    frames.push(...blockFrames(block, index, answer));
    if (index === 0) frames.splice(2, 0, frame('structure', { type: 'ping' }));
  });
  const { input_tokens, cache_creation_input_tokens, cache_read_input_tokens, output_tokens, output_tokens_details } =
    message.usage;
  const usage = {
    input_tokens,
    cache_creation_input_tokens,
    cache_read_input_tokens,
    output_tokens,
    output_tokens_details,
    server_tool_use: null,
  };
  frames.push(frame('finish', { type: 'message_delta', delta: { container: null, ...end }, usage }));
  frames.push(frame('end', { type: 'message_stop' }));
  return frames;
}

function blockFrames(block: any, index: number, answer: SpokenAnswer): StreamFrame[] {
  const start = (content_block: object): TypedValue => ({ type: 'content_block_start', index, content_block });
  const delta = (value: object): StreamFrame => frame('content', { type: 'content_block_delta', index, delta: value });
  const stop = frame('structure', { type: 'content_block_stop', index });
  switch (block.type) {
    case 'thinking':
      return [
        frame('structure', start({ type: 'thinking', thinking: '', signature: '' })),
        ...pieces(block.thinking).map((thinking) => delta({ type: 'thinking_delta', thinking })),
        delta({ type: 'signature_delta', signature: block.signature }),
        stop,
      ];
    case 'tool_use':
      return [
        frame('content', start({ ...block, input: {} })),
        // The real API always begins with an empty piece.
        ...['', ...pieces(JSON.stringify(block.input), 5)].map((partial_json) =>
          delta({ type: 'input_json_delta', partial_json }),
        ),
        stop,
      ];
    default: {
      const texts = answer.refusal === '' ? answer.textPieces : pieces(block.text);
      return [
        frame('structure', start({ type: 'text', text: '', citations: null })),
        ...texts.map((text) => delta({ type: 'text_delta', text })),
        stop,
      ];
    }
  }
}

function frame(phase: StreamFrame['phase'], value: TypedValue): StreamFrame {
  return { phase, event: value.type, data: JSON.stringify(value) };
}

function stopReason(answer: SpokenAnswer, isCalling: boolean): string {
  if (isCalling) return 'tool_use';
  return { stop: 'end_turn', length: 'max_tokens', 'tool-calls': 'tool_use', 'content-filter': 'refusal' }[
    answer.finish
  ];
}

/** `input_tokens` is what neither came from the cache nor went into it. */
function usageOf(usage: TokenCounts): object {
  return {
    input_tokens: usage.inputTokens - usage.cachedInputTokens - usage.cacheWriteTokens,
    cache_creation_input_tokens: usage.cacheWriteTokens,
    cache_read_input_tokens: usage.cachedInputTokens,
    cache_creation: { ephemeral_5m_input_tokens: usage.cacheWriteTokens, ephemeral_1h_input_tokens: 0 },
    output_tokens: usage.outputTokens,
    output_tokens_details: usage.reasoningTokens > 0 ? { thinking_tokens: usage.reasoningTokens } : null,
    inference_geo: null,
    server_tool_use: null,
    service_tier: 'standard',
    speed: 'standard',
  };
}

function answerModels(request: RecordedRequest, models: readonly string[]): Reply {
  const describe = (id: string) => ({
    type: 'model',
    id,
    display_name: id,
    created_at: '2026-02-17T00:00:00Z',
    deprecated_at: null,
    retires_at: null,
    lifecycle: 'active',
    line: null,
    capabilities: null,
    max_input_tokens: 200_000,
    max_tokens: 64_000,
  });
  const id = decodeURIComponent(request.path.slice('/v1/models/'.length));
  if (id !== '') {
    if (!models.includes(id)) throw new Refused(404, `model: ${id}`);
    return { type: 'whole', status: 200, headers: HEADERS, body: describe(id) };
  }
  const data = models.map(describe);
  const body = { data, has_more: false, first_id: models[0] ?? null, last_id: models.at(-1) ?? null, next_page: null };
  return { type: 'whole', status: 200, headers: HEADERS, body };
}

interface TypedValue {
  readonly type: string;
  readonly [key: string]: unknown;
}

const ERROR_TYPES: Record<number, string> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  408: 'timeout_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  504: 'timeout_error',
  529: 'overloaded_error',
};

function errorBody(status: number, message: string): TypedValue {
  const type = ERROR_TYPES[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error');
  return { type: 'error', error: { type, message }, request_id: HEADERS['request-id'] };
}

function failureMessage({ status, reason, model }: FailureFacts): string {
  if (reason === 'context-length') return 'prompt is too long: 208310 tokens > 200000 maximum';
  if (reason === 'quota') {
    return 'Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.';
  }
  if (reason === 'content-filter') return 'Output blocked by content filtering policy';
  const messages: Record<number, string> = {
    400: 'max_tokens: 999999 > 64000, which is the maximum allowed number of output tokens for this model',
    401: 'invalid x-api-key',
    403: 'Your API key does not have permission to use the specified resource.',
    404: `model: ${model}`,
    413: 'Request exceeds the maximum size',
    429: "This request would exceed your organization's rate limit of 50 requests per minute (org: 6c2b1a3e). For details, refer to: https://docs.claude.com/en/api/rate-limits.",
    500: 'Internal server error',
    529: 'Overloaded',
  };
  return messages[status] ?? 'Internal server error';
}

function failureHeaders({ status }: FailureFacts): Record<string, string> {
  return status === 529 || status === 429 ? { ...HEADERS, 'x-should-retry': 'true' } : HEADERS;
}
