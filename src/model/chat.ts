// The neutral model of a conversation: what every dialect is parsed into and rendered from.
// What only one dialect knows is kept in `extensions`; what was really on the wire, in `original`.

import type { JsonObject } from './json.ts';

/** A wire format, both ways. `openai-completions` is the legacy text endpoint. */
export type DialectName = 'openai-chat' | 'openai-completions' | 'openai-responses' | 'anthropic' | 'gemini' | 'ollama';

/** Fields that only one dialect has, kept under its name with the wire's own spelling. */
export type Extensions = Readonly<Partial<Record<DialectName, JsonObject>>>;

export interface ChatRequest {
  /** The name the client asks for. */
  readonly model: string;
  readonly isStream: boolean;
  /** In conversation order; system messages keep their place. */
  readonly messages: readonly Message[];
  readonly tools: readonly Tool[];
  readonly toolChoice?: ToolChoice;
  /** false: at most one tool call an answer. */
  readonly parallelToolCalls?: boolean;
  readonly sampling: Sampling;
  readonly responseFormat?: ResponseFormat;
  readonly reasoning?: ReasoningRequest;
  /** What the answer may be made of, where the client wants pictures. */
  readonly modalities?: readonly Modality[];
  /** The client asked for token counts inside its stream (OpenAI `stream_options.include_usage`). */
  readonly isUsageWanted?: boolean;
  /** The end user's identifier at the client, passed on for abuse tracking. */
  readonly endUser?: string;
  /** Free key-value pairs of the client. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly extensions?: Extensions;
  /** Fields that only upstreams of the client's own dialect can honour; others must refuse the request. */
  readonly untranslatable?: readonly string[];
  readonly original?: OriginalRequest;
}

export interface OriginalRequest {
  readonly dialect: DialectName;
  readonly body: JsonObject;
  /** Headers that belong to the wire format and go with it (`anthropic-beta`), lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The conversation was changed after parsing: render messages afresh, carry every other field of the original. */
  readonly isConversationEdited?: boolean;
}

export interface Message {
  readonly role: 'system' | 'user' | 'assistant' | 'tool';
  readonly parts: readonly Part[];
  /** Speaker's name (OpenAI `name`). */
  readonly name?: string;
  readonly extensions?: Extensions;
}

export type Part = TextPart | MediaPart | ToolCallPart | ToolResultPart | ReasoningPart | RefusalPart;

export interface TextPart {
  readonly type: 'text';
  readonly text: string;
  readonly annotations?: readonly Annotation[];
  /** Dialect-own fields of this part, e.g. Anthropic `cache_control`. */
  readonly extensions?: Extensions;
}

export interface MediaPart {
  readonly type: 'media';
  readonly kind: 'image' | 'audio' | 'video' | 'document';
  /** e.g. `image/png`; unknown for plain URLs. */
  readonly mimeType?: string;
  readonly source: MediaSource;
  readonly fileName?: string;
  /** OpenAI's image `detail`. */
  readonly detail?: string;
  readonly extensions?: Extensions;
}

export type MediaSource =
  /** Base64 without a `data:` prefix. */
  | { readonly type: 'base64'; readonly data: string }
  | { readonly type: 'url'; readonly url: string }
  /** An identifier at one provider; meaningless elsewhere. */
  | { readonly type: 'file'; readonly fileId: string; readonly dialect: DialectName }
  /** Plain text of a document (Anthropic text source). */
  | { readonly type: 'text'; readonly text: string };

export interface ToolCallPart {
  readonly type: 'tool-call';
  readonly id: string;
  readonly name: string;
  /** JSON text of an object; may be invalid as models write it. Never empty: no arguments are `{}`. */
  readonly argumentsJson: string;
  readonly extensions?: Extensions;
}

export interface ToolResultPart {
  readonly type: 'tool-result';
  readonly toolCallId: string;
  /** The tool's name where the wire tells it (Gemini); else find it by the id. */
  readonly name?: string;
  readonly parts: readonly (TextPart | MediaPart)[];
  readonly isError?: boolean;
  readonly extensions?: Extensions;
}

export interface ReasoningPart {
  readonly type: 'reasoning';
  /** Empty where the provider hides it. */
  readonly text: string;
  /** Provider's proof of its own reasoning; carried verbatim to the same dialect, dropped elsewhere, never invented. */
  readonly signature?: Signature;
  /** Anthropic `redacted_thinking`: `signature.value` is the encrypted data. */
  readonly isRedacted?: boolean;
}

