// Frames → the wire text of streamGenerateContent: server-sent events, or the pieces of one JSON array where the client
// did not ask for `alt=sse`.

import type { GatewayError } from '../../errors.ts';
import type { Annotation, ChatRequest, FinishReason, TokenLogprob, Usage } from '../../model/chat.ts';
import { asArray, asObject, type JsonObject } from '../../model/json.ts';
import type { Frame, OriginalFrame, StreamEvent } from '../../model/stream.ts';
import type { AnswerIdentity, StreamRenderer } from '../dialect.ts';
import { renderError } from './errors.ts';
import { renderFinishReason } from './finish-reason.ts';
import { renderGrounding } from './grounding.ts';
import { renderLogprobs } from './logprobs.ts';
import { callPart, type FinishedCall, mediaPart } from './render-parts.ts';
import { renderUsage } from './usage.ts';

interface Candidate {
  parts: JsonObject[];
  /** By index; written when the choice finishes, as only then their arguments are surely complete. */
  readonly calls: Map<number, FinishedCall>;
  text: string;
  readonly annotations: Annotation[];
  logprobs: TokenLogprob[];
  finishReason: FinishReason | undefined;
  /** The client has seen a finish reason already, in a frame of Gemini's own. */
  isFinished: boolean;
}

export class GeminiStreamRenderer implements StreamRenderer {
  readonly #framing: Framing;
  readonly #requestId: string;
  #id: string;
  #model: string;
  #usage: Usage | undefined;
  readonly #candidates = new Map<number, Candidate>();

  constructor(request: ChatRequest, answer: AnswerIdentity) {
    this.#framing = request.extensions?.gemini?.alt === 'json' ? new ArrayFraming() : SSE_FRAMING;
    this.#requestId = answer.id;
    this.#id = answer.id;
    this.#model = request.model;
  }

  get contentType(): string | undefined {
    return this.#framing.contentType;
  }

  get keepAlive(): string {
    return this.#framing.keepAlive;
  }

  render(frame: Frame): string {
    if (frame.original?.dialect === 'gemini') return this.#verbatim(frame, frame.original);
    for (const event of frame.events) this.#add(event);
    const isEnd = frame.events.some((event) => event.type === 'response-end');
    return isEnd ? this.#last() : this.#chunk();
  }

  fail(error: GatewayError): string {
    return this.#framing.message(JSON.stringify(renderError(error, this.#requestId))) + this.#framing.end();
  }

