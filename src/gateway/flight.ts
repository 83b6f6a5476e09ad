// One upstream answer that several clients read at once, each at its own pace. The fastest reader sets the pace of the
// upstream; what slower ones have not read yet waits in memory. An answer too long for that is no longer open to new
// readers, and from there on the slowest one sets the pace.

import type { AnsweringTarget } from '../cache/cached-answer.ts';
import { fromUpstreamError } from '../dialects/upstream-failure.ts';
import { GatewayError, toGatewayError } from '../errors.ts';
import type { ChatResponse } from '../model/chat.ts';
import { ResponseCollector } from '../model/collect.ts';
import { type Frame, mediaLength, type StreamEvent } from '../model/stream.ts';
import type { StopSignal } from '../ports.ts';
import type { AnswerFrames } from './answer-frames.ts';
import { policyOf } from './failure-policy.ts';
import type { VisitOutcome } from './target-health.ts';

/** Characters that wait for slower readers, and for those who may still join. */
const WAITING_LENGTH_MAX = 4 * 1024 * 1024;
/** What a frame costs at least. */
const FRAME_LENGTH_MIN = 200;

/** The upstream's answer has begun. */
export interface Departure {
  readonly source: AnswerFrames;
  readonly answeredBy: AnsweringTarget;
  /** Called once, when nothing more comes of it. */
  release(outcome: VisitOutcome): void;
}

export interface FlightOptions {
  /** Asks the upstreams; aborted when the last reader has left. */
  readonly start: (signal: StopSignal) => Promise<Departure>;
  /** Nobody may join any more. */
  readonly onClosed: () => void;
  /** The answer came to its end, and all of it is here. */
  readonly onComplete: (response: ChatResponse, answeredBy: AnsweringTarget) => void;
}

export class Flight {
  readonly #abort = new AbortController();
  readonly #options: FlightOptions;
  readonly #departure: Promise<Departure>;
  readonly #readers = new Set<FlightReader>();
  readonly #collector = new ResponseCollector();
  #batches: { readonly frames: readonly Frame[]; readonly length: number }[] = [];
  /** How many batches everyone has read and nobody needs again. */
  #forgotten = 0;
  #waitingLength = 0;
  #payer: FlightReader | undefined;
  #isOpen = true;
  #isWhole = true;
  #isPulling = false;
  #failure: GatewayError | undefined;
  #isOver = false;

  constructor(options: FlightOptions) {
    this.#options = options;
    this.#departure = options.start(this.#abort.signal);
    this.#departure.catch(() => this.#close());
  }

  /** For whom the answer is bought: whoever came first. When it leaves, whoever waits longest. */
  get payer(): FlightReader | undefined {
    return this.#payer;
  }

  /** Of the whole answer, once it is here. */
  get usage(): ChatResponse['usage'] {
    return this.#isOver ? this.#collector.usage : undefined;
  }

  /**
   * Must be asked for in the turn in which the flight was found.
   * @param isGuest gets the events only: the wire's own words may repeat what another client has sent (`metadata`, `user`)
   */
  join(signal: StopSignal, isGuest: boolean): FlightReader {
    const reader = new FlightReader(this, signal, isGuest);
    this.#readers.add(reader);
    this.#payer ??= reader;
    return reader;
  }

  /** Resolves when the upstream's first content is here. */
  get departed(): Promise<Departure> {
    return this.#departure;
  }

