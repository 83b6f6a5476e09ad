// What the reader and its thread say to each other: one job, one answer, in turn.

import type { PreparedDocument } from './prepare.ts';

export type ReaderJob =
  /** The hash of a file's bytes. */
  | { readonly type: 'hash'; readonly path: string; readonly bytesMax: number }
  | { readonly type: 'prepare-path'; readonly path: string; readonly bytesMax: number }
  | {
      readonly type: 'prepare-bytes';
      readonly bytes: Uint8Array;
      readonly name: string;
      readonly mimeType: string | undefined;
    };

export type ReaderAnswer =
  | { readonly type: 'hash'; readonly hash: string }
  | { readonly type: 'prepared'; readonly document: PreparedDocument }
  | { readonly type: 'unreadable'; readonly reason: string };
