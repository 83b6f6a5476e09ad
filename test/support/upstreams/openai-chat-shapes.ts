// The shapes of a chat completion request that OpenAI, Azure, Mistral and vLLM-like servers accept.

import { z } from 'zod';

const cacheHint = { cache_control: z.unknown().optional() };
const textPart = z.strictObject({ type: z.literal('text'), text: z.string() });
const imagePart = z.strictObject({
  type: z.literal('image_url'),
  image_url: z.union([
    z.string(),
    z.strictObject({ url: z.string(), detail: z.enum(['auto', 'low', 'high', 'original']).optional() }),
  ]),
});
const userPart = z.discriminatedUnion('type', [
  textPart,
  imagePart,
  z.strictObject({
    type: z.literal('input_audio'),
    input_audio: z.strictObject({ data: z.string(), format: z.enum(['wav', 'mp3']) }),
  }),
  z.strictObject({
    type: z.literal('file'),
    file: z.strictObject({
      file_data: z.string().optional(),
      file_id: z.string().optional(),
      filename: z.string().optional(),
    }),
  }),
]);
const refusalPart = z.strictObject({ type: z.literal('refusal'), refusal: z.string() });
const toolCall = z.strictObject({
  id: z.string(),
  type: z.literal('function'),
  function: z.strictObject({ name: z.string(), arguments: z.string() }),
});
const texts = z.union([z.string(), z.array(textPart)]);
const name = z
  .string()
  .regex(/^[^\s<|\\/>]+$/)
  .optional();

const OPENAI_MESSAGE = z.discriminatedUnion('role', [
  z.strictObject({ role: z.literal('system'), content: texts, name }),
  z.strictObject({ role: z.literal('developer'), content: texts, name }),
  z.strictObject({ role: z.literal('user'), content: z.union([z.string(), z.array(userPart)]), name }),
  z.strictObject({
    role: z.literal('assistant'),
    content: z
      .union([z.string(), z.array(z.discriminatedUnion('type', [textPart, refusalPart]))])
      .nullable()
      .optional(),
    refusal: z.string().nullable().optional(),
    annotations: z.array(z.unknown()).optional(),
    audio: z.unknown().optional(),
    tool_calls: z.array(toolCall).min(1).optional(),
    name,
  }),
  // Its name is in OpenAI's own examples.
  z.strictObject({ role: z.literal('tool'), content: texts, tool_call_id: z.string(), name }),
]);

const tool = z.strictObject({
  type: z.literal('function'),
  function: z.strictObject({
    name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/),
    description: z.string().optional(),
    parameters: z.record(z.string(), z.any()).optional(),
    strict: z.boolean().nullable().optional(),
  }),
});
const namedTool = z.strictObject({ type: z.literal('function'), function: z.strictObject({ name: z.string() }) });
const responseFormat = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text') }),
  z.strictObject({ type: z.literal('json_object') }),
  z.strictObject({
    type: z.literal('json_schema'),
    json_schema: z.strictObject({
      name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/),
      description: z.string().optional(),
      schema: z.record(z.string(), z.any()).optional(),
      strict: z.boolean().nullable().optional(),
    }),
  }),
]);

const shared = {
  model: z.string(),
  stream: z.boolean().nullable().optional(),
  temperature: z.number().min(0).max(2).nullable().optional(),
  top_p: z.number().min(0).max(1).nullable().optional(),
  max_tokens: z.int().min(1).nullable().optional(),
  n: z.int().min(1).max(8).nullable().optional(),
  stop: z
    .union([z.string(), z.array(z.string()).max(4)])
    .nullable()
    .optional(),
  presence_penalty: z.number().min(-2).max(2).nullable().optional(),
  frequency_penalty: z.number().min(-2).max(2).nullable().optional(),
  response_format: responseFormat.optional(),
  tools: z.array(tool).optional(),
  parallel_tool_calls: z.boolean().optional(),
  reasoning_effort: z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']).nullable().optional(),
  metadata: z.record(z.string(), z.string()).nullable().optional(),
  prediction: z.unknown().optional(),
  prompt_cache_key: z.string().optional(),
};

const openaiFields = {
  ...shared,
  tool_choice: z.union([z.enum(['auto', 'none', 'required']), namedTool]).optional(),
  messages: z.array(OPENAI_MESSAGE).min(1),
  max_completion_tokens: z.int().min(1).nullable().optional(),
  stream_options: z
    .strictObject({ include_usage: z.boolean().optional(), include_obfuscation: z.boolean().optional() })
    .nullable()
    .optional(),
  logprobs: z.boolean().nullable().optional(),
  top_logprobs: z.int().min(0).max(20).nullable().optional(),
  seed: z.int().nullable().optional(),
  user: z.string().optional(),
  store: z.boolean().nullable().optional(),
  service_tier: z.string().nullable().optional(),
  logit_bias: z.record(z.string(), z.number()).nullable().optional(),
  modalities: z
    .array(z.enum(['text', 'audio']))
    .nullable()
    .optional(),
  audio: z.unknown().optional(),
  verbosity: z.enum(['low', 'medium', 'high']).nullable().optional(),
  safety_identifier: z.string().nullable().optional(),
  prompt_cache_retention: z.string().nullable().optional(),
  web_search_options: z.unknown().optional(),
};

export const OPENAI_BODY = z.strictObject(openaiFields);
export const AZURE_BODY = z.strictObject({
  ...openaiFields,
  model: z.string().optional(),
  data_sources: z.unknown().optional(),
});

const mistralTextPart = z.union([z.string(), z.array(z.discriminatedUnion('type', [textPart, imagePart]))]);
export const MISTRAL_BODY = z.strictObject({
  ...shared,
  tool_choice: z.union([z.enum(['auto', 'none', 'any', 'required']), namedTool]).optional(),
  random_seed: z.int().nullable().optional(),
  safe_prompt: z.boolean().optional(),
  prompt_mode: z.literal('reasoning').nullable().optional(),
  messages: z
    .array(
      z.discriminatedUnion('role', [
        z.strictObject({ role: z.literal('system'), content: texts }),
        z.strictObject({ role: z.literal('user'), content: mistralTextPart }),
        z.strictObject({
          role: z.literal('assistant'),
          content: texts.nullable().optional(),
          tool_calls: z
            .array(toolCall.extend({ type: z.literal('function').optional(), index: z.int().optional() }))
            .nullable()
            .optional(),
          prefix: z.boolean().optional(),
        }),
        z.strictObject({
          role: z.literal('tool'),
          content: texts,
          tool_call_id: z.string(),
          name: z.string().optional(),
        }),
      ]),
    )
    .min(1),
});

/** Takes nearly everything, as vLLM does. */
export const COMPATIBLE_BODY = z.looseObject({
  ...shared,
  max_completion_tokens: z.int().min(1).nullable().optional(),
  tool_choice: z.union([z.enum(['auto', 'none', 'required']), namedTool]).optional(),
  stream_options: z.looseObject({ include_usage: z.boolean().optional() }).nullable().optional(),
  tools: z
    .array(z.looseObject({ type: z.literal('function'), function: z.looseObject({ name: z.string(), ...cacheHint }) }))
    .optional(),
  messages: z.array(z.looseObject({ role: z.enum(['system', 'developer', 'user', 'assistant', 'tool']) })).min(1),
});
