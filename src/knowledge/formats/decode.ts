// Bytes → text: by byte-order mark, else UTF-8, else what the file declares, else Windows' superset of Latin-1.

import { UnreadableFile } from './extracted.ts';

/** Enough to tell text from anything else. */
const SNIFFED_BYTES = 64 * 1024;
/** Of a text that is no UTF-8: so many of its bytes may be ones that no text of 8 bits has. */
const STRANGE_SHARE_MAX = 0.01;

/** @throws UnreadableFile for what is no text */
export function decodeText(bytes: Uint8Array, declaredEncoding?: string): string {
  const marked = markedEncoding(bytes);
  if (marked !== undefined) return new TextDecoder(marked).decode(bytes);
  if (!isText(bytes)) throw new UnreadableFile('is neither text nor a format that can be read');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    // An old encoding; which one, only the file could say.
    return decoderFor(declaredEncoding).decode(bytes);
  }
}

function markedEncoding(bytes: Uint8Array): string | undefined {
  const [first, second, third] = bytes;
  if (first === 0xef && second === 0xbb && third === 0xbf) return 'utf-8';
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  if (first === 0xfe && second === 0xff) return 'utf-16be';
  return undefined;
}

function decoderFor(declared: string | undefined): TextDecoder {
  try {
    return new TextDecoder(declared ?? 'windows-1252');
  } catch {
    // Declared under a name that nobody knows.
    return new TextDecoder('windows-1252');
  }
}

/** Does it look like text in UTF-8 or an encoding of 8 bits? */
function isText(bytes: Uint8Array): boolean {
  const sample = bytes.subarray(0, SNIFFED_BYTES);
  let strange = 0;
  for (const byte of sample) {
    if (byte === 0) return false;
    // Tab, line feed, form feed, carriage return and escape are in real texts.
    const isControl = byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0c && byte !== 0x0d && byte !== 0x1b;
    if (isControl || byte === 0x7f) strange += 1;
  }
  return strange <= sample.length * STRANGE_SHARE_MAX;
}
