// Reads a chat completion request as strictly as OpenAI, Azure, Mistral and vLLM-like servers do.

import { AZURE_BODY, COMPATIBLE_BODY, MISTRAL_BODY, OPENAI_BODY } from './openai-chat-shapes.ts';
import { type Flavour, mistralProblem, openaiProblem } from './openai-errors.ts';
import type { Heard, ToolCall } from './scenarios.ts';
import { decodeBase64, Refused, sniffImage } from './speaker.ts';
import { readStrict } from './strict.ts';

export interface ChatHeard extends Heard {
  readonly model: string;
  readonly isStream: boolean;
  readonly isUsageWanted: boolean;
  readonly isLogprobsWanted: boolean;
  readonly topLogprobs: number;
  readonly choiceCount: number;
}

export function hearChat(body: unknown, flavour: Flavour): ChatHeard {
  const schemas = { openai: OPENAI_BODY, azure: AZURE_BODY, mistral: MISTRAL_BODY, compatible: COMPATIBLE_BODY };
  const read: any = readStrict(schemas[flavour], body, flavour === 'mistral' ? mistralProblem : openaiProblem);
  const calls = checkConversation(read.messages, flavour);
  if (flavour !== 'compatible') checkTools(read);
  if (flavour === 'openai' || flavour === 'azure') checkOpenaiOptions(read, flavour);
  const parts = read.messages.flatMap((message: any) => (message.role === 'user' ? listOf(message.content) : []));
  return {
    model: read.model ?? '',
    isStream: read.stream === true,
    isUsageWanted: flavour === 'mistral' || read.stream_options?.include_usage === true,
    isLogprobsWanted: read.logprobs === true,
    topLogprobs: read.top_logprobs ?? 0,
    choiceCount: read.n ?? 1,
    system: read.messages
      .filter(isInstruction)
      .map((message: any) => textOf(message.content))
      .join('\n'),
    texts: read.messages
      .filter(
        (message: any) => message.role === 'user' || (message.role === 'assistant' && textOf(message.content) !== ''),
      )
      .map((message: any) => ({ role: message.role, text: textOf(message.content) })),
    images: parts.filter((part: any) => part.type === 'image_url').map(imageOf),
    tools: (read.tools ?? []).map((one: any) => ({ name: one.function.name, schema: one.function.parameters })),
    toolResults: read.messages
      .filter((message: any) => message.role === 'tool')
      .map((message: any) => ({ call: calls.get(message.tool_call_id), text: textOf(message.content) })),
    answerSchema: read.response_format?.json_schema?.schema,
    maxOutputTokens: read.max_completion_tokens ?? read.max_tokens ?? undefined,
    isReasoningOn: isReasoningOn(read, flavour),
  };
}

/** Qwen3 thinks unless it is told not to, and so do GPT-5's first models; Mistral's think when they are told to. */
function isReasoningOn(read: any, flavour: Flavour): boolean {
  if (read.reasoning_effort != null) return read.reasoning_effort !== 'none';
  return flavour === 'compatible' || (flavour !== 'mistral' && isReasoningModel(read.model ?? ''));
}

/** Every call is answered at once, every answer has a call. Returns the calls by id. */
function checkConversation(messages: any[], flavour: Flavour): Map<string, ToolCall> {
  const calls = new Map<string, ToolCall>();
  let open = new Set<string>();
  messages.forEach((message, at) => {
    if (message.role === 'tool') {
      if (!open.delete(message.tool_call_id)) {
        throw new Refused(
          400,
          flavour === 'mistral'
            ? 'Not the same number of function calls and responses'
            : "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
          { param: `messages.[${at}].role` },
        );
      }
      return;
    }
    refuseOpen(open, at, flavour);
    if (flavour === 'mistral' && message.role === 'user' && messages[at - 1]?.role === 'tool') {
      throw new Refused(400, "Unexpected role 'user' after role 'tool'");
    }
    open = new Set();
    for (const [index, call] of (message.tool_calls ?? []).entries()) {
      checkId(call.id, `messages[${at}].tool_calls[${index}].id`, flavour);
      calls.set(call.id, { name: call.function.name, arguments: parsedArguments(call.function.arguments) });
      open.add(call.id);
    }
    if (message.role === 'assistant' && message.content == null && !message.tool_calls && !message.refusal) {
      throw new Refused(400, "Invalid value for 'content': expected a string, got null.", {
        param: `messages.[${at}].content`,
      });
    }
  });
  refuseOpen(open, messages.length, flavour);
  if (flavour === 'mistral' && messages.at(-1).role === 'assistant' && !messages.at(-1).prefix) {
    throw new Refused(
      400,
      'Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant',
    );
  }
  return calls;
}

