// What a wire format must be able to do, on both of its sides. Everything here is synchronous and without I/O.

import type { GatewayError } from '../errors.ts';
import type { ChatRequest, ChatResponse, DialectName } from '../model/chat.ts';
import type { EmbeddingRequest, EmbeddingResponse } from '../model/embedding.ts';
import type { JsonObject } from '../model/json.ts';
import type { Frame } from '../model/stream.ts';
import type { UpstreamError } from '../model/upstream-error.ts';
import type { ToolNameRule } from './tool-names.ts';

export interface Dialect {
  readonly name: DialectName;
  /** How its streams are cut into frames: server-sent events, JSON lines, or nothing but whole bodies. */
  readonly framing: 'sse' | 'ndjson';
  readonly client: ClientSide;
  /** Absent for a dialect that only clients speak (legacy completions). */
  readonly upstream?: UpstreamSide;
}

/** Reads what clients send, writes what clients get. */
export interface ClientSide {
  /**
   * @param body the parsed JSON body
   * @param route what the URL says instead of the body (Gemini's model and method, Azure's deployment)
   * @throws GatewayError `bad_request` with `param`, in a sentence that says what to do
   */
  parseRequest(body: JsonObject, route: RouteHints): ChatRequest;
  /** The wire body as text. An original of the same dialect is returned verbatim. */
  renderResponse(response: ChatResponse, request: ChatRequest): string;
  streamRenderer(request: ChatRequest, answer: AnswerIdentity): StreamRenderer;
  /** The error body in the shape this dialect's official SDK turns into its typed errors. */
  renderError(error: GatewayError, requestId: string): JsonObject;
  /** The body of a token count answer, for dialects with such an endpoint. */
  renderTokenCount?(inputTokens: number): JsonObject;
  readonly embeddings?: EmbeddingClientSide;
}

