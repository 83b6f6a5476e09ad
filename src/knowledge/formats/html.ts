// HTML pages, in the encoding they declare.

import { decodeText } from './decode.ts';
import type { Format } from './extracted.ts';
import { htmlBlocks } from './html-blocks.ts';

/** Browsers look no further for the declaration either. */
const DECLARATION_BYTES = 1024;

export const html: Format = {
  mimeTypes: ['text/html', 'application/xhtml+xml'],
  extensions: ['html', 'htm', 'xhtml'],
  extract({ bytes }) {
    const head = Buffer.from(bytes.subarray(0, DECLARATION_BYTES)).toString('latin1');
    const charset = /charset\s*=\s*["']?([\w-]+)/i.exec(head)?.[1];
    return { mimeType: html.mimeTypes[0], ...htmlBlocks(decodeText(bytes, charset)) };
  },
};