function refuseOpen(open: Set<string>, at: number, flavour: Flavour): void {
  if (open.size === 0) return;
  throw new Refused(
    400,
    flavour === 'mistral'
      ? 'Not the same number of function calls and responses'
      : `An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: ${[...open].join(', ')}`,
    { param: `messages.[${at}].role` },
  );
}

function checkId(id: string, param: string, flavour: Flavour): void {
  if (flavour === 'mistral' && !/^[a-zA-Z0-9]{9}$/.test(id)) {
    throw new Refused(400, `Tool call id was ${id} but must be a-z, A-Z, 0-9, with a length of 9.`, { code: '3280' });
  }
  if ((flavour === 'openai' || flavour === 'azure') && id.length > 40) {
    throw new Refused(
      400,
      `Invalid '${param}': string too long. Expected a string with maximum length 40, but got a string with length ${id.length} instead.`,
      { param, code: 'string_above_max_length' },
    );
  }
}

function checkTools(read: any): void {
  if (read.tools?.length === 0) {
    throw new Refused(
      400,
      "Invalid 'tools': empty array. Expected an array with minimum length 1, but got an empty array instead.",
      {
        param: 'tools',
        code: 'empty_array',
      },
    );
  }
  for (const field of ['tool_choice', 'parallel_tool_calls']) {
    if (read[field] !== undefined && !read.tools) {
      throw new Refused(400, `Invalid value for '${field}': '${field}' is only allowed when 'tools' are specified.`, {
        param: field,
      });
    }
  }
  for (const [at, one] of (read.tools ?? []).entries()) {
    const { name: toolName, parameters, strict } = one.function;
    const where = `Invalid schema for function '${toolName}'`;
    const facts = { param: `tools[${at}].function.parameters`, code: 'invalid_function_parameters' };
    if (parameters !== undefined) checkSchema(parameters, where, facts, strict === true);
  }
  const wanted = read.tool_choice?.function?.name;
  if (wanted && !read.tools.some((one: any) => one.function.name === wanted)) {
    throw new Refused(400, `Tool choice 'function' not found in 'tools' parameter.`, { param: 'tool_choice' });
  }
}

/** What OpenAI demands of every schema, and the stricter demands of `strict: true`. */
export function checkSchema(
  schema: any,
  where: string,
  facts: { param: string; code: string },
  isStrict: boolean,
  path: readonly string[] = [],
): void {
  const context = `In context=(${path.map((key) => `'${key}'`).join(', ')})`;
  if (path.length === 0 && schema.type !== 'object') {
    const type = schema.type === undefined ? '"None"' : `"${schema.type}"`;
    throw new Refused(400, `${where}: schema must be a JSON Schema of 'type: "object"', got 'type: ${type}'.`, facts);
  }
  if (schema.type === 'array' && schema.items === undefined) {
    throw new Refused(400, `${where}: ${context}, array schema missing items.`, facts);
  }
  if (isStrict && schema.type === 'object') {
    if (schema.additionalProperties !== false) {
      throw new Refused(
        400,
        `${where}: ${context}, 'additionalProperties' is required to be supplied and to be false.`,
        facts,
      );
    }
    const missing = Object.keys(schema.properties ?? {}).find((key) => !schema.required?.includes(key));
    if (missing !== undefined) {
      throw new Refused(
        400,
        `${where}: ${context}, 'required' is required to be supplied and to be an array including every key in properties. Missing '${missing}'.`,
        facts,
      );
    }
  }
  for (const [key, value] of Object.entries<any>(schema.properties ?? {})) {
    checkSchema(value, where, facts, isStrict, [...path, 'properties', key]);
  }
  if (schema.items) checkSchema(schema.items, where, facts, isStrict, [...path, 'items']);
}

