// The providers flowmesh knows, as data: one row each. Adding a provider that speaks a known dialect is adding a row.
//
// Read in November 2026 from stored copies of the providers' documentation and SDKs and, where those are silent, of
// models.dev and other clients' sources; never tried against the live services. A default model stands only where one
// of them names it. The order of the rows is the order of the zero-config chain; docs/providers.md is generated.

import type { UpstreamTraits } from '../dialects/dialect.ts';
import type { DialectName } from '../model/chat.ts';
import type { AuthStyle } from './account.ts';

export interface Preset {
  /** What `provider:` names in the configuration; also the account's name when it is found by itself. */
  readonly name: string;
  readonly title: string;
  readonly dialect: DialectName;
  /** Complete up to the dialect's path. Empty: the configuration must give `url`. */
  readonly baseUrl: string;
  readonly auth: AuthStyle;
  /** Environment variables with a key; the first one that is set wins. Empty: never found by itself. */
  readonly keyVariables: readonly string[];
  /** Environment variable with another base URL, as the provider's own SDK reads it. */
  readonly urlVariable?: string;
  /** Bare model names that belong to this provider: `*` stands for anything, a leading `!` excludes. */
  readonly modelPatterns: readonly string[];
  /** Asked when nobody chose a model. */
  readonly defaultModel?: string;
  readonly traits: UpstreamTraits;
  /** Where the facts of this row can be checked. */
  readonly docs: string;
  /** Runs on the user's own machine; a key is optional. */
  readonly isLocal?: boolean;
  /** Answers inside flowmesh, without HTTP. */
  readonly isBuiltin?: boolean;
  /** Chooses among providers itself, by the request's `models` and `provider`. */
  readonly isRouter?: boolean;
}

const BEARER: AuthStyle = { type: 'bearer' };
const NO_AUTH: AuthStyle = { type: 'none' };
/** The Messages API has no default bound; every current Claude model can write this much. */
const ANTHROPIC_OUTPUT_TOKENS = 32_000;

/** What our answers tell beyond OpenAI's own, and clients send back; strict servers refuse the fields they do not know. */
const REASONING_FIELDS = ['reasoning', 'reasoning_content', 'reasoning_details'];
const PICTURES_FIELD = 'images';
const OPENAI: UpstreamTraits = {
  maxTokensField: 'max_completion_tokens',
  // Mistral's SDK sends its own fields to whatever stands behind its base URL.
  refusedFields: ['safe_prompt', 'random_seed', 'prompt_mode'],
  refusedMessageFields: ['prefix', ...REASONING_FIELDS, PICTURES_FIELD],
  // "Function tools with reasoning_effort are not supported … in /v1/chat/completions. Use /v1/responses."
  responsesModels: ['gpt-5.4*', 'gpt-5.5*', 'gpt-5.6*', 'gpt-6*'],
};
/** What servers that imitate OpenAI's chat API have in common: the older field and no developer role. */
const COMPATIBLE: UpstreamTraits = { maxTokensField: 'max_tokens', systemRole: 'system' };
const THINKING: UpstreamTraits = { ...COMPATIBLE, wantsReasoningBack: true };
/** Whatever model the operator loads, and many templates of open models fail on a second system message. */
const ANY_MODEL: UpstreamTraits = { ...COMPATIBLE, hasOneSystemMessage: true };
/**
 * Mistral forbids unknown fields, also those that other providers' answers leave in histories, sends usage in every
 * stream unasked, and wants ids of 9 alphanumerics.
 */
