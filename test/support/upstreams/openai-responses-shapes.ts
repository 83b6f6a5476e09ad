// The shapes of a Responses request, its items and its tools that OpenAI accepts.

import { z } from 'zod';

const inputText = z.strictObject({ type: z.literal('input_text'), text: z.string() });
const inputImage = z.strictObject({
  type: z.literal('input_image'),
  detail: z.enum(['low', 'high', 'auto', 'original']).optional(),
  image_url: z.string().nullable().optional(),
  file_id: z.string().nullable().optional(),
});
const inputFile = z.strictObject({
  type: z.literal('input_file'),
  file_data: z.string().optional(),
  file_id: z.string().nullable().optional(),
  file_url: z.string().optional(),
  filename: z.string().optional(),
});
const inputContent = z.union([z.string(), z.array(z.discriminatedUnion('type', [inputText, inputImage, inputFile]))]);
const outputContent = z.union([
  z.string(),
  z.array(
    z.discriminatedUnion('type', [
      z.strictObject({
        type: z.literal('output_text'),
        text: z.string(),
        annotations: z.array(z.unknown()).optional(),
        logprobs: z.array(z.unknown()).optional(),
      }),
      z.strictObject({ type: z.literal('refusal'), refusal: z.string() }),
    ]),
  ),
]);
const status = z.enum(['in_progress', 'completed', 'incomplete']).optional();
/** Codex names every message, the user's as well. */
const message = {
  type: z.literal('message').optional(),
  id: prefixed('msg'),
  status,
  phase: z.string().nullable().optional(),
};
export const messageItem = z.discriminatedUnion('role', [
  z.strictObject({ ...message, role: z.literal('user'), content: inputContent }),
  z.strictObject({ ...message, role: z.literal('system'), content: inputContent }),
  z.strictObject({ ...message, role: z.literal('developer'), content: inputContent }),
  z.strictObject({ ...message, role: z.literal('assistant'), content: outputContent }),
]);

export const ITEMS: Record<string, z.ZodType> = {
  function_call: z.strictObject({
    type: z.literal('function_call'),
    id: prefixed('fc'),
    call_id: z.string(),
    name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/),
    arguments: z.string(),
    namespace: z.string().optional(),
    status,
  }),
  function_call_output: z.strictObject({
    type: z.literal('function_call_output'),
    id: prefixed('fc'),
    call_id: z.string(),
    output: inputContent,
    status,
  }),
  reasoning: z.strictObject({
    type: z.literal('reasoning'),
    id: prefixed('rs'),
    summary: z.array(z.strictObject({ type: z.literal('summary_text'), text: z.string() })),
    // Codex sends null.
    content: z.array(z.unknown()).nullable().optional(),
    encrypted_content: z.string().nullable().optional(),
    status,
  }),
};

export const HOSTED_TOOLS =
  /^(web_search|web_search_preview|file_search|code_interpreter|image_generation|local_shell|shell|mcp|custom|namespace|tool_search|apply_patch|computer|computer_use_preview)/;

export const functionTool = z.strictObject({
  type: z.literal('function'),
  name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/),
  description: z.string().nullable().optional(),
  parameters: z.record(z.string(), z.any()).nullable().optional(),
  strict: z.boolean().nullable().optional(),
  defer_loading: z.boolean().optional(),
});

export const BODY = z.strictObject({
  model: z.string(),
  input: z.union([z.string(), z.array(z.any())]),
  instructions: z.string().nullable().optional(),
  stream: z.boolean().nullable().optional(),
  stream_options: z.strictObject({ include_obfuscation: z.boolean().optional() }).nullable().optional(),
  max_output_tokens: z.int().nullable().optional(),
  max_tool_calls: z.int().nullable().optional(),
  temperature: z.number().min(0).max(2).nullable().optional(),
  top_p: z.number().min(0).max(1).nullable().optional(),
  top_logprobs: z.int().min(0).max(20).nullable().optional(),
  tools: z.array(z.any()).optional(),
  tool_choice: z
    .union([z.enum(['auto', 'none', 'required']), z.looseObject({ type: z.string(), name: z.string().optional() })])
    .optional(),
  parallel_tool_calls: z.boolean().nullable().optional(),
  text: z
    .strictObject({
      format: z
        .discriminatedUnion('type', [
          z.strictObject({ type: z.literal('text') }),
          z.strictObject({ type: z.literal('json_object') }),
          z.strictObject({
            type: z.literal('json_schema'),
            name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/),
            description: z.string().optional(),
            schema: z.record(z.string(), z.any()),
            strict: z.boolean().nullable().optional(),
          }),
        ])
        .optional(),
      verbosity: z.enum(['low', 'medium', 'high']).nullable().optional(),
    })
    .optional(),
  reasoning: z
    .strictObject({
      effort: z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']).nullable().optional(),
      summary: z.enum(['auto', 'concise', 'detailed']).nullable().optional(),
      generate_summary: z.enum(['auto', 'concise', 'detailed']).nullable().optional(),
      context: z.string().optional(),
    })
    .nullable()
    .optional(),
  include: z.array(z.string()).nullable().optional(),
  store: z.boolean().nullable().optional(),
  metadata: z.record(z.string(), z.string()).nullable().optional(),
  previous_response_id: z.string().nullable().optional(),
  conversation: z.unknown().optional(),
  context_management: z.unknown().optional(),
  background: z.boolean().nullable().optional(),
  truncation: z.enum(['auto', 'disabled']).nullable().optional(),
  user: z.string().optional(),
  safety_identifier: z.string().nullable().optional(),
  service_tier: z.string().nullable().optional(),
  prompt: z.unknown().optional(),
  prompt_cache_key: z.string().nullable().optional(),
  prompt_cache_retention: z.string().nullable().optional(),
  prompt_cache_options: z.unknown().optional(),
});

function prefixed(prefix: string) {
  return z
    .string()
    .refine((id) => id.startsWith(prefix), { message: `an ID that begins with '${prefix}'` })
    .nullable()
    .optional();
}
