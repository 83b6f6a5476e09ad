// One candidate of an answer, chunk by chunk → events. Holds back what later chunks may still change: a function call
// whose arguments come in pieces, and the finish reason, which older models repeat in every chunk.

import type { Annotation, FinishReason } from '../../model/chat.ts';
import { asArray, asObject, asString, type JsonObject } from '../../model/json.ts';
import type { StreamEvent } from '../../model/stream.ts';
import type { UpstreamError } from '../../model/upstream-error.ts';
import { madeToolCallId, packToolCallId } from '../tool-call-id.ts';
import { garbageError } from '../upstream-failure.ts';
import { finishFailure, parseFinishReason } from './finish-reason.ts';
import { parseCitations, parseGrounding } from './grounding.ts';
import { parseLogprobs } from './logprobs.ts';
import { readPicture } from './media.ts';
import { applyPartialArgument, emptyArguments } from './partial-arguments.ts';

interface OpenCall {
  readonly name: string;
  readonly wireId: string | undefined;
  readonly args: JsonObject;
  signature: string | undefined;
}

export class CandidateParser {
  readonly #choice: number;
  /** Tells the ids we make from those of other answers. */
  readonly #seed: string;
  #callCount = 0;
  #open: OpenCall | undefined;
  #text = '';
  #finishRaw: string | undefined;
  #failure: UpstreamError | undefined;
  readonly #annotated = new Set<string>();

  constructor(choice: number, seed: string) {
    this.#choice = choice;
    this.#seed = seed;
  }

  get isFinished(): boolean {
    return this.#finishRaw !== undefined;
  }

  /** It ended, but not with an answer. */
  get failure(): UpstreamError | undefined {
    return this.#failure;
  }

  get finishReason(): FinishReason {
    return parseFinishReason(this.#finishRaw ?? '', this.#callCount > 0);
  }

  parse(candidate: JsonObject): StreamEvent[] {
    const events = asArray(asObject(candidate.content)?.parts).flatMap((part) => this.#part(asObject(part) ?? {}));
    const logprobs = parseLogprobs(asObject(candidate.logprobsResult) ?? {});
    if (logprobs.length > 0) events.push({ type: 'logprobs-add', choice: this.#choice, logprobs });
    events.push(...this.#annotations(candidate));
    const reason = asString(candidate.finishReason);
    if (reason && reason !== 'FINISH_REASON_UNSPECIFIED') {
      this.#finishRaw = reason;
      this.#failure = finishFailure(reason, asString(candidate.finishMessage));
    }
    return events;
  }

  /** What is still held back when the answer has ended. */
  end(): StreamEvent[] {
    return [...this.#closeCall(), { type: 'finish', choice: this.#choice, finishReason: this.finishReason }];
  }

  #part(part: JsonObject): StreamEvent[] {
    const call = asObject(part.functionCall);
    if (call) return this.#call(call, asString(part.thoughtSignature));
    const text = asString(part.text);
    if (text === undefined) return Object.keys(part).length > 0 ? [...this.#closeCall(), this.#textless(part)] : [];
    if (part.thought === true) return [...this.#closeCall(), ...this.#thought(text, asString(part.thoughtSignature))];
    // A signature on text is for Gemini alone and stays in the original.
    if (text === '') return [];
    this.#text += text;
    return [...this.#closeCall(), { type: 'text-delta', choice: this.#choice, text }];
  }

  #textless(part: JsonObject): StreamEvent {
    const media = readPicture(part);
    return media ? { type: 'media-add', choice: this.#choice, media } : { type: 'opaque-delta' };
  }

  #thought(text: string, signature: string | undefined): StreamEvent[] {
    const choice = this.#choice;
    return [
      ...(text === '' ? [] : [{ type: 'reasoning-delta', choice, text } as const]),
      ...(signature
        ? [{ type: 'reasoning-signature', choice, signature: { dialect: 'gemini', value: signature } } as const]
        : []),
    ];
  }

  /**
   * A name begins a call. One with `args` is whole; one without may get pieces from nameless parts, and ends with the
   * next call, an empty part, other content or the end of the answer, whichever comes first.
   */
  #call(call: JsonObject, signature: string | undefined): StreamEvent[] {
    const events: StreamEvent[] = [];
    const name = asString(call.name);
    if (name) {
      events.push(...this.#closeCall());
      const args = Object.assign(emptyArguments(), asObject(call.args));
      this.#open = { name, wireId: asString(call.id) || undefined, args, signature };
    } else if (this.#open) {
      Object.assign(this.#open.args, asObject(call.args));
      this.#open.signature ??= signature;
    }
    for (const piece of asArray(call.partialArgs)) {
      if (!this.#open || !applyPartialArgument(this.#open.args, asObject(piece) ?? {})) {
        return [...events, { type: 'error', error: garbageError(JSON.stringify(call)) }];
      }
    }
    const isWhole = call.args !== undefined && call.willContinue !== true;
    const isEndMark = Object.keys(call).length === 0;
    return isWhole || isEndMark ? [...events, ...this.#closeCall()] : events;
  }

  #closeCall(): StreamEvent[] {
    const open = this.#open;
    if (!open) return [];
    this.#open = undefined;
    const index = this.#callCount;
    this.#callCount += 1;
    const choice = this.#choice;
    const argumentsDelta = JSON.stringify(open.args);
    const plain = open.wireId ?? madeToolCallId(index, `${this.#seed} ${choice} ${open.name} ${argumentsDelta}`);
    const id = open.signature ? packToolCallId(plain, open.signature) : plain;
    return [
      { type: 'tool-call-start', choice, index, id, name: open.name },
      { type: 'tool-call-delta', choice, index, argumentsDelta },
    ];
  }

  /** Chunks may repeat the sources of earlier ones. */
  #annotations(candidate: JsonObject): StreamEvent[] {
    const found: Annotation[] = [
      ...parseGrounding(asObject(candidate.groundingMetadata) ?? {}, this.#text),
      ...parseCitations(asObject(candidate.citationMetadata) ?? {}, this.#text),
    ];
    return found.flatMap((annotation): StreamEvent[] => {
      const key = JSON.stringify(annotation);
      if (this.#annotated.has(key)) return [];
      this.#annotated.add(key);
      return [{ type: 'annotation-add', choice: this.#choice, annotation }];
    });
  }
}
