// The built-in table of models: what each costs, how much it holds and what it can do. One row a model.
//
// Read on the date below from stored copies of Anthropic's and Groq's documentation and from two tables that others keep
// (LiteLLM 1.109.1 and genai-prices 0.2.3, both MIT); nothing was asked of the live services. A row names its provider's
// page where two of these agree, and the one table where only that has it. Where they contradict each other a row has no
// price, or says so in its remark. Prices are the providers' standard ones: no batch, flex or priority rates.

import type { Capability } from '../model/capability.ts';
import type { ModelFacts, PriceChange } from './price.ts';

const DATE = '2026-11-22';

const GENAI_PRICES = 'https://github.com/pydantic/genai-prices';
const LITELLM = 'https://github.com/BerriAI/litellm/blob/main/model_prices_and_context_window.json';

const TEXT: readonly Capability[] = ['tools', 'json-schema'];
const IMAGES: readonly Capability[] = [...TEXT, 'images'];
const DOCUMENTS: readonly Capability[] = [...IMAGES, 'documents'];
const REASONING_TEXT: readonly Capability[] = [...TEXT, 'reasoning'];
const REASONING_IMAGES: readonly Capability[] = [...IMAGES, 'reasoning'];
const REASONING_DOCUMENTS: readonly Capability[] = [...DOCUMENTS, 'reasoning'];
const EVERYTHING: readonly Capability[] = [...REASONING_DOCUMENTS, 'audio'];
const EMBEDDINGS: readonly Capability[] = ['embeddings'];

const LARGE_4 = 'In force since 2026-10-29 as one table has it; the other still has 1.36 and 4.18.';
const PEAK = 'The price of the peak hours (01:00–04:00 and 06:00–10:00 UTC, Monday to Friday); all others are half.';
/** The end of the introductory price that the Flash models have had since 3.6. */
const IN_2027: readonly PriceChange[] = [{ from: '2027-01-01', price: { input: 1.5, output: 7.5, cacheRead: 0.15 } }];

type Row = Omit<ModelFacts, 'provider' | 'source' | 'date'> & Partial<Pick<ModelFacts, 'source'>>;

interface Section {
  readonly provider: string;
  readonly source: string;
  readonly rows: readonly Row[];
}

