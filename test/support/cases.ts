// The conformance matrix's vocabulary: `ask` performs a scenario with an official SDK and tells what its user sees;
// `expectedSeen` tells what that must be, given who answers.
//
//   const seen = await ask('anthropic', { baseUrl, apiKey, model, scenario: 'tool-result', isStream: true });
//   assert.deepEqual(essence(seen), expectedSeen('tool-result', { upstream: 'gemini', client: 'anthropic' }));
//
// The SDK's own errors are thrown as they are. An SDK asks at most once unless `maxRetries` says otherwise.

import { askAnthropic } from './clients/anthropic.ts';
import { askGemini } from './clients/gemini.ts';
import { askOllama } from './clients/ollama.ts';
import { askChat } from './clients/openai-chat.ts';
import { askResponses } from './clients/openai-responses.ts';
import { type AskOptions, isTwoTurns, type Seen, usesReasoning } from './clients/seen.ts';
import { finalAnswer, type ScenarioName, type TokenCounts, type ToolCall } from './upstreams/scenarios.ts';
import type { UpstreamKind } from './upstreams/server.ts';

export type { AskOptions, Seen } from './clients/seen.ts';
export { SCENARIO_NAMES, type ScenarioName } from './upstreams/scenarios.ts';

const ASK = {
  'openai-chat': askChat,
  'openai-responses': askResponses,
  anthropic: askAnthropic,
  gemini: askGemini,
  ollama: askOllama,
} as const satisfies Record<string, (options: AskOptions) => Promise<Seen>>;

export type ClientKind = keyof typeof ASK;

export const CLIENT_KINDS = Object.keys(ASK) as ClientKind[];

export function ask(kind: ClientKind, options: AskOptions): Promise<Seen> {
  return ASK[kind](options);
}

/** The dialects in which each upstream can be called. */
export const UPSTREAM_DIALECTS: Readonly<Record<UpstreamKind, readonly ClientKind[]>> = {
  openai: ['openai-chat', 'openai-responses'],
  azure: ['openai-chat'],
  mistral: ['openai-chat'],
  compatible: ['openai-chat'],
  anthropic: ['anthropic'],
  gemini: ['gemini'],
  ollama: ['ollama'],
};

/** One of an upstream's default models that can do the scenario. */
export function modelFor(upstream: UpstreamKind, scenario: ScenarioName): string {
  const isReasoning = usesReasoning(scenario);
  const models: Readonly<Record<UpstreamKind, string>> = {
    openai: isReasoning ? 'gpt-5-mini' : 'gpt-4.1-mini',
    azure: isReasoning ? 'gpt-5-mini' : 'gpt-4.1-mini',
    mistral: 'mistral-small-latest',
    compatible: 'Qwen/Qwen3-8B',
    anthropic: 'claude-sonnet-4-6',
    gemini: 'gemini-3-pro-preview',
    ollama: 'qwen3:8b',
  };
  return models[upstream];
}

/** The part of `Seen` that does not depend on ids and dialects. */
export interface Essence {
  readonly text: string;
  readonly reasoning: string;
  readonly toolCalls: readonly ToolCall[];
  readonly finish: string;
  readonly usage: TokenCounts | undefined;
  /** Of the turn before, in scenarios of two turns. */
  readonly earlier: readonly ToolCall[];
}

export function essence(seen: Seen): Essence {
  return {
    text: seen.text,
    reasoning: seen.reasoning,
    toolCalls: withoutIds(seen.toolCalls),
    finish: seen.finish,
    usage: seen.usage,
    earlier: seen.earlier.flatMap((one) => withoutIds(one.toolCalls)),
  };
}

export interface Route {
  readonly upstream: UpstreamKind;
  /** How the upstream is called; only `openai` has a choice. Default: its first. */
  readonly upstreamDialect?: ClientKind;
  readonly client: ClientKind;
}

/** What the user must see when nothing is lost that both sides can say. For `refusal` use `isRefused` instead. */
export function expectedSeen(scenario: ScenarioName, route: Route): Essence {
  const answer = finalAnswer(scenario);
  const isHidden = !showsReasoning(route);
  return {
    text: answer.text,
    reasoning: isHidden ? '' : answer.reasoning,
    toolCalls: answer.toolCalls,
    finish: answer.finish,
    usage: knownUsage(answer.usage, route),
    earlier: isTwoTurns(scenario) ? finalAnswer(scenario === 'tool-result' ? 'parallel-tools' : 'tools').toolCalls : [],
  };
}

/** Did the user learn that the model declined? Ollama has no word for it: there it is a text like others. */
export function isRefused(seen: Seen): boolean {
  return seen.refusal !== '' || seen.finish === 'content-filter';
}

function showsReasoning({ upstream, upstreamDialect }: Route): boolean {
  if (upstream === 'openai') return upstreamDialect === 'openai-responses';
  return upstream !== 'azure' && upstream !== 'mistral';
}

type CountName = 'cachedInputTokens' | 'cacheWriteTokens' | 'reasoningTokens';

const TOLD_BY_UPSTREAM: Readonly<Record<UpstreamKind, readonly CountName[]>> = {
  openai: ['cachedInputTokens', 'cacheWriteTokens', 'reasoningTokens'],
  azure: ['cachedInputTokens', 'cacheWriteTokens', 'reasoningTokens'],
  mistral: ['cachedInputTokens'],
  compatible: ['cachedInputTokens', 'reasoningTokens'],
  anthropic: ['cachedInputTokens', 'cacheWriteTokens', 'reasoningTokens'],
  gemini: ['cachedInputTokens', 'reasoningTokens'],
  ollama: [],
};

const SEEN_BY_CLIENT: Readonly<Record<ClientKind, readonly CountName[]>> = {
  'openai-chat': ['cachedInputTokens', 'cacheWriteTokens', 'reasoningTokens'],
  'openai-responses': ['cachedInputTokens', 'cacheWriteTokens', 'reasoningTokens'],
  anthropic: ['cachedInputTokens', 'cacheWriteTokens', 'reasoningTokens'],
  gemini: ['cachedInputTokens', 'reasoningTokens'],
  ollama: [],
};

function knownUsage(usage: TokenCounts, { upstream, client }: Route): TokenCounts {
  const known = (name: CountName): number => {
    const isKnown = TOLD_BY_UPSTREAM[upstream].includes(name) && SEEN_BY_CLIENT[client].includes(name);
    return isKnown ? usage[name] : 0;
  };
  return {
    inputTokens: usage.inputTokens,
    cachedInputTokens: known('cachedInputTokens'),
    cacheWriteTokens: known('cacheWriteTokens'),
    outputTokens: usage.outputTokens,
    reasoningTokens: known('reasoningTokens'),
  };
}

function withoutIds(calls: readonly ToolCall[]): ToolCall[] {
  return calls.map((call) => ({ name: call.name, arguments: call.arguments }));
}
