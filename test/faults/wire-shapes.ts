// The smallest valid answer and the richest request of every wire format: what hostile requests are made from, and what
// answers them when nothing is wrong.

import { IMAGE, TOOLS } from '../support/prompts.ts';
import type { RawHandler } from '../support/raw-upstream.ts';

export interface Endpoint {
  readonly name: string;
  path(model: string): string;
  /** As many fields as the format has. */
  body(model: string): Record<string, unknown>;
  /** What is wrong with an error body of this status, or undefined. */
  flaw(body: any, status: number): string | undefined;
}

const IMAGE_URL = `data:${IMAGE.mimeType};base64,${IMAGE.base64}`;
const SCHEMA = { type: 'object', properties: { a: { type: 'string' } }, required: ['a'], additionalProperties: false };
const TOOL = TOOLS[0] as (typeof TOOLS)[number];

const openAiFlaw: Endpoint['flaw'] = (body) => {
  const { message, type, param, code } = body?.error ?? {};
  if (typeof message !== 'string' || message === '') return 'no message';
  if (typeof type !== 'string' || type === '') return 'no type';
  if (param !== null && typeof param !== 'string') return 'param';
  return code === null || typeof code === 'string' ? undefined : 'code';
};

const anthropicFlaw: Endpoint['flaw'] = (body) => {
  if (body?.type !== 'error') return 'not of type error';
  const { type, message } = body.error ?? {};
  if (typeof type !== 'string' || !/_error$|^request_too_large$/.test(type)) return 'no error type';
  return typeof message === 'string' && message !== '' ? undefined : 'no message';
};

const geminiFlaw: Endpoint['flaw'] = (body, status) => {
  const { code, message, status: word } = body?.error ?? {};
  if (code !== status) return `code ${code}`;
  if (typeof message !== 'string' || message === '') return 'no message';
  return /^[A-Z_]+$/.test(word) ? undefined : 'no status word';
};

const ollamaFlaw: Endpoint['flaw'] = (body) =>
  typeof body?.error === 'string' && body.error !== '' ? undefined : 'no error sentence';

