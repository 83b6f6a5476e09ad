// Writes and reads tar archives of plain files: what backups are packed in, so that anybody can look into one without
// flowmesh. The format is ustar; a size that does not fit into its twelve digits is written in binary, as GNU tar does.

import type { Readable } from 'node:stream';

const BLOCK = 512;
const NAME = { at: 0, length: 100 } as const;
const SIZE = { at: 124, length: 12 } as const;
const CHECKSUM = { at: 148, length: 8 } as const;
const OCTAL_SIZE_MAX = 0o77777777777;
const BINARY = 0x80;
const PLAIN_FILE = '0';

export interface TarFile {
  /** At most 100 bytes. */
  readonly name: string;
  readonly size: number;
  readonly content: AsyncIterable<Uint8Array>;
}

/** It is no archive, or it is cut short. */
export class DamagedArchive extends Error {
  override readonly name = 'DamagedArchive';
}

/** @throws Error when a file does not have the size it was announced with */
export async function* writeTar(files: AsyncIterable<TarFile> | Iterable<TarFile>): AsyncGenerator<Uint8Array> {
  for await (const { name, size, content } of files) {
    yield header(name, size);
    let written = 0;
    for await (const chunk of content) {
      written += chunk.length;
      yield chunk;
    }
    if (written !== size) throw new Error(`${name} changed while it was packed: ${size} bytes became ${written}.`);
    yield Buffer.alloc(padding(size));
  }
  yield Buffer.alloc(2 * BLOCK);
}

/**
 * Files in their order; the content of each must be read before the next is asked for.
 * @throws DamagedArchive
 */
export async function* readTar(source: Readable): AsyncGenerator<TarFile> {
  const bytes = new ByteReader(source);
  for (;;) {
    const block = await bytes.take(BLOCK);
    if (block.every((byte) => byte === 0)) return;
    const { name, size } = parseHeader(block);
    yield { name, size, content: bytes.pass(size) };
    await bytes.take(padding(size));
  }
}

function header(name: string, size: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  if (Buffer.byteLength(name) > NAME.length) throw new Error(`The name ${name} is too long for an archive.`);
  block.write(name, NAME.at);
  block.write('0000600\0', 100);
  block.write('0000000\0', 108);
  block.write('0000000\0', 116);
  writeSize(block, size);
  block.write('00000000000\0', 136);
  block.write(PLAIN_FILE, 156);
  block.write('ustar\x0000', 257);
  block.write(`${checksum(block).toString(8).padStart(6, '0')}\0 `, CHECKSUM.at);
  return block;
}

function writeSize(block: Buffer, size: number): void {
  if (size <= OCTAL_SIZE_MAX) {
    block.write(`${size.toString(8).padStart(SIZE.length - 1, '0')}\0`, SIZE.at);
    return;
  }
  block.writeUInt8(BINARY, SIZE.at);
  block.writeBigUInt64BE(BigInt(size), SIZE.at + SIZE.length - 8);
}

function parseHeader(block: Buffer): { readonly name: string; readonly size: number } {
  const claimed = Number.parseInt(block.toString('latin1', CHECKSUM.at, CHECKSUM.at + 6), 8);
  if (claimed !== checksum(block)) throw new DamagedArchive('This is no archive, or it is damaged.');
  if (block.toString('latin1', 156, 157) !== PLAIN_FILE) throw new DamagedArchive('The archive holds more than files.');
  const isBinary = (block[SIZE.at] ?? 0) === BINARY;
  const size = isBinary
    ? Number(block.readBigUInt64BE(SIZE.at + SIZE.length - 8))
    : Number.parseInt(block.toString('latin1', SIZE.at, SIZE.at + SIZE.length - 1), 8);
  if (!Number.isSafeInteger(size)) throw new DamagedArchive('The archive has a file without a size.');
  return { name: block.toString('utf8', NAME.at, NAME.at + NAME.length).replace(/\0.*$/s, ''), size };
}

/** The field itself counts as spaces. */
function checksum(block: Buffer): number {
  let sum = 0;
  for (const [index, byte] of block.entries()) {
    sum += index >= CHECKSUM.at && index < CHECKSUM.at + CHECKSUM.length ? 0x20 : byte;
  }
  return sum;
}

function padding(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

/** A stream's bytes, as many as are asked for. */
class ByteReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: Readable) {
    this.#chunks = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  async take(length: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for await (const part of this.pass(length)) parts.push(part);
    return Buffer.concat(parts);
  }

  async *pass(length: number): AsyncGenerator<Buffer> {
    for (let missing = length; missing > 0; ) {
      if (this.#rest.length === 0) await this.#next();
      const part = this.#rest.subarray(0, missing);
      this.#rest = this.#rest.subarray(part.length);
      missing -= part.length;
      yield part;
    }
  }

  async #next(): Promise<void> {
    const { value, done } = await this.#chunks.next();
    if (done) throw new DamagedArchive('The archive ends in the middle: it was not written or copied to its end.');
    this.#rest = value;
  }
}
