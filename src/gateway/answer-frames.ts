// An answer under way, as its reader sees it.

import type { Frame } from '../model/stream.ts';

export interface AnswerFrames {
  /** The next batch, or undefined at the end. A batch with an error event is the last one. */
  next(): Promise<readonly Frame[] | undefined>;
  /** There is no next batch; absent where only `next` can tell. */
  readonly isEnded?: boolean;
  /** Gives up the rest. */
  cancel(): void;
}
