// The frames of an answer that was given passages: where its text has ended, the passages it cites are added as
// annotations.
//
// A frame of the wire does not have our annotations. So streamed frames lose their originals and are written from their
// events; a whole body loses it only when something is cited.

import type { NumberedPassage } from '../knowledge/augment.ts';
import { findCitations } from '../knowledge/augment-citations.ts';
import type { Frame, StreamEvent } from '../model/stream.ts';
import type { AnswerFrames } from './answer-frames.ts';

/** Text of one choice. */
interface Written {
  text: string;
  /** Up to here its citations have been told. */
  readUpTo: number;
}

export class CitingFrames implements AnswerFrames {
  readonly #frames: AnswerFrames;
  readonly #passages: readonly NumberedPassage[];
  readonly #onCited: (numbers: readonly number[]) => void;
  readonly #choices = new Map<number, Written>();

  /** @param onCited told of the numbers of the passages, whenever some were cited */
  constructor(
    frames: AnswerFrames,
    passages: readonly NumberedPassage[],
    onCited: (numbers: readonly number[]) => void = () => undefined,
  ) {
    this.#frames = frames;
    this.#passages = passages;
    this.#onCited = onCited;
  }

  async next(): Promise<readonly Frame[] | undefined> {
    const batch = await this.#frames.next();
    return batch?.map((frame) => this.#cited(frame));
  }

  cancel(): void {
    this.#frames.cancel();
  }

  #cited(frame: Frame): Frame {
    const events = frame.events.flatMap((event) => this.#withCitations(event));
    const isUnchanged = frame.original?.isWhole === true && events.length === frame.events.length;
    return isUnchanged ? frame : { events };
  }

  #withCitations(event: StreamEvent): readonly StreamEvent[] {
    switch (event.type) {
      case 'text-delta': {
        this.#written(event.choice).text += event.text;
        return [event];
      }
      // The text before it is complete, and in some dialects its block is closed now.
      case 'tool-call-start':
      case 'finish':
        return [...this.#citations(event.choice), event];
      default:
        return [event];
    }
  }

  #citations(choice: number): readonly StreamEvent[] {
    const written = this.#written(choice);
    const annotations = findCitations(written.text, this.#passages, written.readUpTo);
    written.readUpTo = written.text.length;
    if (annotations.length > 0) this.#onCited(annotations.flatMap(({ passage }) => passage?.number ?? []));
    return annotations.map((annotation) => ({ type: 'annotation-add', choice, annotation }) as const);
  }

  #written(choice: number): Written {
    let written = this.#choices.get(choice);
    if (!written) {
      written = { text: '', readUpTo: 0 };
      this.#choices.set(choice, written);
    }
    return written;
  }
}
