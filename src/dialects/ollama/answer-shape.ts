// The one thing in which the answers of /api/chat and /api/generate differ: where they have what the model said.

import type { JsonObject } from '../../model/json.ts';

export interface AnswerShape {
  /** The fields of a line, or of a whole body, that say this message. */
  said(message: JsonObject): JsonObject;
  /**
   * An upstream's own line or body, as the client gets it. Upstreams are asked by /api/chat.
   * @param value what the text says, where it has been read already
   */
  own(text: string, value?: object): string;
}

export const CHAT_SHAPE: AnswerShape = {
  said: (message) => ({ message }),
  own: (text) => text,
};
