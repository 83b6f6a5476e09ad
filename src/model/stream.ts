// Every answer is a stream of events. A non-streamed answer is a stream collected (see collect.ts).

import type {
  Annotation,
  DialectName,
  Extensions,
  FinishReason,
  MediaPart,
  Signature,
  TokenLogprob,
  Usage,
} from './chat.ts';
import type { UpstreamError } from './upstream-error.ts';

/** `choice` counts from 0; nearly always 0. Deltas of one choice come in the order the client shall see them. */
export type StreamEvent =
  /** The upstream accepted and names its answer. Not content. */
  | {
      readonly type: 'response-start';
      readonly id: string;
      readonly model: string;
      readonly createdAt?: number;
      /** What the upstream already knows of the prompt (Anthropic message_start). */
      readonly usage?: Usage;
    }
  | { readonly type: 'text-delta'; readonly choice: number; readonly text: string }
  | { readonly type: 'annotation-add'; readonly choice: number; readonly annotation: Annotation }
  | { readonly type: 'refusal-delta'; readonly choice: number; readonly text: string }
  | { readonly type: 'reasoning-delta'; readonly choice: number; readonly text: string }
  /** Closes the reasoning block before it (or stands alone for a block whose text is hidden). */
  | {
      readonly type: 'reasoning-signature';
      readonly choice: number;
      readonly signature: Signature;
      readonly isRedacted?: boolean;
    }
  /** `index` counts the tool calls of the choice from 0 without gaps, whatever the upstream sent. */
  | {
      readonly type: 'tool-call-start';
      readonly choice: number;
      readonly index: number;
      readonly id: string;
      readonly name: string;
      readonly extensions?: Extensions;
    }
  /** A piece of the JSON text of the arguments. */
  | {
      readonly type: 'tool-call-delta';
      readonly choice: number;
      readonly index: number;
      readonly argumentsDelta: string;
    }
  /** A picture that the model made, whole. */
  | { readonly type: 'media-add'; readonly choice: number; readonly media: MediaPart }
  | { readonly type: 'logprobs-add'; readonly choice: number; readonly logprobs: readonly TokenLogprob[] }
  /** Content that only the frame's own dialect can say (a hosted tool's progress, say); other dialects drop it by rule. */
  | { readonly type: 'opaque-delta' }
  | { readonly type: 'finish'; readonly choice: number; readonly finishReason: FinishReason }
  /** Cumulative: the last one counts. May come before or after `finish`. */
  | { readonly type: 'usage'; readonly usage: Usage }
  /** The upstream reports its own failure inside an HTTP 200. Nothing follows. */
  | { readonly type: 'error'; readonly error: UpstreamError }
  /** The dialect's terminal mark was seen: the answer is complete. Nothing follows. A stream without it was cut. */
  | { readonly type: 'response-end' };

/** One frame of the wire (an SSE event, an NDJSON line, or a whole JSON body) and what it means, in order. */
export interface Frame {
  /** Empty for a frame that means nothing to the neutral model (ping, unknown type). */
  readonly events: readonly StreamEvent[];
  /** Absent when we made the events ourselves (replay, extractive answerer, end of stream). */
  readonly original?: OriginalFrame;
}

export interface OriginalFrame {
  readonly dialect: DialectName;
  /** SSE event name, when the wire had one. */
  readonly event?: string;
  /** SSE data, NDJSON line or body text, verbatim. */
  readonly data: string;
  /** `data` parsed, when it was a JSON object. Never mutate. */
  readonly value?: object;
  /** The whole unstreamed body in one frame. */
  readonly isWhole?: boolean;
}

/** Characters that a picture takes in memory and on the wire. */
export function mediaLength({ source }: MediaPart): number {
  switch (source.type) {
    case 'base64':
      return source.data.length;
    case 'url':
      return source.url.length;
    case 'file':
      return source.fileId.length;
    case 'text':
      return source.text.length;
  }
}

/** Does this event carry something of the answer itself, so that after showing it no other target may answer? */
export function isContent(event: StreamEvent): boolean {
  switch (event.type) {
    case 'text-delta':
    case 'refusal-delta':
    case 'reasoning-delta':
      return event.text !== '';
    case 'annotation-add':
    case 'reasoning-signature':
    case 'tool-call-start':
    case 'tool-call-delta':
    case 'media-add':
    case 'logprobs-add':
    case 'opaque-delta':
    case 'finish':
    case 'response-end':
      return true;
    case 'response-start':
    case 'usage':
    case 'error':
      return false;
  }
}