  #verbatim(frame: Frame, original: OriginalFrame): string {
    if (frame.events.some((event) => event.type === 'error')) return '';
    for (const value of asArray(asObject(original.value)?.candidates)) {
      const candidate = asObject(value);
      const index = Number(candidate?.index ?? 0);
      if (candidate?.finishReason) this.#candidate(index).isFinished = true;
    }
    // Google's SDK reads one line of data an event; a whole body comes indented.
    const data = original.data.includes('\n') ? JSON.stringify(original.value) : original.data;
    const isEnd = frame.events.some((event) => event.type === 'response-end');
    return this.#framing.message(data) + (isEnd ? this.#framing.end() : '');
  }

  #add(event: StreamEvent): void {
    switch (event.type) {
      case 'response-start':
        this.#id = event.id || this.#id;
        this.#model = event.model || this.#model;
        this.#usage = event.usage ?? this.#usage;
        return;
      case 'usage':
        this.#usage = event.usage;
        return;
      case 'text-delta':
        this.#candidate(event.choice).text += event.text;
        this.#push(event.choice, event.text === '' ? undefined : { text: event.text });
        return;
      case 'refusal-delta':
        this.#push(event.choice, event.text === '' ? undefined : { text: event.text });
        return;
      case 'reasoning-delta':
        this.#push(event.choice, event.text === '' ? undefined : { text: event.text, thought: true });
        return;
      case 'reasoning-signature':
        if (event.signature.dialect !== 'gemini') return;
        this.#push(event.choice, { text: '', thought: true, thoughtSignature: event.signature.value });
        return;
      case 'tool-call-start':
        this.#candidate(event.choice).calls.set(event.index, { id: event.id, name: event.name, argumentsJson: '' });
        return;
      case 'tool-call-delta': {
        const { calls } = this.#candidate(event.choice);
        const call = calls.get(event.index);
        if (call) calls.set(event.index, { ...call, argumentsJson: call.argumentsJson + event.argumentsDelta });
        return;
      }
      case 'media-add':
        this.#push(event.choice, mediaPart(event.media));
        return;
      case 'annotation-add':
        this.#candidate(event.choice).annotations.push(event.annotation);
        return;
      case 'logprobs-add':
        this.#candidate(event.choice).logprobs.push(...event.logprobs);
        return;
      case 'finish':
        this.#finish(event.choice, event.finishReason);
        return;
      case 'opaque-delta':
      case 'error':
      case 'response-end':
        return;
    }
  }

  #finish(choice: number, finishReason: FinishReason): void {
    const candidate = this.#candidate(choice);
    if (candidate.isFinished) return;
    candidate.parts.push(...[...candidate.calls.values()].map(callPart));
    candidate.calls.clear();
    candidate.finishReason = finishReason;
  }

  #push(choice: number, part: JsonObject | undefined): void {
    if (part) this.#candidate(choice).parts.push(part);
  }

  #candidate(index: number): Candidate {
    let candidate = this.#candidates.get(index);
    if (!candidate) {
      candidate = {
        parts: [],
        calls: new Map(),
        text: '',
        annotations: [],
        logprobs: [],
        finishReason: undefined,
        isFinished: false,
      };
      this.#candidates.set(index, candidate);
    }
    return candidate;
  }

  /** What the candidates have new to show; nothing when there is nothing. */
  #chunk(): string {
    const shown = [...this.#candidates].filter(([, candidate]) => candidate.parts.length > 0);
    if (shown.length === 0) return '';
    return this.#message(shown.map(([index, candidate]) => this.#content(index, candidate)));
  }

  /** The chunk with the finish reasons and the usage; Gemini's streams end without any other mark. */
  #last(): string {
    const unfinished = [...this.#candidates].filter(([, candidate]) => !candidate.isFinished);
    if (unfinished.length === 0) return this.#framing.end();
    const candidates = unfinished.map(([index, candidate]) => ({
      ...this.#content(index, candidate),
      finishReason: renderFinishReason(candidate.finishReason ?? { unified: 'other', raw: '' }),
      ...(candidate.annotations.length > 0 && {
        groundingMetadata: renderGrounding(candidate.annotations, candidate.text),
      }),
    }));
    const usage = this.#usage && { usageMetadata: renderUsage(this.#usage) };
    return this.#message(candidates, usage) + this.#framing.end();
  }

  #content(index: number, candidate: Candidate): JsonObject {
    // Google's SDK takes a content without parts for an invalid answer and forgets the turn.
    const parts = candidate.parts.length > 0 ? candidate.parts : [{ text: '' }];
    const logprobs = candidate.logprobs;
    candidate.parts = [];
    candidate.logprobs = [];
    return {
      content: { parts, role: 'model' },
      index,
      ...(logprobs.length > 0 && { logprobsResult: renderLogprobs(logprobs) }),
    };
  }

  #message(candidates: JsonObject[], usage?: JsonObject): string {
    return this.#framing.message(
      JSON.stringify({ candidates, ...usage, modelVersion: this.#model, responseId: this.#id }),
    );
  }
}

interface Framing {
  readonly keepAlive: string;
  readonly contentType?: string;
  message(json: string): string;
  end(): string;
}

const SSE_FRAMING: Framing = {
  // A whole event of its own: Google's SDK cuts at blank lines and skips what does not begin with `data:`.
  keepAlive: ': keep-alive\n\n',
  message: (json) => `data: ${json}\n\n`,
  end: () => '',
};

class ArrayFraming implements Framing {
  readonly keepAlive = '\n';
  readonly contentType = 'application/json; charset=utf-8';
  #isOpen = false;

  message(json: string): string {
    const separator = this.#isOpen ? ',\r\n' : '[';
    this.#isOpen = true;
    return separator + json;
  }

  end(): string {
    return this.#isOpen ? ']' : '[]';
  }
}