function checkOpenaiOptions(read: any, flavour: Flavour): void {
  const refuse = (condition: boolean, message: string, param: string, code: string | null = null) => {
    if (condition) throw new Refused(400, message, { param, code });
  };
  refuse(
    read.stream_options != null && read.stream !== true,
    "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
    'stream_options',
  );
  refuse(
    read.metadata != null && read.store !== true && flavour === 'openai',
    "The 'metadata' parameter is only allowed when 'store' is enabled.",
    'metadata',
  );
  refuse(
    read.top_logprobs != null && read.logprobs !== true,
    "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.",
    'top_logprobs',
  );
  refuse(
    read.response_format?.type === 'json_object' && !/json/i.test(JSON.stringify(read.messages)),
    "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
    'messages',
  );
  const format = read.response_format?.json_schema;
  if (format?.schema) {
    const facts = { param: 'response_format', code: 'invalid_json_schema' };
    checkSchema(format.schema, `Invalid schema for response_format '${format.name}'`, facts, format.strict === true);
  }
  checkModelOptions(read.model ?? '', read);
}

/** What reasoning models refuse, and what only they take. */
function checkModelOptions(model: string, read: any): void {
  const unsupported = (param: string, hint = '') =>
    new Refused(400, `Unsupported parameter: '${param}' is not supported with this model.${hint}`, {
      param,
      code: 'unsupported_parameter',
    });
  if (!isReasoningModel(model)) {
    if (read.reasoning_effort != null) throw unsupported('reasoning_effort');
    return;
  }
  if (read.tools?.length > 0 && refusesTools(model, read.reasoning_effort)) {
    throw new Refused(
      400,
      `Function tools with reasoning_effort are not supported for ${model} in /v1/chat/completions. To use function tools, use /v1/responses or set reasoning_effort to 'none'.`,
      { param: 'reasoning_effort' },
    );
  }
  if (read.max_tokens != null) throw unsupported('max_tokens', " Use 'max_completion_tokens' instead.");
  for (const param of ['presence_penalty', 'frequency_penalty', 'logprobs', 'top_logprobs', 'stop']) {
    if (read[param] != null && read[param] !== false) throw unsupported(param);
  }
  for (const param of ['temperature', 'top_p']) {
    if (read[param] != null && read[param] !== 1) {
      throw new Refused(
        400,
        `Unsupported value: '${param}' does not support ${read[param]} with this model. Only the default (1) value is supported.`,
        { param, code: 'unsupported_value' },
      );
    }
  }
}

export function isReasoningModel(model: string): boolean {
  return /^(o\d|gpt-[5-9])/.test(model);
}

/** From GPT-5.4 on when an effort is asked for; later models have one by default. */
function refusesTools(model: string, effort: string | null | undefined): boolean {
  if (/^gpt-5\.[45]/.test(model)) return effort != null && effort !== 'none';
  return /^gpt-(5\.[6-9]|[6-9])/.test(model) && effort !== 'none';
}

export function imageOf(part: any): { mimeType: string; byteLength: number } {
  const url: string = typeof part.image_url === 'string' ? part.image_url : part.image_url.url;
  return imageOfUrl(url);
}

export function imageOfUrl(url: string): { mimeType: string; byteLength: number } {
  if (/^https?:\/\/[^\s]+$/.test(url)) return { mimeType: 'url', byteLength: url.length };
  const match = /^data:([^;,]+);base64,(.*)$/s.exec(url);
  const bytes = decodeBase64(match?.[2]);
  if (!match || !bytes) {
    throw new Refused(400, `Invalid base64 image_url.`, { code: 'invalid_base64' });
  }
  const mimeType = match[1] ?? '';
  if (sniffImage(bytes) !== mimeType) {
    throw new Refused(
      400,
      "You uploaded an unsupported image. Please make sure your image has of one the following formats: ['png', 'jpeg', 'gif', 'webp'].",
      { code: 'invalid_image_format' },
    );
  }
  return { mimeType, byteLength: bytes.byteLength };
}

/** Arguments in the history may be whatever the model once wrote. */
export function parsedArguments(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text);
  } catch {
    return { unparsable: text };
  }
}

function isInstruction(message: any): boolean {
  return message.role === 'system' || message.role === 'developer';
}

function listOf(content: unknown): any[] {
  return Array.isArray(content) ? content : [{ type: 'text', text: content }];
}

function textOf(content: unknown): string {
  if (content == null) return '';
  return listOf(content)
    .map((part) => part.text ?? '')
    .join('');
}
