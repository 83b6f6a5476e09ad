// What a client's body says beyond the neutral model, and so would be lost from a fingerprint of the model alone. A field
// is left out only when it is known to be modelled whole, or to change no answer; everything unknown counts.

import type { ChatRequest, DialectName } from '../model/chat.ts';
import { asArray, isObject, type JsonObject, type JsonValue } from '../model/json.ts';

/** Does the neutral request say all that this value says? */
type IsTold = (value: JsonValue, request: ChatRequest) => boolean;

const told: IsTold = () => true;
/** Names and counts, where it is sent, what is kept: no word of the answer depends on it. */
const silent: IsTold = () => true;

/** A mapping of these fields, each told; other kinds of values are told only where `others` says so. */
function fields(known: Readonly<Record<string, IsTold>>, others: IsTold = () => false): IsTold {
  return (value, request) => (isObject(value) ? rest(value, known, request) === undefined : others(value, request));
}

function listOf(item: IsTold): IsTold {
  return (value, request) => asArray(value).every((one) => one !== null && item(one, request));
}

const oneOf =
  (...values: readonly JsonValue[]): IsTold =>
  (value) =>
    values.includes(value);

const isEffortTold: IsTold = (value, { reasoning }) => reasoning?.effort === value;

const FUNCTION = { name: told, description: told, parameters: told, strict: told };

const SAMPLING: Readonly<Record<string, IsTold>> = {
  temperature: told,
  top_p: told,
  top_k: told,
  stop: told,
  seed: told,
  presence_penalty: told,
  frequency_penalty: told,
};

const OPENAI_SAMPLING: Readonly<Record<string, IsTold>> = {
  ...SAMPLING,
  model: told,
  n: told,
  max_tokens: told,
  logprobs: told,
  stream: silent,
  stream_options: silent,
  user: silent,
};

/** Of OpenAI's newer endpoints. */
const OPENAI_SILENT: Readonly<Record<string, IsTold>> = {
  safety_identifier: silent,
  metadata: silent,
  store: silent,
  service_tier: silent,
  prompt_cache_key: silent,
  prompt_cache_retention: silent,
};

const MODELLED: Readonly<Record<DialectName, Readonly<Record<string, IsTold>>>> = {
  'openai-chat': {
    ...OPENAI_SAMPLING,
    ...OPENAI_SILENT,
    messages: told,
    max_completion_tokens: told,
    top_logprobs: told,
    parallel_tool_calls: told,
    tools: listOf(fields({ type: oneOf('function'), function: fields(FUNCTION), cache_control: silent })),
    tool_choice: fields({ type: oneOf('function'), function: fields({ name: told }) }, told),
    functions: listOf(fields(FUNCTION)),
    function_call: told,
    reasoning_effort: isEffortTold,
    response_format: fields({
      type: oneOf('text', 'json_object', 'json_schema'),
      json_schema: fields({ name: told, schema: told, description: told, strict: told }),
    }),
    cache_control: silent,
  },
  'openai-completions': { ...OPENAI_SAMPLING, prompt: told, suffix: told },
  'openai-responses': {
    ...OPENAI_SILENT,
    model: told,
    instructions: told,
    // Items of other types are in no message.
    input: (value) => asArray(value).every(isToldItem),
    temperature: told,
    top_p: told,
    top_logprobs: told,
    max_output_tokens: told,
    parallel_tool_calls: told,
    tools: listOf(fields({ type: oneOf('function'), ...FUNCTION })),
    tool_choice: fields({ type: oneOf('function'), name: told }, told),
    text: fields({
      format: fields({
        type: oneOf('text', 'json_object', 'json_schema'),
        name: told,
        schema: told,
        description: told,
        strict: told,
      }),
    }),
    reasoning: fields({ effort: isEffortTold }),
    include: listOf(oneOf('message.output_text.logprobs')),
    background: oneOf(false),
    stream: silent,
    stream_options: silent,
    user: silent,
  },
  anthropic: {
    model: told,
    system: told,
    messages: told,
    max_tokens: told,
    temperature: told,
    top_p: told,
    top_k: told,
    stop_sequences: told,
    tools: told,
    tool_choice: fields({ type: told, name: told, disable_parallel_tool_use: told }),
    output_config: fields({ effort: isEffortTold, format: fields({ type: oneOf('json_schema'), schema: told }) }),
    metadata: silent,
    service_tier: silent,
    stream: silent,
    cache_control: silent,
  },
  gemini: {
    model: told,
    contents: told,
    systemInstruction: told,
    tools: listOf(isToldToolGroup),
    toolConfig: fields({ functionCallingConfig: fields({ mode: told }) }),
    generationConfig: fields({
      temperature: told,
      topP: told,
      topK: told,
      candidateCount: told,
      maxOutputTokens: told,
      stopSequences: told,
      seed: told,
      presencePenalty: told,
      frequencyPenalty: told,
      responseLogprobs: told,
      logprobs: told,
      responseMimeType: oneOf('application/json', 'text/plain'),
      responseJsonSchema: told,
    }),
    labels: silent,
  },
  ollama: {
    model: told,
    messages: told,
    tools: listOf(fields({ type: oneOf('function'), function: fields(FUNCTION) })),
    format: told,
    logprobs: told,
    top_logprobs: told,
    options: fields({ ...SAMPLING, num_predict: told }),
    keep_alive: silent,
    stream: silent,
  },
};

const TOLD_ITEMS: ReadonlySet<JsonValue | undefined> = new Set([
  'message',
  'function_call',
  'function_call_output',
  'custom_tool_call',
  'custom_tool_call_output',
]);

function isToldItem(item: JsonValue): boolean {
  return isObject(item) && (TOLD_ITEMS.has(item.type) || (item.type === undefined && item.role !== undefined));
}

/** Tools that Gemini runs itself are kept whole in the model. */
function isToldToolGroup(group: JsonValue, request: ChatRequest): boolean {
  const declared = listOf(fields({ name: told, description: told, parameters: told, parametersJsonSchema: told }));
  if (!isObject(group)) return false;
  const declarations = group.functionDeclarations ?? group.function_declarations;
  return declarations === undefined || declarations === null || declared(declarations, request);
}

/** Undefined when the neutral model has it all. */
export function unmodelledFields(request: ChatRequest): JsonObject | undefined {
  const { original } = request;
  if (!original) return undefined;
  const left = rest(original.body, MODELLED[original.dialect], request);
  const beta = original.headers?.[BETA_HEADERS[original.dialect] ?? ''];
  if (!left && beta === undefined) return undefined;
  return { dialect: original.dialect, ...(left && { fields: left }), ...(beta !== undefined && { beta }) };
}

/** Switch on features of the provider. */
const BETA_HEADERS: Readonly<Partial<Record<DialectName, string>>> = {
  anthropic: 'anthropic-beta',
  'openai-chat': 'openai-beta',
  'openai-responses': 'openai-beta',
};

function rest(
  object: JsonObject,
  known: Readonly<Record<string, IsTold>>,
  request: ChatRequest,
): JsonObject | undefined {
  let left: JsonObject | undefined;
  for (const [key, value] of Object.entries(object)) {
    // null counts as absent, as SDKs send it for unset fields.
    if (value === undefined || value === null) continue;
    const name = Object.hasOwn(known, key) ? key : camelCased(key);
    if (Object.hasOwn(known, name) && known[name]?.(value, request)) continue;
    left ??= {};
    left[key] = value;
  }
  return left;
}

/** Gemini takes both spellings. */
function camelCased(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
