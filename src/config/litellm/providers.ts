// LiteLLM's provider prefixes and ours. https://docs.litellm.ai/docs/providers

export interface LitellmProvider {
  readonly provider: string;
  /** The variable LiteLLM reads when a deployment gives no api_key. */
  readonly keyVariable?: string;
}

const COMPATIBLE: LitellmProvider = { provider: 'openai-compatible' };

const BY_PREFIX: Readonly<Record<string, LitellmProvider>> = {
  openai: { provider: 'openai', keyVariable: 'OPENAI_API_KEY' },
  'text-completion-openai': { provider: 'openai', keyVariable: 'OPENAI_API_KEY' },
  anthropic: { provider: 'anthropic', keyVariable: 'ANTHROPIC_API_KEY' },
  gemini: { provider: 'gemini', keyVariable: 'GEMINI_API_KEY' },
  azure: { provider: 'azure', keyVariable: 'AZURE_API_KEY' },
  azure_text: { provider: 'azure', keyVariable: 'AZURE_API_KEY' },
  mistral: { provider: 'mistral', keyVariable: 'MISTRAL_API_KEY' },
  groq: { provider: 'groq', keyVariable: 'GROQ_API_KEY' },
  deepseek: { provider: 'deepseek', keyVariable: 'DEEPSEEK_API_KEY' },
  xai: { provider: 'xai', keyVariable: 'XAI_API_KEY' },
  openrouter: { provider: 'openrouter', keyVariable: 'OPENROUTER_API_KEY' },
  together_ai: { provider: 'together', keyVariable: 'TOGETHERAI_API_KEY' },
  fireworks_ai: { provider: 'fireworks', keyVariable: 'FIREWORKS_API_KEY' },
  perplexity: { provider: 'perplexity', keyVariable: 'PERPLEXITYAI_API_KEY' },
  cohere: { provider: 'cohere', keyVariable: 'COHERE_API_KEY' },
  cohere_chat: { provider: 'cohere', keyVariable: 'COHERE_API_KEY' },
  cerebras: { provider: 'cerebras', keyVariable: 'CEREBRAS_API_KEY' },
  sambanova: { provider: 'sambanova', keyVariable: 'SAMBANOVA_API_KEY' },
  nvidia_nim: { provider: 'nvidia', keyVariable: 'NVIDIA_NIM_API_KEY' },
  moonshot: { provider: 'moonshot', keyVariable: 'MOONSHOT_API_KEY' },
  zai: { provider: 'zai', keyVariable: 'ZAI_API_KEY' },
  dashscope: { provider: 'dashscope', keyVariable: 'DASHSCOPE_API_KEY' },
  novita: { provider: 'novita', keyVariable: 'NOVITA_API_KEY' },
  hyperbolic: { provider: 'hyperbolic', keyVariable: 'HYPERBOLIC_API_KEY' },
  deepinfra: { provider: 'deepinfra', keyVariable: 'DEEPINFRA_API_KEY' },
  vercel_ai_gateway: { provider: 'vercel', keyVariable: 'VERCEL_AI_GATEWAY_API_KEY' },
  minimax: { provider: 'minimax', keyVariable: 'MINIMAX_API_KEY' },
  nebius: { provider: 'nebius', keyVariable: 'NEBIUS_API_KEY' },
  ovhcloud: { provider: 'ovh', keyVariable: 'OVHCLOUD_API_KEY' },
  ollama: { provider: 'ollama' },
  ollama_chat: { provider: 'ollama' },
  vllm: { provider: 'vllm' },
  hosted_vllm: { provider: 'vllm' },
  lm_studio: { provider: 'lmstudio' },
  llamafile: COMPATIBLE,
  xinference: COMPATIBLE,
  infinity: COMPATIBLE,
  openai_like: COMPATIBLE,
  custom_openai: COMPATIBLE,
  litellm_proxy: COMPATIBLE,
};

/** Names without a prefix that LiteLLM knows the provider of. */
const BY_NAME: readonly (readonly [RegExp, string])[] = [
  [/^claude-/, 'anthropic'],
  [/^(gpt-|chatgpt-|o\d|ft:gpt|text-embedding-|davinci|babbage)/, 'openai'],
];

export interface LitellmModel {
  readonly prefix: string;
  /** The provider's own name of the model. */
  readonly model: string;
  /** Undefined when flowmesh does not speak to this provider. */
  readonly known: LitellmProvider | undefined;
}

/** `groq/llama-3` → Groq's `llama-3`; `gpt-4o` → OpenAI's; `custom_llm_provider` says it in so many words. */
export function readModel(written: string, customProvider: string | undefined): LitellmModel {
  if (customProvider !== undefined) return { prefix: customProvider, model: written, known: BY_PREFIX[customProvider] };
  const slash = written.indexOf('/');
  const prefix = slash < 0 ? '' : written.slice(0, slash);
  if (Object.hasOwn(BY_PREFIX, prefix)) return { prefix, model: written.slice(slash + 1), known: BY_PREFIX[prefix] };
  const byName = BY_NAME.find(([pattern]) => pattern.test(written))?.[1];
  if (byName !== undefined) return { prefix: byName, model: written, known: BY_PREFIX[byName] };
  return { prefix: prefix === '' ? written : prefix, model: written.slice(slash + 1), known: undefined };
}