const MISTRAL: UpstreamTraits = {
  ...COMPATIBLE,
  dimensionsField: 'output_dimension',
  hasStreamUsage: false,
  hasShortToolCallIds: true,
  refusedFields: [
    'stream_options',
    'seed',
    'user',
    'logit_bias',
    'logprobs',
    'top_logprobs',
    'store',
    'service_tier',
    'safety_identifier',
    'prompt_cache_retention',
    'verbosity',
  ],
  refusedMessageFields: [
    'name',
    'refusal',
    'annotations',
    'audio',
    'function_call',
    ...REASONING_FIELDS,
    PICTURES_FIELD,
  ],
};
const GROQ: UpstreamTraits = {
  ...COMPATIBLE,
  refusedFields: ['logprobs', 'logit_bias', 'top_logprobs'],
  refusedMessageFields: ['name', 'reasoning_content', 'reasoning_details', PICTURES_FIELD],
};
const CEREBRAS: UpstreamTraits = {
  ...COMPATIBLE,
  refusedFields: ['frequency_penalty', 'logit_bias', 'presence_penalty', 'parallel_tool_calls', 'service_tier'],
  refusedMessageFields: ['reasoning_content', 'reasoning_details', PICTURES_FIELD],
};
/** "invalid chat setting (2013)" is its answer to a second system message. */
const MINIMAX: UpstreamTraits = {
  ...COMPATIBLE,
  maxTokensField: 'max_completion_tokens',
  hasOneSystemMessage: true,
};
/** NIM's request schema is closed: no additional properties. */
const NVIDIA: UpstreamTraits = { ...COMPATIBLE, refusedFields: ['store', 'metadata', 'service_tier', 'user'] };

const OPENAI_MODELS = [
  'gpt-*',
  '!gpt-oss*',
  'chatgpt-*',
  'o1*',
  'o3*',
  'o4*',
  'codex-*',
  'text-embedding-*',
  'omni-moderation-*',
  'text-moderation-*',
  'dall-e-*',
  'tts-1*',
  'whisper-1',
];
const MISTRAL_MODELS = [
  'mistral-*',
  'ministral-*',
  'magistral-*',
  'codestral-*',
  'devstral-*',
  'pixtral-*',
  'open-mi*',
];

