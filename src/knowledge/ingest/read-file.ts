// Reads a file of this machine that somebody has named: only regular ones, only up to a size, with reasons people understand.

import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { UnreadableFile } from '../formats/extracted.ts';

/** @throws UnreadableFile */
export async function readSource(path: string, bytesMax: number): Promise<Uint8Array> {
  try {
    // A pipe without a writer would keep a plain open waiting for ever.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stat = await file.stat();
      if (!stat.isFile()) throw new UnreadableFile('is no regular file');
      if (stat.size > bytesMax) throw tooLarge(bytesMax);
      const bytes = await file.readFile();
      if (bytes.length > bytesMax) throw tooLarge(bytesMax);
      return bytes;
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof UnreadableFile) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? '';
    throw new UnreadableFile(REASONS[code] ?? `cannot be read (${code || String(error)})`, { cause: error });
  }
}

export function tooLarge(bytesMax: number): UnreadableFile {
  return new UnreadableFile(`is larger than ${bytesMax} bytes (knowledge.fileBytesMax)`);
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist',
  EACCES: 'may not be read by this user',
  EPERM: 'may not be read by this user',
  ELOOP: 'is a symbolic link to itself',
};