export interface Signature {
  readonly dialect: DialectName;
  readonly value: string;
  /** The wire's id of the reasoning item (OpenAI Responses). */
  readonly id?: string;
}

export interface RefusalPart {
  readonly type: 'refusal';
  readonly text: string;
}

/** A source the answer points at. Offsets are UTF-16 code units into the choice's whole text. */
export interface Annotation {
  readonly url?: string;
  readonly title?: string;
  readonly quote?: string;
  readonly start?: number;
  readonly end?: number;
  /** The knowledge passage behind it, under the number that the prompt gave it. */
  readonly passage?: { readonly number: number; readonly documentId: string };
  /** The wire's own object, for its own dialect. */
  readonly extensions?: Extensions;
}

export interface Tool {
  readonly name: string;
  readonly description?: string;
  /** JSON Schema of the arguments object; absent when the client gave none. */
  readonly parameters?: JsonObject;
  readonly isStrict?: boolean;
  /**
   * The client's own wire has its input as free text, not JSON. Here and at upstreams of other dialects it is a
   * function with the one string parameter `input`.
   */
  readonly isFreeText?: boolean;
  /**
   * A tool that the upstream runs by itself (web search, code interpreter) or another type that only its own
   * dialect knows; `extensions` has it whole. Carried to the same dialect, dropped by rule elsewhere.
   */
  readonly isHosted?: boolean;
  readonly extensions?: Extensions;
}

export type ToolChoice =
  | { readonly type: 'auto' }
  | { readonly type: 'none' }
  /** Some tool must be called. */
  | { readonly type: 'required' }
  | { readonly type: 'tool'; readonly name: string };

export interface Sampling {
  readonly maxOutputTokens?: number;
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly stop?: readonly string[];
  readonly seed?: number;
  readonly presencePenalty?: number;
  readonly frequencyPenalty?: number;
  /** How many answers (OpenAI `n`, Gemini `candidateCount`). */
  readonly candidateCount?: number;
  readonly logprobs?: boolean;
  readonly topLogprobs?: number;
}

export type ResponseFormat =
  | { readonly type: 'text' }
  /** Any JSON object. */
  | { readonly type: 'json' }
  | {
      readonly type: 'json-schema';
      readonly name: string;
      readonly schema: JsonObject;
      readonly description?: string;
      readonly isStrict?: boolean;
    };

export interface ReasoningRequest {
  /** `none` switches it off. */
  readonly effort?: 'none' | 'minimal' | 'low' | 'medium' | 'high' | 'xhigh' | 'max';
  /** Tokens the model may think; 0 switches it off, -1 lets the model decide. */
  readonly budgetTokens?: number;
  /** The client wants to see the (summary of the) reasoning. */
  readonly isSummaryWanted?: boolean;
}

export type Modality = 'text' | 'image';

export interface FinishReason {
  readonly unified: 'stop' | 'length' | 'tool-calls' | 'content-filter' | 'other';
  /** The upstream's own word. */
  readonly raw: string;
}

/** Token counts of one answer. */
export interface Usage {
  /** Whole prompt, with cached and cache-written tokens included. */
  readonly inputTokens: number;
  /** Part of `inputTokens` read from the provider's prompt cache. */
  readonly cachedInputTokens: number;
  /** Part of `inputTokens` written to the provider's prompt cache. */
  readonly cacheWriteTokens: number;
  /** Whole output, with reasoning included. */
  readonly outputTokens: number;
  /** Part of `outputTokens` spent on reasoning. */
  readonly reasoningTokens: number;
  /** Counted by us because the upstream told nothing. */
  readonly isEstimated: boolean;
}

/** A complete answer: a stream collected. */
export interface ChatResponse {
  readonly id: string;
  /** The model that answered, as the upstream names it. */
  readonly model: string;
  /** Seconds since 1970. */
  readonly createdAt?: number;
  readonly choices: readonly Choice[];
  readonly usage?: Usage;
  readonly extensions?: Extensions;
  /** The whole wire body, when the upstream answered unstreamed. */
  readonly original?: OriginalResponse;
}

export interface OriginalResponse {
  readonly dialect: DialectName;
  /** The wire's text, byte for byte. */
  readonly text: string;
}

export interface Choice {
  readonly index: number;
  readonly parts: readonly Part[];
  readonly finishReason: FinishReason;
  readonly logprobs?: readonly TokenLogprob[];
}

export interface TokenLogprob {
  readonly token: string;
  readonly logprob: number;
  readonly bytes?: readonly number[];
  readonly topLogprobs?: readonly Omit<TokenLogprob, 'topLogprobs'>[];
}