  /** The batch at a position; undefined where there is none yet. @throws GatewayError what broke the answer */
  at(position: number): readonly Frame[] | 'end' | undefined {
    const batch = this.#batches[position - this.#forgotten];
    if (batch) return batch.frames;
    if (this.#failure) throw this.#failure;
    return this.#isOver ? 'end' : undefined;
  }

  /** Somebody waits for more. */
  pull(): void {
    if (this.#isPulling || this.#isOver) return;
    if (!this.#isOpen && this.#waitingLength > WAITING_LENGTH_MAX) return;
    this.#isPulling = true;
    void this.#pullBatch().then(() => {
      this.#isPulling = false;
      for (const reader of this.#readers) reader.wake();
    });
  }

  /** A reader has moved on. */
  moved(): void {
    if (this.#isOpen) return;
    const slowest = Math.min(...this.#readers.values().map(({ position }) => position));
    while (this.#forgotten < slowest && this.#batches.length > 0) {
      this.#waitingLength -= this.#batches.shift()?.length ?? 0;
      this.#forgotten += 1;
    }
    // Those in front may have been waiting for this one.
    if (this.#waitingLength <= WAITING_LENGTH_MAX) for (const reader of this.#readers) reader.wake();
  }

  leave(reader: FlightReader): void {
    if (!this.#readers.delete(reader)) return;
    const [next] = this.#readers;
    if (next) {
      if (this.#payer === reader && !this.#isOver) this.#payer = next;
      this.moved();
      return;
    }
    this.#close();
    if (this.#isOver) return;
    this.#abort.abort(new GatewayError('client_closed', 'Every client that waited for this answer has left.'));
    void this.#departure.then(
      (departure) => this.#end(departure, 'unknown'),
      // It failed before there was anything to end.
      () => undefined,
    );
  }

  async #pullBatch(): Promise<void> {
    const departure = await this.#departure;
    try {
      const frames = await departure.source.next();
      if (this.#isOver) return;
      if (frames) this.#add(frames, departure);
      else this.#end(departure, 'success');
    } catch (thrown) {
      this.#fail(toGatewayError(thrown), departure);
    }
  }

  #add(frames: readonly Frame[], departure: Departure): void {
    const length = lengthOf(frames);
    this.#batches.push({ frames, length });
    this.#waitingLength += length;
    for (const frame of frames) {
      if (this.#isWhole) this.#collector.add(frame);
      for (const event of frame.events) {
        if (event.type === 'opaque-delta') this.#isWhole = false;
        // Readers find it in the batch.
        if (event.type === 'error') this.#fail(fromUpstreamError(event.error), departure);
      }
    }
    if (this.#waitingLength <= WAITING_LENGTH_MAX) return;
    this.#isWhole = false;
    this.#close();
    this.moved();
  }

  #fail(failure: GatewayError, departure: Departure): void {
    // What an upstream does after its answer was complete, or given up, concerns nobody.
    if (this.#isOver) return;
    this.#failure = failure;
    this.#end(departure, policyOf(failure.code).cools === 'target' ? 'failure' : 'unknown');
  }

  #end({ source, release, answeredBy }: Departure, outcome: VisitOutcome): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#close();
    if (outcome !== 'success') source.cancel();
    release(outcome);
    if (outcome === 'success' && this.#isWhole) this.#options.onComplete(this.#collector.response(), answeredBy);
  }

  #close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#options.onClosed();
  }
}

/** One client's place in a flight. */
class FlightReader implements AnswerFrames {
  readonly #flight: Flight;
  readonly #signal: StopSignal;
  readonly #isGuest: boolean;
  readonly #onAbort = (): void => {
    this.cancel();
    this.wake();
  };
  #onNews: (() => void) | undefined;
  /** Batches read. */
  position = 0;

  constructor(flight: Flight, signal: StopSignal, isGuest: boolean) {
    this.#flight = flight;
    this.#signal = signal;
    this.#isGuest = isGuest;
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** The whole answer's, once it is here. */
  get usage(): ChatResponse['usage'] {
    return this.#flight.usage;
  }

  get isPayer(): boolean {
    return this.#flight.payer === this;
  }

  /** @throws GatewayError why no answer began, or the reason of this client's own signal */
  async departed(): Promise<AnsweringTarget> {
    const left = new Promise<void>((resolve) => {
      this.#onNews = resolve;
    });
    try {
      if (this.#signal.aborted) throw this.#signal.reason;
      const departure = await Promise.race([this.#flight.departed, left]);
      if (departure) return departure.answeredBy;
      throw this.#signal.reason;
    } catch (error) {
      this.cancel();
      throw this.#signal.aborted ? this.#signal.reason : error;
    }
  }

  async next(): Promise<readonly Frame[] | undefined> {
    for (;;) {
      if (this.#signal.aborted) throw this.#signal.reason;
      const batch = this.#flight.at(this.position);
      if (batch === 'end') return undefined;
      if (batch) {
        this.position += 1;
        this.#flight.moved();
        return this.#isGuest ? batch.map(guestFrame) : batch;
      }
      const news = new Promise<void>((resolve) => {
        this.#onNews = resolve;
      });
      this.#flight.pull();
      await news;
    }
  }

  /** Something has come, or this client has left. */
  wake(): void {
    const onNews = this.#onNews;
    this.#onNews = undefined;
    onNews?.();
  }

  cancel(): void {
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#flight.leave(this);
  }
}

/** Without what belongs to one answer alone. */
function guestFrame({ events }: Frame): Frame {
  return {
    events: events.map((event) => {
      if (event.type !== 'response-start') return event;
      const { createdAt: _createdAt, ...start } = event;
      return { ...start, id: '' };
    }),
  };
}

function eventLength(event: StreamEvent): number {
  if (event.type === 'media-add') return mediaLength(event.media);
  return 'text' in event ? event.text.length : FRAME_LENGTH_MIN;
}

function lengthOf(frames: readonly Frame[]): number {
  let length = 0;
  for (const { original, events } of frames) {
    length += Math.max(FRAME_LENGTH_MIN, original?.data.length ?? 0);
    if (!original) for (const event of events) length += eventLength(event);
  }
  return length;
}