export interface RouteHints {
  readonly model?: string;
  readonly isStream?: boolean;
  /** A token count endpoint: fields that only an answer needs (`max_tokens`) may be absent. */
  readonly isTokenCount?: boolean;
  /** Gemini's `streamGenerateContent` without `alt=sse`: the stream is one JSON array, `application/json`. */
  readonly isArrayStream?: boolean;
  /** Those of the client's headers that belong to a wire format (`anthropic-beta`, `openai-beta` …), lower case. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Names for an answer whose upstream gave none. */
export interface AnswerIdentity {
  /** Unique text without prefix, `[A-Za-z0-9]+`. */
  readonly id: string;
  /** Seconds since 1970. */
  readonly createdAt: number;
}

/** A state machine: frames in, wire text out. */
export interface StreamRenderer {
  /**
   * Frames of the own dialect are written verbatim (and still tracked); others are rendered from their events.
   * `response-end` writes the terminal mark. Returns '' when there is nothing to say yet.
   */
  render(frame: Frame): string;
  /** A typed error inside the stream, after which nothing follows and no terminal mark of success is written. */
  fail(error: GatewayError): string;
  /** Written while waiting, so that proxies keep the connection. */
  readonly keepAlive: string;
  /** Where it is not the framing's own (Gemini's streamed JSON array). */
  readonly contentType?: string | undefined;
  /** The whole body as its client was shown it, once the answer has ended well; in dialects that keep answers. */
  readonly finalBody?: JsonObject | undefined;
}

/** Writes what upstreams get, reads what upstreams send. */
export interface UpstreamSide {
  /**
   * The call to make. When `request.original` is of this dialect, its body is sent with only what must change changed.
   * Always asks for usage in streams.
   * @throws GatewayError `unsupported` where docs/dialects.md says that it is refused
   */
  renderRequest(request: ChatRequest, target: UpstreamTarget): UpstreamCall;
  /** A whole unstreamed body as one frame that ends with `response-end`; a body that is an error or garbage has an `error` event. */
  parseResponse(text: string): Frame;
  streamParser(): StreamParser;
  /** An answer with an error status. `text` may be HTML, plain text, JSON of anyone's shape, or empty. */
  parseError(status: number, headers: Readonly<Record<string, string>>, text: string): UpstreamError;
  /** Present where the upstream can count a prompt's tokens itself. */
  readonly tokenCount?: {
    renderRequest(request: ChatRequest, target: UpstreamTarget): UpstreamCall;
    /** Undefined when the body has no count. */
    parseResponse(text: string): number | undefined;
  };
  readonly embeddings?: EmbeddingUpstreamSide;
  /** Where its servers refuse some names of tools; requests of other dialects get names that fit (see crossing.ts). */
  readonly toolNames?: ToolNameRule;
  /** Its servers refuse a schema of the answer whose root is no object; requests of other dialects get one around it. */
  readonly hasObjectAnswersOnly?: boolean;
  /** Its requests can ask for pictures (`modalities`); others are refused. */
  readonly hasModalities?: boolean;
  /** Its servers have OpenAI's other endpoints (audio, images …) under the same base URL. */
  readonly hasOpenAiEndpoints?: boolean;
}

export interface UpstreamTarget {
  /** The upstream's own model name. */
  readonly model: string;
  /** May differ from the request's (a collected stream). */
  readonly isStream: boolean;
  readonly traits: UpstreamTraits;
}

/** Where one server deviates from its dialect. Data of the provider preset, overridable in config. */
export interface UpstreamTraits {
  /** OpenAI chat: which field bounds the output. Default: `max_completion_tokens` for OpenAI itself, else `max_tokens`. */
  readonly maxTokensField?: 'max_tokens' | 'max_completion_tokens';
  /** OpenAI-like embeddings: which field names the length of the vectors. Default: `dimensions`. */
  readonly dimensionsField?: 'dimensions' | 'output_dimension';
  /** OpenAI chat: understands `stream_options.include_usage`. Default true. */
  readonly hasStreamUsage?: boolean;
  /** Tool call ids must be exactly 9 of [A-Za-z0-9] (Mistral). */
  readonly hasShortToolCallIds?: boolean;
  /** Top-level fields the server refuses; dropped. */
  readonly refusedFields?: readonly string[];
  /** OpenAI chat: fields of a message the server refuses, e.g. the `reasoning_details` that clients send back; dropped. */
  readonly refusedMessageFields?: readonly string[];
  /**
   * OpenAI chat: in a conversation with tool calls every assistant message must bring its `reasoning_content` back, or
   * the server refuses the request (DeepSeek, Kimi) or answers worse (GLM).
   */
  readonly wantsReasoningBack?: boolean;
  /**
   * OpenAI chat: models (`*` for any text) that refuse function tools together with reasoning there but take them on
   * `/responses` of the same address: such requests are made in that dialect.
   */
  readonly responsesModels?: readonly string[];
  /** OpenAI chat: role for instructions; older servers know only `system`. Default: as the client sent. */
  readonly systemRole?: 'system' | 'developer';
  /** OpenAI chat: models behind it take one system message, the first; others are merged into it or told as user text. */
  readonly hasOneSystemMessage?: boolean;
  /** Anthropic: used when the client gives no bound. */
  readonly defaultMaxOutputTokens?: number;
}

export interface UpstreamCall {
  /** Appended to the account's base URL, begins with `/`, may carry a query (`?alt=sse`). */
  readonly path: string;
  readonly body: JsonObject;
  /** Dialect's own headers besides authentication (anthropic-version, anthropic-beta). */
  readonly headers?: Readonly<Record<string, string>>;
}

/** One decoded wire message: an SSE event or an NDJSON line. */
export interface WireMessage {
  readonly event?: string;
  readonly data: string;
  /** `data` is a whole body that came under the label of a stream. */
  readonly isWhole?: true;
}

/** A state machine: wire messages in, frames out. */
export interface StreamParser {
  parse(message: WireMessage): Frame;
  /**
   * The bytes ended. Returns the `response-end` that the wire only implied, an `error` event `upstream_cut` when the
   * answer was not complete, or undefined when the terminal mark was parsed already.
   */
  end(): Frame | undefined;
}

export interface EmbeddingClientSide {
  parseRequest(body: JsonObject, route: RouteHints): EmbeddingRequest;
  renderResponse(response: EmbeddingResponse, request: EmbeddingRequest): JsonObject;
}

export interface EmbeddingUpstreamSide {
  renderRequest(request: EmbeddingRequest, target: UpstreamTarget): UpstreamCall;
  /** Undefined when the body is not an embeddings answer. */
  parseResponse(text: string): EmbeddingResponse | undefined;
}
