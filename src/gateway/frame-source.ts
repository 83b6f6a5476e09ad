// The frames of one open answer, in batches: all that one read of the socket brought. Stops at the terminal mark.

import type { Dialect, StreamParser } from '../dialects/dialect.ts';
import type { FrameDecoder } from '../dialects/framing.ts';
import { decoderFor } from '../dialects/framing.ts';
import type { Frame } from '../model/stream.ts';
import type { Clock, HttpResponse } from '../ports.ts';
import type { AnswerFrames } from './answer-frames.ts';

export interface FrameSource {
  /**
   * The next batch, never empty; undefined when the answer has ended.
   * @param onRead called for every read that brought no whole frame: comments, or a part of a long one
   */
  next(onRead?: () => void): Promise<readonly Frame[] | undefined>;
  /** Gives up the rest of the answer, which closes the upstream's connection. */
  cancel(): void;
}

/** How long an upstream may take to end its body after its terminal mark before we hang up. */
const TRAILER_MS = 1_000;

export class StreamedFrames implements FrameSource {
  readonly #body: AsyncIterator<Uint8Array>;
  readonly #decoder: FrameDecoder;
  readonly #parser: StreamParser;
  readonly #readWhole: ((text: string) => Frame) | undefined;
  readonly #clock: Clock;
  #isEnded = false;

  /** @param readWhole reads a body that came whole under the label of a stream */
  constructor(
    response: HttpResponse,
    framing: Dialect['framing'],
    parser: StreamParser,
    clock: Clock,
    readWhole?: (text: string) => Frame,
  ) {
    this.#body = response.body[Symbol.asyncIterator]();
    this.#decoder = decoderFor(framing);
    this.#parser = parser;
    this.#readWhole = readWhole;
    this.#clock = clock;
  }

  async next(onRead?: () => void): Promise<readonly Frame[] | undefined> {
    while (!this.#isEnded) {
      const read = await this.#body.next();
      const frames: Frame[] = [];
      for (const message of read.done ? this.#decoder.flush() : this.#decoder.decode(read.value)) {
        const frame = (message.isWhole && this.#readWhole?.(message.data)) || this.#parser.parse(message);
        frames.push(frame);
        if (isTerminal(frame)) {
          this.#isEnded = true;
          if (!read.done) void this.#finishBody();
          return frames;
        }
      }
      if (read.done) {
        this.#isEnded = true;
        const last = this.#parser.end();
        if (last) frames.push(last);
      }
      if (frames.length > 0) return frames;
      onRead?.();
    }
    return undefined;
  }

  cancel(): void {
    this.#isEnded = true;
    // Rejects when the body has failed already, which is as closed as can be.
    this.#body.return?.().catch(() => undefined);
  }

  /** Reads the little that follows the terminal mark, so that the connection can be used again. */
  async #finishBody(): Promise<void> {
    const timer = this.#clock.after(TRAILER_MS, () => this.cancel());
    try {
      while (!(await this.#body.next()).done);
    } catch {
      // The answer is complete already: how the connection ends no longer matters.
    } finally {
      timer.cancel();
    }
  }
}

/** An answer that is already whole: there is nothing to wait for, and nothing to give up. */
export class WholeAnswer implements AnswerFrames {
  #frame: Frame | undefined;

  constructor(frame: Frame) {
    this.#frame = frame;
  }

  get isEnded(): boolean {
    return this.#frame === undefined;
  }

  next(): Promise<readonly Frame[] | undefined> {
    const frame = this.#frame;
    this.#frame = undefined;
    return Promise.resolve(frame && [frame]);
  }

  cancel(): void {
    this.#frame = undefined;
  }
}

/** Frames made in this process. */
export class LocalFrames implements FrameSource {
  readonly #frames: AsyncIterator<readonly Frame[]>;

  constructor(frames: AsyncIterable<readonly Frame[]>) {
    this.#frames = frames[Symbol.asyncIterator]();
  }

  async next(): Promise<readonly Frame[] | undefined> {
    const result = await this.#frames.next();
    return result.done ? undefined : result.value;
  }

  cancel(): void {
    void this.#frames.return?.();
  }
}

function isTerminal(frame: Frame): boolean {
  const last = frame.events.at(-1)?.type;
  return last === 'response-end' || last === 'error';
}
