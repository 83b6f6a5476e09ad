// What the user of an SDK sees of an answer, the same for every client dialect.

import type { Answer, ScenarioName, TokenCounts } from '../upstreams/scenarios.ts';

export interface AskOptions {
  /** What the official SDK takes as base URL. */
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly model: string;
  readonly scenario: ScenarioName;
  readonly isStream: boolean;
  /** Chat completions, streamed: ask for the usage chunk. Default true. */
  readonly isUsageWanted?: boolean;
  /** Chat completions: speak through AzureOpenAI with this `api-version`; `baseUrl` is then the endpoint + `/openai`. */
  readonly azureApiVersion?: string;
  /** Default 0. */
  readonly maxRetries?: number;
  readonly signal?: AbortSignal;
  readonly headers?: Record<string, string>;
}

export interface SeenToolCall {
  /** Empty where the dialect has none. */
  readonly id: string;
  readonly name: string;
  readonly arguments: Record<string, unknown>;
}

export interface Seen {
  readonly text: string;
  readonly reasoning: string;
  readonly toolCalls: readonly SeenToolCall[];
  /** A word of another kind is the dialect's own. */
  readonly finish: Answer['finish'] | (string & {});
  /** OpenAI's dialects only; elsewhere a refusal is text, or nothing, and `finish` says `content-filter`. */
  readonly refusal: string;
  readonly usage: TokenCounts | undefined;
  readonly id: string;
  readonly model: string;
  /** The SDK's own object of the whole answer (of a stream: as the SDK collected it). */
  readonly raw: any;
  /** The SDK's own objects of a stream, in order; empty when unstreamed. */
  readonly events: readonly any[];
  /** The answers before this one, in scenarios of two turns. */
  readonly earlier: readonly Seen[];
}

export function isTwoTurns(scenario: ScenarioName): boolean {
  return scenario === 'tool-result' || scenario === 'reasoning-tools';
}

export function usesTools(scenario: ScenarioName): boolean {
  return scenario === 'tools' || scenario === 'parallel-tools' || isTwoTurns(scenario);
}

export function usesReasoning(scenario: ScenarioName): boolean {
  return scenario === 'reasoning' || scenario === 'reasoning-tools';
}