export const ENDPOINTS: readonly Endpoint[] = [
  {
    name: 'chat completions',
    path: () => '/v1/chat/completions',
    flaw: openAiFlaw,
    body: (model) => ({
      model,
      messages: [
        { role: 'system', content: 'Be terse.', name: 'operator' },
        { role: 'developer', content: [{ type: 'text', text: 'Very.' }] },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Look:' },
            { type: 'image_url', image_url: { url: IMAGE_URL, detail: 'low' } },
          ],
        },
        {
          role: 'assistant',
          content: null,
          refusal: null,
          tool_calls: [{ id: 'call_1', type: 'function', function: { name: TOOL.name, arguments: '{"city":"x"}' } }],
        },
        { role: 'tool', tool_call_id: 'call_1', content: '18' },
        { role: 'user', content: 'And?' },
      ],
      tools: [{ type: 'function', function: { ...TOOL, strict: false } }],
      tool_choice: { type: 'function', function: { name: TOOL.name } },
      parallel_tool_calls: false,
      temperature: 0.5,
      top_p: 0.9,
      n: 1,
      stop: ['END'],
      seed: 7,
      max_completion_tokens: 50,
      presence_penalty: 0,
      frequency_penalty: 0,
      logit_bias: { '50256': -100 },
      logprobs: true,
      top_logprobs: 2,
      user: 'u',
      metadata: { a: 'b' },
      reasoning_effort: 'low',
      response_format: { type: 'json_schema', json_schema: { name: 's', schema: SCHEMA, strict: true } },
      stream: false,
      stream_options: { include_usage: true },
    }),
  },
  {
    name: 'completions',
    path: () => '/v1/completions',
    flaw: openAiFlaw,
    body: (model) => ({
      model,
      prompt: ['Once'],
      max_tokens: 5,
      stop: ['.'],
      temperature: 0,
      echo: false,
      stream: false,
    }),
  },
  {
    name: 'responses',
    path: () => '/v1/responses',
    flaw: openAiFlaw,
    body: (model) => ({
      model,
      instructions: 'Be terse.',
      input: [
        {
          type: 'message',
          role: 'user',
          content: [
            { type: 'input_text', text: 'Look:' },
            { type: 'input_image', image_url: IMAGE_URL, detail: 'auto' },
          ],
        },
        { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'Hm.' }], encrypted_content: 'abc' },
        { type: 'function_call', id: 'fc_1', call_id: 'call_1', name: TOOL.name, arguments: '{"city":"x"}' },
        { type: 'function_call_output', call_id: 'call_1', output: '18' },
        { role: 'user', content: 'And?' },
      ],
      tools: [{ type: 'function', ...TOOL, strict: false }, { type: 'web_search' }],
      tool_choice: { type: 'function', name: TOOL.name },
      text: { format: { type: 'json_schema', name: 's', schema: SCHEMA, strict: true } },
      reasoning: { effort: 'low', summary: 'auto' },
      include: ['reasoning.encrypted_content'],
      max_output_tokens: 50,
      temperature: 0.5,
      metadata: { a: 'b' },
      store: false,
      stream: false,
    }),
  },
  {
    name: 'messages',
    path: () => '/v1/messages',
    flaw: anthropicFlaw,
    body: (model) => ({
      model,
      max_tokens: 100,
      system: [{ type: 'text', text: 'Be terse.', cache_control: { type: 'ephemeral' } }],
      messages: [
        {
          role: 'user',
          content: [
            { type: 'image', source: { type: 'base64', media_type: IMAGE.mimeType, data: IMAGE.base64 } },
            { type: 'text', text: 'Look.' },
          ],
        },
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'Hm.', signature: 'abc' },
            { type: 'tool_use', id: 'toolu_1', name: TOOL.name, input: { city: 'x' } },
          ],
        },
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: 'toolu_1', content: [{ type: 'text', text: '18' }], is_error: false },
          ],
        },
      ],
      tools: [{ name: TOOL.name, description: TOOL.description, input_schema: TOOL.parameters }],
      tool_choice: { type: 'tool', name: TOOL.name, disable_parallel_tool_use: true },
      thinking: { type: 'enabled', budget_tokens: 2_048 },
      output_config: { format: { type: 'json_schema', schema: SCHEMA } },
      stop_sequences: ['END'],
      metadata: { user_id: 'u' },
      temperature: 0.5,
      stream: false,
    }),
  },
  {
    name: 'token count',
    path: () => '/v1/messages/count_tokens',
    flaw: anthropicFlaw,
    body: (model) => ({ model, system: 'Be terse.', messages: [{ role: 'user', content: 'Count this.' }] }),
  },
  {
    name: 'generateContent',
    path: (model) => `/v1beta/models/${model}:generateContent`,
    flaw: geminiFlaw,
    body: () => ({
      systemInstruction: { parts: [{ text: 'Be terse.' }] },
      contents: [
        {
          role: 'user',
          parts: [{ inlineData: { mimeType: IMAGE.mimeType, data: IMAGE.base64 } }, { text: 'Look.' }],
        },
        {
          role: 'model',
          parts: [{ functionCall: { name: TOOL.name, args: { city: 'x' } }, thoughtSignature: 'YWJj' }],
        },
        { role: 'user', parts: [{ functionResponse: { name: TOOL.name, response: { output: '18' } } }] },
      ],
      tools: [{ functionDeclarations: [{ name: TOOL.name, description: 'd', parametersJsonSchema: TOOL.parameters }] }],
      toolConfig: { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: [TOOL.name] } },
      generationConfig: {
        temperature: 0.5,
        maxOutputTokens: 50,
        stopSequences: ['END'],
        candidateCount: 1,
        thinkingConfig: { thinkingBudget: 128, includeThoughts: true },
        responseMimeType: 'application/json',
        responseSchema: { type: 'OBJECT', properties: { a: { type: 'STRING', nullable: true } } },
      },
      safetySettings: [{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'BLOCK_NONE' }],
    }),
  },
  {
    name: 'ollama chat',
    path: () => '/api/chat',
    flaw: ollamaFlaw,
    body: (model) => ({
      model,
      messages: [
        { role: 'system', content: 'Be terse.' },
        { role: 'user', content: 'Look.', images: [IMAGE.base64] },
        {
          role: 'assistant',
          content: '',
          thinking: 'Hm.',
          tool_calls: [{ function: { name: TOOL.name, arguments: { city: 'x' } } }],
        },
        { role: 'tool', tool_name: TOOL.name, content: '18' },
      ],
      tools: [{ type: 'function', function: TOOL }],
      format: SCHEMA,
      think: 'low',
      options: { temperature: 0.5, num_predict: 50, stop: ['END'] },
      keep_alive: '5m',
      stream: false,
    }),
  },
  {
    name: 'embeddings',
    path: () => '/v1/embeddings',
    flaw: openAiFlaw,
    body: (model) => ({ model, input: ['a', 'b'], dimensions: 8, encoding_format: 'float', user: 'u' }),
  },
  {
    name: 'batchEmbedContents',
    path: (model) => `/v1beta/models/${model}:batchEmbedContents`,
    flaw: geminiFlaw,
    body: (model) => ({
      requests: [
        {
          model: `models/${model}`,
          content: { parts: [{ text: 'a' }] },
          taskType: 'RETRIEVAL_QUERY',
          outputDimensionality: 8,
        },
      ],
    }),
  },
  {
    name: 'ollama embed',
    path: () => '/api/embed',
    flaw: ollamaFlaw,
    body: (model) => ({ model, input: ['a', 'b'], truncate: true, dimensions: 8, options: {}, keep_alive: 0 }),
  },
];

