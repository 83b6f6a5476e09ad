// The contract between the server (sockets, scripts, faults) and the speakers (one wire format each).

import { createHash } from 'node:crypto';
import { type Answer, answerTo, type Heard, NotHeard, pieces, type ScenarioName } from './scenarios.ts';

export interface RecordedRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** Lower case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** Parsed JSON, or undefined for anything else. */
  readonly body: any;
  readonly bytes: Buffer;
}

/** A model of the test's own: says whatever it likes to what it hears. */
export type Model = (heard: Heard) => Answer;

export interface AnswerContext {
  readonly scenario: ScenarioName | Model;
  /** Any of these opens the door; empty: no key is asked for. */
  readonly keys: readonly string[];
  readonly models: readonly string[];
  /** Differs with every request of a server; the same sequence in every server. */
  readonly seed: string;
  /** Answer with one piece of text of 200 kB. */
  readonly isOversized: boolean;
}

/**
 * What a frame does to the answer. `content`: a piece of it. `finish`: tells why it ended (and the usage).
 * `end`: the terminal mark, without which the stream was cut. `structure`: everything else.
 */
export type Phase = 'structure' | 'content' | 'finish' | 'end';

export interface StreamFrame {
  readonly phase: Phase;
  readonly event?: string;
  readonly data: string;
}

export interface WholeReply {
  readonly type: 'whole';
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON; a buffer as it is, with a content type in `headers`. */
  readonly body: object | Buffer;
}

export interface StreamReply {
  readonly type: 'stream';
  readonly framing: 'sse' | 'ndjson';
  readonly headers?: Readonly<Record<string, string>>;
  readonly frames: readonly StreamFrame[];
  /** How this provider reports a failure inside the stream, after `sent` frames. */
  readonly errorFrames: (sent: number) => readonly StreamFrame[];
  /** Responses: the lifecycle event of a failed answer. */
  readonly failedFrames?: (sent: number) => readonly StreamFrame[];
}

export type Reply = WholeReply | StreamReply;

export interface FailureFacts {
  readonly status: number;
  readonly reason?: FailureReason | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly model: string;
}

/** Narrows a status to one of its real cases. */
export type FailureReason = 'context-length' | 'content-filter' | 'quota';

export interface Speaker {
  readonly name: string;
  /** What its SDK takes as base URL, after the origin. */
  readonly sdkPath: string;
  readonly defaultModels: readonly string[];
  readonly lineEnding: '\n' | '\r\n';
  /** False for a server that asks for no key (Ollama). */
  readonly hasKeys: boolean;
  answer(request: RecordedRequest, context: AnswerContext): Reply | Promise<Reply>;
  /** The provider's own words for a status. */
  failure(facts: FailureFacts): { readonly body: object; readonly headers?: Readonly<Record<string, string>> };
}

/** The request breaks a rule of the provider. The speaker renders it in its own error shape. */
export class Refused extends Error {
  readonly status: number;
  readonly param: string | null;
  readonly code: string | null;

  constructor(status: number, message: string, facts: { param?: string | null; code?: string | null } = {}) {
    super(message);
    this.status = status;
    this.param = facts.param ?? null;
    this.code = facts.code ?? null;
  }
}

/** @param scenario overrides the script's */
export function composeAnswer(context: AnswerContext, heard: Heard, scenario = context.scenario): SpokenAnswer {
  try {
    const answer = typeof scenario === 'function' ? scenario(heard) : answerTo(scenario, heard);
    if (!context.isOversized) return { ...answer, textPieces: pieces(answer.text) };
    const text = `${answer.text} ${'é漢🙂 '.repeat(20_000)}`;
    return { ...answer, text, textPieces: [text] };
  } catch (error) {
    if (error instanceof NotHeard) throw new Refused(400, error.message);
    throw error;
  }
}

export interface SpokenAnswer extends Answer {
  readonly textPieces: readonly string[];
}

export function jsonOf(request: RecordedRequest, refuse: (problem: 'type' | 'syntax') => Refused): any {
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) throw refuse('type');
  if (request.body === undefined || request.body === null || typeof request.body !== 'object') throw refuse('syntax');
  return request.body;
}

/** `length` characters of [A-Za-z0-9] that depend on nothing but `seed`. */
export function idText(seed: string, length: number): string {
  let text = '';
  for (let round = 0; text.length < length; round += 1) {
    text += createHash('sha512')
      .update(`${seed}/${round}`)
      .digest('base64')
      .replace(/[^A-Za-z0-9]/g, '');
  }
  return text.slice(0, length);
}

export function hexText(seed: string, length: number): string {
  return createHash('sha512').update(seed).digest('hex').slice(0, length);
}

/** A provider's proof of its own reasoning: opaque, but this family of servers knows it again. */
export function sign(provider: string, text: string): string {
  const proof = createHash('sha256').update(`${provider}:${text}`).digest('base64');
  return Buffer.from(`${provider}|${proof}|${'opaque'.repeat(8)}`).toString('base64');
}

/** Was it signed by this provider (for this text, when one is given)? */
export function isSigned(provider: string, signature: string, text?: string): boolean {
  if (text !== undefined) return signature === sign(provider, text);
  return Buffer.from(signature, 'base64').toString().startsWith(`${provider}|`);
}

/** Seconds since 1970 at which every answer is made. */
export const CREATED_AT = 1_794_000_000;

/** Base64 with correct padding and alphabet, or undefined. */
export function decodeBase64(text: unknown): Buffer | undefined {
  if (typeof text !== 'string' || text === '' || !/^[A-Za-z0-9+/]+={0,2}$/.test(text) || text.length % 4 !== 0) return;
  return Buffer.from(text, 'base64');
}

/** The MIME type by the first bytes. */
export function sniffImage(bytes: Buffer): string | undefined {
  if (bytes.subarray(0, 8).toString('latin1') === '\x89PNG\r\n\x1a\n') return 'image/png';
  if (bytes.subarray(0, 3).toString('hex') === 'ffd8ff') return 'image/jpeg';
  if (bytes.subarray(0, 4).toString('latin1') === 'GIF8') return 'image/gif';
  if (bytes.subarray(8, 12).toString('latin1') === 'WEBP') return 'image/webp';
  return undefined;
}

/** The same piece of text has the same probabilities in every dialect. */
export function pieceLogprob(
  piece: string,
  alternatives: number,
): {
  token: string;
  logprob: number;
  bytes: number[];
  top_logprobs: { token: string; logprob: number; bytes: number[] }[];
} {
  const one = (token: string, logprob: number) => ({ token, logprob, bytes: [...Buffer.from(token)] });
  const logprob = -piece.length / 8;
  const top = Array.from({ length: alternatives }, (_, at) =>
    at === 0 ? one(piece, logprob) : one(`é${at}`, logprob - at),
  );
  return { ...one(piece, logprob), top_logprobs: top };
}
