// Answers that somebody on the way has compressed, though nobody asked for it.

import { Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import { HttpFailure, type HttpResponse } from '../ports.ts';

const DECODERS: ReadonlyMap<string, () => Transform> = new Map<string, () => Transform>([
  ['gzip', createGunzip],
  ['x-gzip', createGunzip],
  ['deflate', createInflate],
  ['br', createBrotliDecompress],
  ['zstd', createZstdDecompress],
]);

/** The same answer, with the bytes that were meant; one in an encoding nobody here knows stays as it is. */
export function decodedResponse(response: HttpResponse): HttpResponse {
  const { 'content-encoding': encoding = '', 'content-length': _length, ...headers } = response.headers;
  const decoder = DECODERS.get(encoding.trim().toLowerCase());
  return decoder
    ? { status: response.status, headers, body: decodedBody(response.body, decoder(), encoding) }
    : response;
}

async function* decodedBody(
  body: AsyncIterable<Uint8Array>,
  decoder: Transform,
  encoding: string,
): AsyncGenerator<Uint8Array> {
  // Its failure comes out of the decoder, too.
  pipeline(Readable.from(body, { objectMode: false }), decoder).catch(() => undefined);
  try {
    for await (const chunk of decoder) yield chunk as Uint8Array;
  } catch (error) {
    if (error instanceof HttpFailure || !isZlibError(error)) throw error;
    throw new HttpFailure('response', `The body is not valid ${encoding}`, { cause: error });
  } finally {
    decoder.destroy();
  }
}

function isZlibError(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && /^(Z_|ERR_BROTLI|ERR__ERROR|ZSTD_|ERR_ZSTD)/.test(String(error.code))
  );
}