// biome-ignore format: one row a provider, so that two rows can be compared and a new one is one line
export const presets: readonly Preset[] = [
  { name: 'openai', title: 'OpenAI', dialect: 'openai-chat', baseUrl: 'https://api.openai.com/v1', auth: BEARER, keyVariables: ['OPENAI_API_KEY'], urlVariable: 'OPENAI_BASE_URL', modelPatterns: OPENAI_MODELS, defaultModel: 'gpt-6.1-terra', traits: OPENAI, docs: 'https://developers.openai.com/api/docs' },
  { name: 'anthropic', title: 'Anthropic', dialect: 'anthropic', baseUrl: 'https://api.anthropic.com', auth: { type: 'header', name: 'x-api-key' }, keyVariables: ['ANTHROPIC_API_KEY'], urlVariable: 'ANTHROPIC_BASE_URL', modelPatterns: ['claude-*'], defaultModel: 'claude-sonnet-5-5', traits: { defaultMaxOutputTokens: ANTHROPIC_OUTPUT_TOKENS }, docs: 'https://platform.claude.com/docs/en/api/messages' },
  { name: 'gemini', title: 'Google Gemini', dialect: 'gemini', baseUrl: 'https://generativelanguage.googleapis.com/v1beta', auth: { type: 'header', name: 'x-goog-api-key' }, keyVariables: ['GEMINI_API_KEY', 'GOOGLE_API_KEY', 'GOOGLE_GENERATIVE_AI_API_KEY'], modelPatterns: ['gemini-*'], defaultModel: 'gemini-3.8-flash', traits: {}, docs: 'https://ai.google.dev/gemini-api/docs' },
  { name: 'azure', title: 'Azure OpenAI', dialect: 'openai-chat', baseUrl: '', auth: { type: 'header', name: 'api-key' }, keyVariables: ['AZURE_OPENAI_API_KEY', 'AZURE_API_KEY'], urlVariable: 'AZURE_OPENAI_ENDPOINT', modelPatterns: [], traits: OPENAI, docs: 'https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle' },
  { name: 'mistral', title: 'Mistral', dialect: 'openai-chat', baseUrl: 'https://api.mistral.ai/v1', auth: BEARER, keyVariables: ['MISTRAL_API_KEY'], modelPatterns: MISTRAL_MODELS, defaultModel: 'mistral-medium-latest', traits: MISTRAL, docs: 'https://docs.mistral.ai/api' },
  { name: 'groq', title: 'Groq', dialect: 'openai-chat', baseUrl: 'https://api.groq.com/openai/v1', auth: BEARER, keyVariables: ['GROQ_API_KEY'], modelPatterns: [], defaultModel: 'openai/gpt-oss-120b', traits: GROQ, docs: 'https://console.groq.com/docs/openai' },
  { name: 'deepseek', title: 'DeepSeek', dialect: 'openai-chat', baseUrl: 'https://api.deepseek.com/v1', auth: BEARER, keyVariables: ['DEEPSEEK_API_KEY'], modelPatterns: ['deepseek-*'], defaultModel: 'deepseek-flash', traits: THINKING, docs: 'https://api-docs.deepseek.com' },
  { name: 'xai', title: 'xAI', dialect: 'openai-chat', baseUrl: 'https://api.x.ai/v1', auth: BEARER, keyVariables: ['XAI_API_KEY'], modelPatterns: ['grok-*'], defaultModel: 'grok-latest', traits: COMPATIBLE, docs: 'https://docs.x.ai/docs/models' },
  { name: 'openrouter', title: 'OpenRouter', dialect: 'openai-chat', baseUrl: 'https://openrouter.ai/api/v1', auth: BEARER, keyVariables: ['OPENROUTER_API_KEY'], modelPatterns: [], defaultModel: 'openrouter/auto', traits: { maxTokensField: 'max_tokens' }, docs: 'https://openrouter.ai/docs', isRouter: true },
  { name: 'together', title: 'Together AI', dialect: 'openai-chat', baseUrl: 'https://api.together.ai/v1', auth: BEARER, keyVariables: ['TOGETHER_API_KEY', 'TOGETHER_AI_API_KEY', 'TOGETHERAI_API_KEY'], modelPatterns: [], traits: COMPATIBLE, docs: 'https://docs.together.ai/reference/chat-completions' },
  { name: 'fireworks', title: 'Fireworks AI', dialect: 'openai-chat', baseUrl: 'https://api.fireworks.ai/inference/v1', auth: BEARER, keyVariables: ['FIREWORKS_API_KEY'], modelPatterns: ['accounts/fireworks/*'], traits: COMPATIBLE, docs: 'https://docs.fireworks.ai' },
  { name: 'perplexity', title: 'Perplexity', dialect: 'openai-responses', baseUrl: 'https://api.perplexity.ai/v1', auth: BEARER, keyVariables: ['PERPLEXITY_API_KEY'], modelPatterns: ['perplexity/*'], defaultModel: 'perplexity/sonar', traits: {}, docs: 'https://docs.perplexity.ai/docs/agent-api/openai-compatibility' },
  { name: 'cohere', title: 'Cohere', dialect: 'openai-chat', baseUrl: 'https://api.cohere.ai/compatibility/v1', auth: BEARER, keyVariables: ['COHERE_API_KEY', 'CO_API_KEY'], modelPatterns: ['command-*', 'c4ai-*', 'embed-*'], defaultModel: 'command-a-03-2025', traits: COMPATIBLE, docs: 'https://docs.cohere.com/docs/compatibility-api' },
  { name: 'cerebras', title: 'Cerebras', dialect: 'openai-chat', baseUrl: 'https://api.cerebras.ai/v1', auth: BEARER, keyVariables: ['CEREBRAS_API_KEY'], modelPatterns: [], defaultModel: 'gpt-oss-120b', traits: CEREBRAS, docs: 'https://inference-docs.cerebras.ai/resources/openai' },
  { name: 'sambanova', title: 'SambaNova', dialect: 'openai-chat', baseUrl: 'https://api.sambanova.ai/v1', auth: BEARER, keyVariables: ['SAMBANOVA_API_KEY'], modelPatterns: [], defaultModel: 'Meta-Llama-3.3-70B-Instruct', traits: COMPATIBLE, docs: 'https://docs.sambanova.ai/docs/en/features/openai-compatibility' },
  { name: 'nvidia', title: 'NVIDIA NIM', dialect: 'openai-chat', baseUrl: 'https://integrate.api.nvidia.com/v1', auth: BEARER, keyVariables: ['NVIDIA_API_KEY'], modelPatterns: [], traits: NVIDIA, docs: 'https://docs.api.nvidia.com/nim/reference/llm-apis' },
  { name: 'huggingface', title: 'Hugging Face Inference Providers', dialect: 'openai-chat', baseUrl: 'https://router.huggingface.co/v1', auth: BEARER, keyVariables: ['HF_TOKEN'], modelPatterns: [], traits: COMPATIBLE, docs: 'https://huggingface.co/docs/inference-providers' },
  { name: 'moonshot', title: 'Moonshot AI', dialect: 'openai-chat', baseUrl: 'https://api.moonshot.ai/v1', auth: BEARER, keyVariables: ['MOONSHOT_API_KEY'], modelPatterns: ['kimi-*', 'moonshot-*'], traits: THINKING, docs: 'https://platform.moonshot.ai/docs/api/chat' },
  { name: 'zai', title: 'Z.AI', dialect: 'openai-chat', baseUrl: 'https://api.z.ai/api/paas/v4', auth: BEARER, keyVariables: ['ZAI_API_KEY'], modelPatterns: ['glm-*'], traits: THINKING, docs: 'https://docs.z.ai' },
  { name: 'zhipu', title: 'Zhipu AI (BigModel)', dialect: 'openai-chat', baseUrl: 'https://open.bigmodel.cn/api/paas/v4', auth: BEARER, keyVariables: ['ZHIPU_API_KEY'], modelPatterns: ['glm-*'], traits: THINKING, docs: 'https://docs.bigmodel.cn' },
  { name: 'dashscope', title: 'Alibaba Model Studio (Qwen)', dialect: 'openai-chat', baseUrl: 'https://dashscope-intl.aliyuncs.com/compatible-mode/v1', auth: BEARER, keyVariables: ['DASHSCOPE_API_KEY'], modelPatterns: ['qwen-*', 'qwq-*', 'qvq-*'], traits: ANY_MODEL, docs: 'https://www.alibabacloud.com/help/en/model-studio/models' },
  { name: 'siliconflow', title: 'SiliconFlow', dialect: 'openai-chat', baseUrl: 'https://api.siliconflow.com/v1', auth: BEARER, keyVariables: ['SILICONFLOW_API_KEY'], modelPatterns: [], traits: COMPATIBLE, docs: 'https://docs.siliconflow.com/en/api-reference/chat-completions/chat-completions' },
  { name: 'novita', title: 'Novita AI', dialect: 'openai-chat', baseUrl: 'https://api.novita.ai/openai/v1', auth: BEARER, keyVariables: ['NOVITA_API_KEY'], modelPatterns: [], traits: COMPATIBLE, docs: 'https://novita.ai/docs/api-reference/model-apis-llm-create-chat-completion' },
  { name: 'hyperbolic', title: 'Hyperbolic', dialect: 'openai-chat', baseUrl: 'https://api.hyperbolic.xyz/v1', auth: BEARER, keyVariables: ['HYPERBOLIC_API_KEY'], modelPatterns: [], traits: COMPATIBLE, docs: 'https://docs.hyperbolic.ai' },
  { name: 'deepinfra', title: 'DeepInfra', dialect: 'openai-chat', baseUrl: 'https://api.deepinfra.com/v1/openai', auth: BEARER, keyVariables: ['DEEPINFRA_API_KEY'], modelPatterns: [], traits: COMPATIBLE, docs: 'https://docs.deepinfra.com/api-reference/chat-completions/openai-chat-completions' },
  { name: 'vercel', title: 'Vercel AI Gateway', dialect: 'openai-chat', baseUrl: 'https://ai-gateway.vercel.sh/v1', auth: BEARER, keyVariables: ['AI_GATEWAY_API_KEY'], modelPatterns: [], traits: { maxTokensField: 'max_tokens' }, docs: 'https://vercel.com/docs/ai-gateway/sdks-and-apis/openai-chat-completions' },
  { name: 'minimax', title: 'MiniMax', dialect: 'openai-chat', baseUrl: 'https://api.minimax.io/v1', auth: BEARER, keyVariables: ['MINIMAX_API_KEY'], modelPatterns: ['minimax-*'], defaultModel: 'MiniMax-M3', traits: MINIMAX, docs: 'https://platform.minimax.io/docs/api-reference/text-openai-api' },
  { name: 'scaleway', title: 'Scaleway', dialect: 'openai-chat', baseUrl: 'https://api.scaleway.ai/v1', auth: BEARER, keyVariables: ['SCALEWAY_API_KEY'], modelPatterns: [], traits: COMPATIBLE, docs: 'https://www.scaleway.com/en/docs/generative-apis/' },
  { name: 'ovh', title: 'OVHcloud AI Endpoints', dialect: 'openai-chat', baseUrl: 'https://oai.endpoints.kepler.ai.cloud.ovh.net/v1', auth: BEARER, keyVariables: ['OVHCLOUD_API_KEY', 'OVH_AI_ENDPOINTS_ACCESS_TOKEN'], modelPatterns: [], defaultModel: 'gpt-oss-120b', traits: COMPATIBLE, docs: 'https://www.ovhcloud.com/en/public-cloud/ai-endpoints/catalog/' },
  { name: 'nebius', title: 'Nebius Token Factory', dialect: 'openai-chat', baseUrl: 'https://api.tokenfactory.nebius.com/v1', auth: BEARER, keyVariables: ['NEBIUS_API_KEY'], modelPatterns: [], traits: COMPATIBLE, docs: 'https://docs.tokenfactory.nebius.com' },
  { name: 'openai-responses', title: 'OpenAI by its Responses API', dialect: 'openai-responses', baseUrl: 'https://api.openai.com/v1', auth: BEARER, keyVariables: [], modelPatterns: [], traits: {}, docs: 'https://developers.openai.com/api/docs' },
  { name: 'ollama', title: 'Ollama', dialect: 'ollama', baseUrl: 'http://127.0.0.1:11434', auth: BEARER, keyVariables: [], modelPatterns: [], traits: {}, docs: 'https://docs.ollama.com/api', isLocal: true },
  { name: 'llamacpp', title: 'llama.cpp server', dialect: 'openai-chat', baseUrl: 'http://127.0.0.1:8080/v1', auth: BEARER, keyVariables: [], modelPatterns: [], traits: ANY_MODEL, docs: 'https://github.com/ggml-org/llama.cpp/tree/master/tools/server', isLocal: true },
  { name: 'lmstudio', title: 'LM Studio', dialect: 'openai-chat', baseUrl: 'http://127.0.0.1:1234/v1', auth: BEARER, keyVariables: [], modelPatterns: [], traits: ANY_MODEL, docs: 'https://lmstudio.ai/docs/developer/openai-compat', isLocal: true },
  { name: 'vllm', title: 'vLLM', dialect: 'openai-chat', baseUrl: 'http://127.0.0.1:8000/v1', auth: BEARER, keyVariables: [], modelPatterns: [], traits: ANY_MODEL, docs: 'https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html', isLocal: true },
  { name: 'localai', title: 'LocalAI', dialect: 'openai-chat', baseUrl: 'http://127.0.0.1:8080/v1', auth: BEARER, keyVariables: [], modelPatterns: [], traits: ANY_MODEL, docs: 'https://localai.io', isLocal: true },
  { name: 'jan', title: 'Jan', dialect: 'openai-chat', baseUrl: 'http://127.0.0.1:1337/v1', auth: BEARER, keyVariables: [], modelPatterns: [], traits: ANY_MODEL, docs: 'https://jan.ai/docs/local-api', isLocal: true },
  { name: 'local', title: 'Any local OpenAI-compatible server', dialect: 'openai-chat', baseUrl: '', auth: BEARER, keyVariables: [], modelPatterns: [], traits: ANY_MODEL, docs: '', isLocal: true },
  { name: 'openai-compatible', title: 'Any OpenAI-compatible server', dialect: 'openai-chat', baseUrl: '', auth: BEARER, keyVariables: [], modelPatterns: [], traits: ANY_MODEL, docs: '' },
  { name: 'flowmesh', title: 'Built-in extractive answerer', dialect: 'openai-chat', baseUrl: '', auth: NO_AUTH, keyVariables: [], modelPatterns: ['flowmesh/*'], defaultModel: 'extractive', traits: {}, docs: '', isBuiltin: true },
];
