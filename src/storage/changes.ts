// How a store tells of rows that travel to other nodes. Without a mesh nobody listens.

import type { JsonObject } from '../model/json.ts';

/** Both are called inside the transaction that writes the row, so that row and change are kept together or not at all. */
export interface ChangeRecorder {
  /** The row's whole new value. */
  put(kind: string, key: string, body: JsonObject): void;
  /** The row is gone. */
  remove(kind: string, key: string): void;
}

export const NOBODY_LISTENS: ChangeRecorder = { put: () => undefined, remove: () => undefined };