const USAGE = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };

/** Whole answers by path; a stream that was asked for is answered whole too, as some servers do. */
const ANSWERS: readonly (readonly [RegExp, object | ((body: string) => object)])[] = [
  [
    /\/chat\/completions$/,
    {
      id: 'chatcmpl-1',
      object: 'chat.completion',
      created: 1,
      model: 'm',
      choices: [{ index: 0, message: { role: 'assistant', content: 'ok' }, finish_reason: 'stop' }],
      usage: USAGE,
    },
  ],
  [
    /\/responses$/,
    {
      id: 'resp_1',
      object: 'response',
      created_at: 1,
      status: 'completed',
      model: 'm',
      output: [
        {
          type: 'message',
          id: 'msg_1',
          role: 'assistant',
          status: 'completed',
          content: [{ type: 'output_text', text: 'ok', annotations: [] }],
        },
      ],
      usage: { input_tokens: 1, output_tokens: 1, total_tokens: 2 },
    },
  ],
  [/count_tokens$/, { input_tokens: 3 }],
  [
    /\/messages$/,
    {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: 'm',
      content: [{ type: 'text', text: 'ok' }],
      stop_reason: 'end_turn',
      usage: { input_tokens: 1, output_tokens: 1 },
    },
  ],
  [/:countTokens$/, { totalTokens: 3 }],
  [/:batchEmbedContents$/, (body) => ({ embeddings: eachInput(body, { values: [1, 0] }) })],
  [
    /:(generate|streamGenerate)Content$/,
    {
      candidates: [{ content: { role: 'model', parts: [{ text: 'ok' }] }, finishReason: 'STOP', index: 0 }],
      usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 1, totalTokenCount: 2 },
    },
  ],
  [
    /\/api\/chat$/,
    {
      model: 'm',
      created_at: '2026-01-01T00:00:00Z',
      message: { role: 'assistant', content: 'ok' },
      done: true,
      done_reason: 'stop',
      prompt_eval_count: 1,
      eval_count: 1,
    },
  ],
  [/\/api\/embed$/, (body) => ({ model: 'm', embeddings: eachInput(body, [1, 0]) })],
  [
    /\/embeddings$/,
    (body) => {
      const data = eachInput(body, [1, 0]).map((embedding, index) => ({ object: 'embedding', index, embedding }));
      return { object: 'list', model: 'm', data, usage: USAGE };
    },
  ],
];

/** A list of token ids is one input, a list of anything else as many. */
function eachInput<Vector>(body: string, vector: Vector): Vector[] {
  const { input, requests } = JSON.parse(body) as { readonly input?: unknown; readonly requests?: readonly unknown[] };
  const inputs = requests ?? (Array.isArray(input) && !input.every(Number.isInteger) ? input : [input]);
  return inputs.map(() => vector);
}

/** Answers every valid address of every provider, whatever the body says but for the number of its inputs. */
export const answerAnything: RawHandler = (response, { message, body }) => {
  const path = (message.url ?? '').split('?', 1)[0] ?? '';
  const found = ANSWERS.find(([pattern]) => pattern.test(path));
  if (!found) {
    response.writeHead(418, { 'content-type': 'text/plain' }).end(`no such address: ${message.url}`);
    return;
  }
  // Ollama's lines and an SSE dialect's whole body are both one JSON object.
  const answer = typeof found[1] === 'function' ? found[1](body) : found[1];
  response.writeHead(200, { 'content-type': 'application/json' }).end(`${JSON.stringify(answer)}\n`);
};
