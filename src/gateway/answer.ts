// A running answer as the pipeline hands it out: passes the frames on and notes on the way what the trace needs.

import { fromUpstreamError } from '../dialects/upstream-failure.ts';
import { type GatewayError, toGatewayError } from '../errors.ts';
import type { ChatRequest, Usage } from '../model/chat.ts';
import type { Frame, StreamEvent } from '../model/stream.ts';
import type { AnswerFrames } from './answer-frames.ts';
import { policyOf } from './failure-policy.ts';
import type { ShadowTap } from './shadow-tap.ts';
import type { VisitOutcome } from './target-health.ts';
import { estimateUsage } from './token-estimate.ts';
import type { RequestTrace } from './trace.ts';

export class Answer {
  readonly #request: ChatRequest;
  readonly #frames: AnswerFrames;
  readonly #trace: RequestTrace;
  readonly #onEnd: (outcome: VisitOutcome) => void;
  readonly #tap: ShadowTap | undefined;
  #outputTexts: string[] = [];
  /** What a broken answer's upstream had said of the prompt at its start. */
  #startUsage: Usage | undefined;
  #failure: GatewayError | undefined;
  #isEnded = false;

  constructor(
    request: ChatRequest,
    frames: AnswerFrames,
    trace: RequestTrace,
    onEnd: (outcome: VisitOutcome) => void,
    tap?: ShadowTap,
  ) {
    this.#tap = tap;
    this.#request = request;
    this.#frames = frames;
    this.#trace = trace;
    this.#onEnd = onEnd;
  }

  /**
   * The next batch of frames; undefined when the answer is complete.
   * @throws GatewayError what broke the answer, or the reason the request was aborted
   */
  async next(): Promise<readonly Frame[] | undefined> {
    if (this.#failure) throw this.#fail(this.#failure);
    if (this.#isEnded) return undefined;
    let batch: readonly Frame[] | undefined;
    try {
      batch = await this.#frames.next();
    } catch (thrown) {
      throw this.#fail(toGatewayError(thrown));
    }
    if (batch) {
      this.#tap?.add(batch);
      const noted = this.#note(batch);
      if (this.#frames.isEnded && !this.#failure) this.#end('success');
      return noted;
    }
    this.#end('success');
    return undefined;
  }

  /** Has `next` given all that there is? It may still be asked, and waited for in vain. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** The client left: stops the upstream. Does nothing after the end. */
  cancel(): void {
    this.#frames.cancel();
    this.#end('unknown');
  }

  #note(batch: readonly Frame[]): readonly Frame[] {
    for (let position = 0; position < batch.length; position += 1) {
      for (const event of batch[position]?.events ?? []) {
        if (event.type === 'error') {
          this.#failure = fromUpstreamError(event.error);
          if (position > 0) return batch.slice(0, position);
          throw this.#fail(this.#failure);
        }
        if (event.type === 'response-end' && this.#request.isStream && !this.#trace.usage) {
          return [...batch.slice(0, position), this.#estimatedUsage(), ...batch.slice(position)];
        }
        this.#noteEvent(event);
      }
    }
    return batch;
  }

  #noteEvent(event: StreamEvent): void {
    switch (event.type) {
      case 'response-start':
        this.#startUsage = event.usage;
        return;
      case 'text-delta':
      case 'refusal-delta':
      case 'reasoning-delta':
        this.#outputTexts.push(event.text);
        return;
      case 'tool-call-delta':
        this.#outputTexts.push(event.argumentsDelta);
        return;
      case 'usage':
        this.#trace.usage = event.usage;
        this.#outputTexts = [];
        return;
      case 'finish':
        this.#trace.finishReason = event.finishReason.unified;
        return;
    }
  }

  #estimatedUsage(): Frame {
    this.#trace.usage = this.#estimate();
    return { events: [{ type: 'usage', usage: this.#trace.usage }] };
  }

  #estimate(): Usage {
    const estimate = estimateUsage(this.#request, this.#outputTexts.join(''));
    if (!this.#startUsage) return estimate;
    return { ...this.#startUsage, outputTokens: estimate.outputTokens, isEstimated: true };
  }

  #fail(error: GatewayError): GatewayError {
    this.#frames.cancel();
    this.#end(policyOf(error.code).cools === 'target' ? 'failure' : 'unknown');
    return error;
  }

  #end(outcome: VisitOutcome): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#trace.usage ??= this.#estimate();
    this.#onEnd(outcome);
    if (outcome === 'success') this.#tap?.end();
  }
}