// biome-ignore format: one row a line
const SECTIONS: readonly Section[] = [
  {
    provider: 'openai',
    source: 'https://developers.openai.com/api/docs/pricing',
    rows: [
      { model: 'chat-latest', price: { input: 5, output: 30, cacheRead: 0.5 }, contextLength: 400_000, maxOutputTokens: 128_000, capabilities: REASONING_DOCUMENTS },
      { model: 'gpt-4.1', price: { input: 2, output: 8, cacheRead: 0.5 }, contextLength: 1_047_576, maxOutputTokens: 32_768, capabilities: DOCUMENTS },
      { model: 'gpt-4.1-mini', price: { input: 0.4, output: 1.6, cacheRead: 0.1 }, contextLength: 1_047_576, maxOutputTokens: 32_768, capabilities: DOCUMENTS },
      { model: 'gpt-4o', price: { input: 2.5, output: 10, cacheRead: 1.25 }, contextLength: 128_000, maxOutputTokens: 16_384, capabilities: DOCUMENTS },
      { model: 'gpt-4o-mini', price: { input: 0.15, output: 0.6, cacheRead: 0.075 }, contextLength: 128_000, maxOutputTokens: 16_384, capabilities: DOCUMENTS },
      { model: 'gpt-5', price: { input: 1.25, output: 10, cacheRead: 0.125 }, contextLength: 400_000, maxOutputTokens: 128_000, capabilities: REASONING_DOCUMENTS },
      { model: 'gpt-5-mini', price: { input: 0.25, output: 2, cacheRead: 0.025 }, contextLength: 400_000, maxOutputTokens: 128_000, capabilities: REASONING_DOCUMENTS },
      { model: 'gpt-5-nano', price: { input: 0.05, output: 0.4, cacheRead: 0.005 }, contextLength: 400_000, maxOutputTokens: 128_000, capabilities: REASONING_DOCUMENTS },
      { model: 'gpt-5-pro', price: { input: 15, output: 120 }, contextLength: 400_000, maxOutputTokens: 272_000, capabilities: REASONING_DOCUMENTS },
      { model: 'gpt-5.1', price: { input: 1.25, output: 10, cacheRead: 0.125 }, contextLength: 400_000, maxOutputTokens: 128_000, capabilities: REASONING_DOCUMENTS },
      { model: 'gpt-5.2', price: { input: 1.75, output: 14, cacheRead: 0.175 }, contextLength: 400_000, maxOutputTokens: 128_000, capabilities: REASONING_DOCUMENTS },
      { model: 'gpt-5.2-pro', price: { input: 21, output: 168 }, contextLength: 400_000, maxOutputTokens: 128_000, capabilities: REASONING_DOCUMENTS },
      { model: 'gpt-5.3-codex', price: { input: 1.75, output: 14, cacheRead: 0.175 }, contextLength: 400_000, maxOutputTokens: 128_000, capabilities: REASONING_DOCUMENTS },
      { model: 'gpt-5.4', price: { input: 2.5, output: 15, cacheRead: 0.25, tiers: [{ aboveInputTokens: 272_000, price: { input: 5, output: 22.5, cacheRead: 0.5 } }] }, contextLength: 1_050_000, maxOutputTokens: 128_000, capabilities: REASONING_DOCUMENTS },
      { model: 'gpt-5.4-mini', price: { input: 0.75, output: 4.5, cacheRead: 0.075 }, contextLength: 400_000, maxOutputTokens: 128_000, capabilities: REASONING_DOCUMENTS },
      { model: 'gpt-5.4-nano', price: { input: 0.2, output: 1.25, cacheRead: 0.02 }, contextLength: 400_000, maxOutputTokens: 128_000, capabilities: REASONING_DOCUMENTS },
      { model: 'gpt-5.4-pro', price: { input: 30, output: 180, tiers: [{ aboveInputTokens: 272_000, price: { input: 60, output: 270 } }] }, contextLength: 1_050_000, maxOutputTokens: 128_000, capabilities: ['tools', 'images', 'documents', 'reasoning'] },
      { model: 'gpt-5.5', price: { input: 5, output: 30, cacheRead: 0.5, tiers: [{ aboveInputTokens: 272_000, price: { input: 10, output: 45, cacheRead: 1 } }] }, contextLength: 1_050_000, maxOutputTokens: 128_000, capabilities: REASONING_DOCUMENTS },
      { model: 'gpt-5.5-pro', price: { input: 30, output: 180, tiers: [{ aboveInputTokens: 272_000, price: { input: 60, output: 270 } }] }, contextLength: 1_050_000, maxOutputTokens: 128_000, capabilities: ['tools', 'images', 'documents', 'reasoning'] },
      { model: 'gpt-5.6', price: { input: 4, output: 20, cacheRead: 0.4, cacheWrite: 5, tiers: [{ aboveInputTokens: 272_000, price: { input: 8, output: 30, cacheRead: 0.8, cacheWrite: 10 } }] }, contextLength: 1_050_000, maxOutputTokens: 128_000, capabilities: REASONING_DOCUMENTS },
      { model: 'gpt-5.6-luna', price: { input: 0.2, output: 1.2, cacheRead: 0.02, cacheWrite: 0.25, tiers: [{ aboveInputTokens: 272_000, price: { input: 0.4, output: 1.8, cacheRead: 0.04, cacheWrite: 0.5 } }] }, contextLength: 1_050_000, maxOutputTokens: 128_000, capabilities: REASONING_DOCUMENTS },
      { model: 'gpt-5.6-sol', price: { input: 4, output: 20, cacheRead: 0.4, cacheWrite: 5, tiers: [{ aboveInputTokens: 272_000, price: { input: 8, output: 30, cacheRead: 0.8, cacheWrite: 10 } }] }, contextLength: 1_050_000, maxOutputTokens: 128_000, capabilities: REASONING_DOCUMENTS },
      { model: 'gpt-5.6-terra', price: { input: 2, output: 12, cacheRead: 0.2, cacheWrite: 2.5, tiers: [{ aboveInputTokens: 272_000, price: { input: 4, output: 18, cacheRead: 0.4, cacheWrite: 5 } }] }, contextLength: 1_050_000, maxOutputTokens: 128_000, capabilities: REASONING_DOCUMENTS },
      { model: 'gpt-6-astra', price: { input: 10, output: 50, cacheRead: 1, cacheWrite: 12.5, tiers: [{ aboveInputTokens: 272_000, price: { input: 20, output: 75, cacheRead: 2, cacheWrite: 25 } }] }, contextLength: 1_050_000, maxOutputTokens: 128_000, capabilities: REASONING_DOCUMENTS },
      { model: 'gpt-6-luna', price: { input: 0.1, output: 0.5, cacheRead: 0.01, cacheWrite: 0.125, tiers: [{ aboveInputTokens: 272_000, price: { input: 0.2, output: 0.75, cacheRead: 0.02, cacheWrite: 0.25 } }] }, contextLength: 1_050_000, maxOutputTokens: 128_000, capabilities: REASONING_DOCUMENTS },
      { model: 'gpt-6-sol', price: { input: 2, output: 10, cacheRead: 0.2, cacheWrite: 2.5, tiers: [{ aboveInputTokens: 272_000, price: { input: 4, output: 15, cacheRead: 0.4, cacheWrite: 5 } }] }, contextLength: 1_050_000, maxOutputTokens: 128_000, capabilities: REASONING_DOCUMENTS },
      { model: 'gpt-6.1-sol', price: { input: 2, output: 10, cacheRead: 0.1, cacheWrite: 2.5, tiers: [{ aboveInputTokens: 272_000, price: { input: 4, output: 15, cacheRead: 0.2, cacheWrite: 5 } }] }, contextLength: 1_050_000, maxOutputTokens: 128_000, capabilities: REASONING_DOCUMENTS },
      { model: 'gpt-6.1-terra', price: { input: 1, output: 5, cacheRead: 0.05, cacheWrite: 1.25, tiers: [{ aboveInputTokens: 272_000, price: { input: 2, output: 7.5, cacheRead: 0.1, cacheWrite: 2.5 } }] }, contextLength: 1_050_000, maxOutputTokens: 128_000, capabilities: REASONING_DOCUMENTS },
      { model: 'o3', price: { input: 2, output: 8, cacheRead: 0.5 }, contextLength: 200_000, maxOutputTokens: 100_000, capabilities: REASONING_DOCUMENTS },
      { model: 'o3-pro', price: { input: 20, output: 80 }, contextLength: 200_000, maxOutputTokens: 100_000, capabilities: REASONING_DOCUMENTS },
      { model: 'text-embedding-3-large', price: { input: 0.13, output: 0 }, contextLength: 8_191, capabilities: EMBEDDINGS },
      { model: 'text-embedding-3-small', price: { input: 0.02, output: 0 }, contextLength: 8_191, capabilities: EMBEDDINGS },
    ],
  },
  {
    provider: 'anthropic',
    source: 'https://platform.claude.com/docs/en/about-claude/pricing',
    rows: [
      { model: 'claude-fable-5', price: { input: 10, output: 50, cacheRead: 1, cacheWrite: 12.5 }, contextLength: 1_000_000, maxOutputTokens: 128_000, capabilities: REASONING_DOCUMENTS },
      { model: 'claude-fable-5-1', price: { input: 10, output: 50, cacheRead: 0.25, cacheWrite: 12.5 }, contextLength: 1_000_000, maxOutputTokens: 128_000, capabilities: REASONING_DOCUMENTS },
      { model: 'claude-fable-5-2', price: { input: 8, output: 40, cacheRead: 0.2, cacheWrite: 10 }, contextLength: 1_000_000, capabilities: REASONING_DOCUMENTS, source: GENAI_PRICES },
      { model: 'claude-haiku-4-5', price: { input: 1, output: 5, cacheRead: 0.1, cacheWrite: 1.25 }, contextLength: 200_000, maxOutputTokens: 64_000, capabilities: REASONING_DOCUMENTS },
      { model: 'claude-haiku-5-5', price: { input: 0.1, output: 0.5, cacheRead: 0.01, cacheWrite: 0.125, tiers: [{ aboveInputTokens: 100_000, price: { input: 0.5, output: 2.5, cacheRead: 0.05, cacheWrite: 0.625 } }] }, contextLength: 1_000_000, maxOutputTokens: 128_000, capabilities: REASONING_DOCUMENTS },
      { model: 'claude-mythos-5', price: { input: 10, output: 50, cacheRead: 1, cacheWrite: 12.5 }, contextLength: 1_000_000, maxOutputTokens: 128_000, capabilities: REASONING_DOCUMENTS },
      { model: 'claude-mythos-5-1', price: { input: 10, output: 50, cacheRead: 0.25, cacheWrite: 12.5 }, contextLength: 1_000_000, maxOutputTokens: 128_000, capabilities: REASONING_DOCUMENTS },
      { model: 'claude-opus-4-5', price: { input: 5, output: 25, cacheRead: 0.5, cacheWrite: 6.25 }, contextLength: 200_000, maxOutputTokens: 64_000, capabilities: REASONING_DOCUMENTS },
      { model: 'claude-opus-4-6', price: { input: 5, output: 25, cacheRead: 0.5, cacheWrite: 6.25 }, contextLength: 1_000_000, maxOutputTokens: 128_000, capabilities: REASONING_DOCUMENTS },
      { model: 'claude-opus-4-7', price: { input: 5, output: 25, cacheRead: 0.5, cacheWrite: 6.25 }, contextLength: 1_000_000, maxOutputTokens: 128_000, capabilities: REASONING_DOCUMENTS },
      { model: 'claude-opus-4-8', price: { input: 5, output: 25, cacheRead: 0.5, cacheWrite: 6.25 }, contextLength: 1_000_000, maxOutputTokens: 128_000, capabilities: REASONING_DOCUMENTS },
      { model: 'claude-opus-5', price: { input: 5, output: 25, cacheRead: 0.5, cacheWrite: 6.25 }, contextLength: 1_000_000, maxOutputTokens: 128_000, capabilities: REASONING_DOCUMENTS },
      { model: 'claude-opus-5-5', price: { input: 4, output: 20, cacheRead: 0.2, cacheWrite: 5 }, contextLength: 1_000_000, maxOutputTokens: 128_000, capabilities: REASONING_DOCUMENTS },
      { model: 'claude-sonnet-4-5', price: { input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75 }, contextLength: 200_000, maxOutputTokens: 64_000, capabilities: REASONING_DOCUMENTS },
      { model: 'claude-sonnet-4-6', price: { input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75 }, contextLength: 1_000_000, maxOutputTokens: 128_000, capabilities: REASONING_DOCUMENTS },
      { model: 'claude-sonnet-5', price: { input: 2, output: 10, cacheRead: 0.2, cacheWrite: 2.5 }, contextLength: 1_000_000, maxOutputTokens: 128_000, capabilities: REASONING_DOCUMENTS },
      { model: 'claude-sonnet-5-5', price: { input: 2, output: 10, cacheRead: 0.1, cacheWrite: 2.5 }, contextLength: 1_000_000, maxOutputTokens: 128_000, capabilities: REASONING_DOCUMENTS },
    ],
  },
  {
    provider: 'gemini',
    source: 'https://ai.google.dev/gemini-api/docs/pricing',
    rows: [
      { model: 'gemini-2.5-flash', price: { input: 0.3, output: 2.5, cacheRead: 0.03 }, contextLength: 1_048_576, maxOutputTokens: 65_536, capabilities: EVERYTHING },
      { model: 'gemini-2.5-flash-lite', price: { input: 0.1, output: 0.4, cacheRead: 0.01 }, contextLength: 1_048_576, maxOutputTokens: 65_536, capabilities: EVERYTHING },
      { model: 'gemini-2.5-pro', price: { input: 1.25, output: 10, cacheRead: 0.125, tiers: [{ aboveInputTokens: 200_000, price: { input: 2.5, output: 15, cacheRead: 0.25 } }] }, contextLength: 1_048_576, maxOutputTokens: 65_536, capabilities: EVERYTHING },
      { model: 'gemini-3-flash-preview', price: { input: 0.5, output: 3, cacheRead: 0.05 }, contextLength: 1_048_576, maxOutputTokens: 65_536, capabilities: EVERYTHING },
      { model: 'gemini-3.1-flash-lite', price: { input: 0.25, output: 1.5, cacheRead: 0.025 }, contextLength: 1_048_576, maxOutputTokens: 65_536, capabilities: EVERYTHING },
      { model: 'gemini-3.1-pro-preview', price: { input: 2, output: 12, cacheRead: 0.2, tiers: [{ aboveInputTokens: 200_000, price: { input: 4, output: 18, cacheRead: 0.4 } }] }, contextLength: 1_048_576, maxOutputTokens: 65_536, capabilities: EVERYTHING },
      { model: 'gemini-3.5-flash', price: { input: 1.5, output: 9, cacheRead: 0.15 }, contextLength: 1_048_576, maxOutputTokens: 65_536, capabilities: EVERYTHING },
      { model: 'gemini-3.5-flash-lite', price: { input: 0.3, output: 2.5, cacheRead: 0.03 }, contextLength: 1_048_576, maxOutputTokens: 65_536, capabilities: EVERYTHING },
      { model: 'gemini-3.6-flash', price: { input: 0.75, output: 3.75, cacheRead: 0.075 }, changes: IN_2027, contextLength: 1_048_576, maxOutputTokens: 65_536, capabilities: EVERYTHING },
      { model: 'gemini-3.7-flash', price: { input: 0.75, output: 3.75, cacheRead: 0.075 }, changes: IN_2027, contextLength: 1_048_576, maxOutputTokens: 65_536, capabilities: EVERYTHING },
      { model: 'gemini-3.8-flash', price: { input: 0.75, output: 3.75, cacheRead: 0.075 }, changes: IN_2027, contextLength: 1_048_576, maxOutputTokens: 65_536, capabilities: EVERYTHING },
      { model: 'gemini-4-argon', price: { input: 2, output: 10, cacheRead: 0.1 }, changes: [{ from: '2026-12-01', price: { input: 4, output: 20, cacheRead: 0.2 } }], contextLength: 1_048_576, capabilities: EVERYTHING },
      { model: 'gemini-embedding-001', price: { input: 0.15, output: 0 }, contextLength: 2_048, capabilities: EMBEDDINGS },
      { model: 'gemini-embedding-2', price: { input: 0.2, output: 0 }, contextLength: 8_192, capabilities: EMBEDDINGS },
      { model: 'gemini-flash-latest', price: { input: 0.75, output: 3.75, cacheRead: 0.075 }, changes: IN_2027, contextLength: 1_048_576, maxOutputTokens: 65_536, capabilities: EVERYTHING },
      { model: 'gemini-flash-lite-latest', price: { input: 0.3, output: 2.5, cacheRead: 0.03 }, contextLength: 1_048_576, maxOutputTokens: 65_536, capabilities: EVERYTHING },
      { model: 'gemini-pro-latest', price: { input: 2, output: 12, cacheRead: 0.2, tiers: [{ aboveInputTokens: 200_000, price: { input: 4, output: 18, cacheRead: 0.4 } }] }, contextLength: 1_048_576, maxOutputTokens: 65_536, capabilities: EVERYTHING },
    ],
  },
  {
    provider: 'mistral',
    source: 'https://docs.mistral.ai/inference/pricing',
    rows: [
      { model: 'codestral-2508', price: { input: 0.3, output: 0.9, cacheRead: 0.03 }, contextLength: 128_000, capabilities: TEXT },
      { model: 'codestral-embed', price: { input: 0.15, output: 0 }, contextLength: 8_192, capabilities: EMBEDDINGS },
      { model: 'codestral-latest', price: { input: 0.3, output: 0.9, cacheRead: 0.03 }, contextLength: 128_000, capabilities: TEXT },
      { model: 'ministral-3b-2512', price: { input: 0.1, output: 0.1, cacheRead: 0.01 }, contextLength: 131_072, capabilities: IMAGES },
      { model: 'ministral-8b-2512', price: { input: 0.15, output: 0.15, cacheRead: 0.015 }, contextLength: 262_144, capabilities: IMAGES },
      { model: 'ministral-8b-latest', price: { input: 0.15, output: 0.15, cacheRead: 0.015 }, contextLength: 262_144, capabilities: IMAGES },
      { model: 'ministral-14b-2512', price: { input: 0.2, output: 0.2, cacheRead: 0.02 }, contextLength: 262_144, capabilities: IMAGES },
      { model: 'mistral-embed', price: { input: 0.1, output: 0 }, contextLength: 8_192, capabilities: EMBEDDINGS },
      { model: 'mistral-large-4', price: { input: 0.7, output: 2.1, cacheRead: 0.07 }, capabilities: REASONING_IMAGES, source: GENAI_PRICES, remark: LARGE_4 },
      { model: 'mistral-large-4-0', price: { input: 0.7, output: 2.1, cacheRead: 0.07 }, capabilities: REASONING_IMAGES, source: GENAI_PRICES, remark: LARGE_4 },
      { model: 'mistral-large-2512', price: { input: 0.5, output: 1.5, cacheRead: 0.05 }, contextLength: 262_144, capabilities: IMAGES },
      { model: 'mistral-large-latest', capabilities: IMAGES, remark: 'Which Mistral Large the alias means could not be told: name the version.' },
      { model: 'mistral-medium-3-5', price: { input: 1.5, output: 7.5, cacheRead: 0.15 }, contextLength: 262_144, capabilities: REASONING_IMAGES },
      { model: 'mistral-medium-2604', price: { input: 1.5, output: 7.5, cacheRead: 0.15 }, contextLength: 262_144, capabilities: REASONING_IMAGES },
      { model: 'mistral-medium-latest', price: { input: 1.5, output: 7.5, cacheRead: 0.15 }, contextLength: 262_144, capabilities: REASONING_IMAGES },
      { model: 'mistral-small-2603', price: { input: 0.15, output: 0.6, cacheRead: 0.015 }, contextLength: 262_144, capabilities: REASONING_IMAGES },
      { model: 'mistral-small-latest', price: { input: 0.15, output: 0.6, cacheRead: 0.015 }, contextLength: 262_144, capabilities: REASONING_IMAGES },
      { model: 'voxtral-small-latest', price: { input: 0.1, output: 0.4, cacheRead: 0.01 }, contextLength: 32_768, capabilities: ['tools', 'audio', 'json-schema'] },
      { model: 'zai-glm-5-3', price: { input: 1.4, output: 4.4, cacheRead: 0.14 }, contextLength: 1_048_576, capabilities: REASONING_TEXT },
      { model: 'zai-glm-5-3-flash', price: { input: 0.15, output: 0.5, cacheRead: 0.03 }, contextLength: 1_048_576, capabilities: REASONING_IMAGES },
    ],
  },
  {
    provider: 'groq',
    source: 'https://console.groq.com/docs/models',
    rows: [
      { model: 'openai/gpt-oss-20b', price: { input: 0.075, output: 0.3, cacheRead: 0.0375 }, contextLength: 131_072, maxOutputTokens: 65_536, capabilities: REASONING_TEXT },
      { model: 'openai/gpt-oss-120b', price: { input: 0.15, output: 0.6, cacheRead: 0.075 }, contextLength: 131_072, maxOutputTokens: 65_536, capabilities: REASONING_TEXT },
      { model: 'openai/gpt-oss-safeguard-20b', price: { input: 0.075, output: 0.3 }, contextLength: 131_072, maxOutputTokens: 65_536, capabilities: REASONING_TEXT },
      { model: 'qwen/qwen3.8-27b', price: { input: 0.8, output: 4 }, contextLength: 131_072, maxOutputTokens: 16_384, capabilities: REASONING_IMAGES },
    ],
  },
  {
    provider: 'deepseek',
    source: 'https://api-docs.deepseek.com/quick_start/pricing',
    rows: [
      { model: 'deepseek-flash', price: { input: 0.3, output: 1.2, cacheRead: 0.006 }, contextLength: 1_000_000, maxOutputTokens: 393_216, capabilities: REASONING_IMAGES, remark: PEAK },
      { model: 'deepseek-v4-flash', price: { input: 0.3, output: 1.2, cacheRead: 0.006 }, contextLength: 1_000_000, maxOutputTokens: 393_216, capabilities: REASONING_TEXT, remark: PEAK },
      { model: 'deepseek-v4-pro', price: { input: 1.32, output: 3.96, cacheRead: 0.044 }, contextLength: 1_000_000, maxOutputTokens: 393_216, capabilities: REASONING_TEXT, remark: PEAK },
    ],
  },
  {
    provider: 'xai',
    source: 'https://docs.x.ai/developers/pricing',
    rows: [
      { model: 'grok-4.3', price: { input: 1.25, output: 2.5, cacheRead: 0.2, tiers: [{ aboveInputTokens: 199_999, price: { input: 2.5, output: 5, cacheRead: 0.4 } }] }, contextLength: 1_000_000, capabilities: REASONING_IMAGES },
      { model: 'grok-4.3-latest', price: { input: 1.25, output: 2.5, cacheRead: 0.2, tiers: [{ aboveInputTokens: 199_999, price: { input: 2.5, output: 5, cacheRead: 0.4 } }] }, contextLength: 1_000_000, capabilities: REASONING_IMAGES },
      { model: 'grok-4.5', price: { input: 2, output: 6, cacheRead: 0.3, tiers: [{ aboveInputTokens: 199_999, price: { input: 4, output: 12, cacheRead: 0.6 } }] }, contextLength: 500_000, capabilities: REASONING_IMAGES },
      { model: 'grok-4.5-latest', price: { input: 2, output: 6, cacheRead: 0.3, tiers: [{ aboveInputTokens: 199_999, price: { input: 4, output: 12, cacheRead: 0.6 } }] }, contextLength: 500_000, capabilities: REASONING_IMAGES },
      { model: 'grok-4.6', price: { input: 2, output: 6, cacheRead: 0.5, tiers: [{ aboveInputTokens: 199_999, price: { input: 4, output: 12, cacheRead: 1 } }] }, contextLength: 500_000, capabilities: REASONING_IMAGES },
      { model: 'grok-4.7', price: { input: 2, output: 6, cacheRead: 0.5, tiers: [{ aboveInputTokens: 199_999, price: { input: 4, output: 12, cacheRead: 1 } }] }, contextLength: 500_000, capabilities: REASONING_IMAGES },
      { model: 'grok-4.20', price: { input: 1.25, output: 2.5, cacheRead: 0.2, tiers: [{ aboveInputTokens: 199_999, price: { input: 2.5, output: 5, cacheRead: 0.4 } }] }, contextLength: 1_000_000, capabilities: REASONING_IMAGES },
      { model: 'grok-4.20-0309-non-reasoning', price: { input: 1.25, output: 2.5, cacheRead: 0.2, tiers: [{ aboveInputTokens: 199_999, price: { input: 2.5, output: 5, cacheRead: 0.4 } }] }, contextLength: 1_000_000, capabilities: IMAGES },
      { model: 'grok-4.20-0309-reasoning', price: { input: 1.25, output: 2.5, cacheRead: 0.2, tiers: [{ aboveInputTokens: 199_999, price: { input: 2.5, output: 5, cacheRead: 0.4 } }] }, contextLength: 1_000_000, capabilities: REASONING_IMAGES },
      { model: 'grok-4.20-multi-agent', price: { input: 1.25, output: 2.5, cacheRead: 0.2, tiers: [{ aboveInputTokens: 199_999, price: { input: 2.5, output: 5, cacheRead: 0.4 } }] }, contextLength: 1_000_000, capabilities: ['images', 'json-schema', 'reasoning'] },
      { model: 'grok-4.20-multi-agent-0309', price: { input: 1.25, output: 2.5, cacheRead: 0.2, tiers: [{ aboveInputTokens: 199_999, price: { input: 2.5, output: 5, cacheRead: 0.4 } }] }, contextLength: 1_000_000, capabilities: ['images', 'json-schema', 'reasoning'] },
      { model: 'grok-build-0.1', price: { input: 1, output: 2, cacheRead: 0.2, tiers: [{ aboveInputTokens: 199_999, price: { input: 2, output: 4, cacheRead: 0.4 } }] }, contextLength: 256_000, capabilities: REASONING_IMAGES },
      { model: 'grok-latest', price: { input: 2, output: 6, cacheRead: 0.3, tiers: [{ aboveInputTokens: 199_999, price: { input: 4, output: 12, cacheRead: 0.6 } }] }, contextLength: 500_000, capabilities: REASONING_IMAGES, source: GENAI_PRICES, remark: 'An alias: xAI decides which model it means. This is Grok 4.5.' },
    ],
  },
  {
    provider: 'openrouter',
    source: 'https://openrouter.ai/docs',
    rows: [
      { model: 'openrouter/auto', capabilities: [], remark: 'Costs what the model costs that OpenRouter picks.' },
    ],
  },
  {
    provider: 'perplexity',
    source: 'https://docs.perplexity.ai/docs/agent-api/models',
    rows: [
      { model: 'perplexity/glm-5.3', price: { input: 1.4, output: 4.4, cacheRead: 0.26 }, capabilities: ['tools'] },
      { model: 'perplexity/glm-5.3-flash', price: { input: 0.15, output: 0.5, cacheRead: 0.03 }, capabilities: ['tools'] },
      { model: 'perplexity/kimi-k3', price: { input: 3, output: 15, cacheRead: 0.3 }, capabilities: ['tools', 'reasoning'] },
      { model: 'perplexity/sonar', price: { input: 0.25, output: 2.5, cacheRead: 0.0625 }, capabilities: ['tools'] },
    ],
  },
  {
    provider: 'cohere',
    source: 'https://cohere.com/pricing',
    rows: [
      { model: 'command-a-03-2025', price: { input: 2.5, output: 10 }, contextLength: 256_000, maxOutputTokens: 8_000, capabilities: ['tools'] },
      { model: 'command-r-08-2024', price: { input: 0.15, output: 0.6 }, contextLength: 128_000, maxOutputTokens: 4_096, capabilities: ['tools'] },
      { model: 'command-r-plus-08-2024', price: { input: 2.5, output: 10 }, contextLength: 128_000, maxOutputTokens: 4_096, capabilities: ['tools'] },
      { model: 'command-r7b-12-2024', price: { input: 0.0375, output: 0.15 }, contextLength: 128_000, maxOutputTokens: 4_096, capabilities: ['tools'] },
      { model: 'embed-v4.0', price: { input: 0.12, output: 0 }, contextLength: 128_000, capabilities: EMBEDDINGS },
    ],
  },
  {
    provider: 'cerebras',
    source: 'https://inference-docs.cerebras.ai/support/pricing',
    rows: [
      { model: 'gemma-4-31b', price: { input: 0.99, output: 1.49 }, contextLength: 131_072, maxOutputTokens: 40_960, capabilities: REASONING_IMAGES },
      { model: 'gpt-oss-120b', price: { input: 0.35, output: 0.75 }, contextLength: 131_072, maxOutputTokens: 32_768, capabilities: REASONING_TEXT },
      { model: 'qwen-3.8-27b', price: { input: 0.99, output: 1.49 }, contextLength: 65_536, maxOutputTokens: 32_768, capabilities: REASONING_IMAGES },
    ],
  },
  {
    provider: 'sambanova',
    source: 'https://cloud.sambanova.ai/plans/pricing',
    rows: [
      { model: 'Meta-Llama-3.3-70B-Instruct', price: { input: 0.6, output: 1.2 }, contextLength: 131_072, capabilities: TEXT, source: LITELLM },
    ],
  },
  {
    provider: 'moonshot',
    source: 'https://platform.kimi.ai/docs/pricing/chat.md',
    rows: [
      { model: 'kimi-k2.6', price: { input: 0.95, output: 4, cacheRead: 0.16 }, contextLength: 262_144, capabilities: REASONING_IMAGES },
      { model: 'kimi-k2.7-code', price: { input: 0.95, output: 4, cacheRead: 0.19 }, contextLength: 262_144, capabilities: REASONING_IMAGES },
      { model: 'kimi-k3', price: { input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3 }, contextLength: 1_048_576, capabilities: REASONING_IMAGES },
      { model: 'kimi-k3.1-pro', price: { input: 2, output: 10, cacheRead: 0.2, cacheWrite: 2 }, contextLength: 1_048_576, capabilities: REASONING_IMAGES },
    ],
  },
  {
    provider: 'zai',
    source: 'https://docs.z.ai/guides/overview/pricing',
    rows: [
      { model: 'glm-4.5', price: { input: 0.6, output: 2.2, cacheRead: 0.11 }, contextLength: 128_000, maxOutputTokens: 32_000, capabilities: ['tools'] },
      { model: 'glm-4.5-air', price: { input: 0.2, output: 1.1, cacheRead: 0.03 }, contextLength: 128_000, maxOutputTokens: 32_000, capabilities: ['tools'] },
      { model: 'glm-4.5-airx', price: { input: 1.1, output: 4.5, cacheRead: 0.22 }, contextLength: 128_000, maxOutputTokens: 32_000, capabilities: ['tools'] },
      { model: 'glm-4.5-x', price: { input: 2.2, output: 8.9, cacheRead: 0.45 }, contextLength: 128_000, maxOutputTokens: 32_000, capabilities: ['tools'] },
      { model: 'glm-4.5v', price: { input: 0.6, output: 1.8, cacheRead: 0.11 }, contextLength: 128_000, maxOutputTokens: 32_000, capabilities: ['tools', 'images'] },
      { model: 'glm-4.6', price: { input: 0.6, output: 2.2, cacheRead: 0.11 }, contextLength: 200_000, maxOutputTokens: 128_000, capabilities: ['tools', 'reasoning'] },
      { model: 'glm-4.7', price: { input: 0.6, output: 2.2, cacheRead: 0.11 }, contextLength: 200_000, maxOutputTokens: 128_000, capabilities: ['tools', 'reasoning'] },
      { model: 'glm-5', price: { input: 1, output: 3.2, cacheRead: 0.2 }, contextLength: 200_000, maxOutputTokens: 128_000, capabilities: ['tools', 'reasoning'] },
      { model: 'glm-5.1', price: { input: 1.4, output: 4.4, cacheRead: 0.26 }, contextLength: 200_000, maxOutputTokens: 128_000, capabilities: ['tools', 'reasoning'] },
      { model: 'glm-5.2', price: { input: 1.4, output: 4.4, cacheRead: 0.26 }, contextLength: 1_000_000, maxOutputTokens: 128_000, capabilities: ['tools', 'reasoning'] },
      { model: 'glm-5.3', price: { input: 1.4, output: 4.4, cacheRead: 0.26 }, contextLength: 1_000_000, maxOutputTokens: 128_000, capabilities: REASONING_TEXT },
      { model: 'glm-5.3-flash', price: { input: 0.15, output: 0.5, cacheRead: 0.03 }, contextLength: 1_048_576, maxOutputTokens: 128_000, capabilities: REASONING_IMAGES },
    ],
  },
  {
    provider: 'minimax',
    source: 'https://platform.minimax.io/docs/pricing/overview',
    rows: [
      { model: 'MiniMax-M2.5', price: { input: 0.3, output: 1.2, cacheRead: 0.03, cacheWrite: 0.375 }, contextLength: 204_800, capabilities: ['tools', 'reasoning'] },
      { model: 'MiniMax-M3', price: { input: 0.3, output: 1.2, cacheRead: 0.06, tiers: [{ aboveInputTokens: 512_000, price: { input: 0.6, output: 2.4, cacheRead: 0.12 } }] }, contextLength: 1_000_000, maxOutputTokens: 128_000, capabilities: ['tools', 'images', 'reasoning'] },
    ],
  },
  {
    provider: 'ovh',
    source: 'https://www.ovhcloud.com/en/public-cloud/ai-endpoints/catalog/',
    rows: [
      { model: 'gpt-oss-120b', contextLength: 131_072, capabilities: ['json-schema', 'reasoning'], remark: 'Two tables contradict each other on the price.' },
    ],
  },
];

export const builtinFacts: readonly ModelFacts[] = SECTIONS.flatMap(({ provider, source, rows }) =>
  rows.map((row) => ({ provider, source, date: DATE, ...row })),
);
