// Compressed request bodies, as some clients and proxies send them (Codex: zstd). The size that counts is the one
// afterwards: a few kilobytes can hold gigabytes.

import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, zstdDecompress } from 'node:zlib';
import { GatewayError } from '../errors.ts';

type Decode = (body: Buffer, bounds: { readonly maxOutputLength: number }) => Promise<Buffer>;

const DECODERS: ReadonlyMap<string, Decode> = new Map<string, Decode>([
  ['gzip', promisify(gunzip)],
  ['x-gzip', promisify(gunzip)],
  ['deflate', promisify(inflate)],
  ['br', promisify(brotliDecompress)],
  ['zstd', promisify(zstdDecompress)],
]);

/** Is there anything to decode? */
export function isEncoded(encoding: string | undefined): encoding is string {
  return encoding !== undefined && encoding !== '' && encoding.toLowerCase() !== 'identity';
}

/** @throws GatewayError `bad_request` or `body_too_large` */
export async function decodedBody(body: Buffer, encoding: string, bytesMax: number): Promise<Buffer> {
  const decode = DECODERS.get(encoding.trim().toLowerCase());
  if (!decode) {
    throw new GatewayError(
      'bad_request',
      `The body's content-encoding '${encoding.slice(0, 50)}' is unknown here. Use one of ${[...DECODERS.keys()].join(', ')}, or none.`,
      { status: 415 },
    );
  }
  try {
    return await decode(body, { maxOutputLength: bytesMax });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw bodyTooLarge(bytesMax);
    throw new GatewayError('bad_request', `The body is not valid ${encoding}.`, { cause: error });
  }
}

export function bodyTooLarge(bytesMax: number): GatewayError {
  return new GatewayError(
    'body_too_large',
    `The body is larger than ${bytesMax} bytes. The operator can raise server.bodyBytesMax.`,
  );
}
