// What tells whether a file has changed.

import { createHash } from 'node:crypto';

/** SHA-256, hex. */
export function contentHashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
