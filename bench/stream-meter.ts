// Reads the mock upstream's stamped frames out of streams, whoever has passed them on: how long each was under way, how
// the time between two changed, and whether any is missing or out of order.

import { Histogram } from './histogram.ts';
import { monotonicMicros, type Quantiles, type StreamResult } from './protocol.ts';

const STAMP = /"content":\s*"(\d+)@(\d+) "/g;

export class StreamMeter {
  readonly transit = new Histogram();
  readonly gapChange = new Histogram();
  frames = 0;
  lost = 0;
  reordered = 0;

  begin(): StreamReading {
    return new StreamReading(this);
  }

  result(quantiles: (histogram: Histogram) => Quantiles): StreamResult {
    return {
      frames: this.frames,
      lost: this.lost,
      reordered: this.reordered,
      transit: quantiles(this.transit),
      transitAround40Ms: this.transit.countBetweenMs(38, 50),
      gapChange: quantiles(this.gapChange),
    };
  }
}

class StreamReading {
  readonly #meter: StreamMeter;
  #unfinished = '';
  #lastSequence = -1;
  #last: { readonly sentAt: number; readonly readAt: number } | undefined;
  received = 0;

  constructor(meter: StreamMeter) {
    this.#meter = meter;
  }

  take(chunk: Buffer): void {
    const readAt = monotonicMicros();
    const text = this.#unfinished + chunk.toString('latin1');
    const end = text.lastIndexOf('\n') + 1;
    this.#unfinished = text.slice(end);
    for (const [, sequence, sentAt] of text.slice(0, end).matchAll(STAMP)) {
      this.#add(Number(sequence), Number(sentAt), readAt);
    }
  }

  /** @param expected frames that the upstream was asked for */
  end(expected: number): void {
    this.#meter.lost += Math.max(0, expected - this.received);
  }

  #add(sequence: number, sentAt: number, readAt: number): void {
    const meter = this.#meter;
    meter.frames += 1;
    this.received += 1;
    if (sequence <= this.#lastSequence) meter.reordered += 1;
    this.#lastSequence = sequence;
    meter.transit.addMs((readAt - sentAt) / 1_000);
    if (this.#last) {
      const change = readAt - this.#last.readAt - (sentAt - this.#last.sentAt);
      meter.gapChange.addMs(Math.abs(change) / 1_000);
    }
    this.#last = { sentAt, readAt };
  }
}
