// Entries of a ZIP archive (DOCX and EPUB are such), with bounds that a bomb runs into before anything is unpacked.

import { unzipSync } from 'fflate';
import { FORMAT_LIMITS, UnreadableFile } from './extracted.ts';

const RATIO_JUDGED_FROM_BYTES = 1024 ** 2;

/**
 * The entries whose name is wanted. Sizes are those that the archive declares; what unpacks to more is cut there.
 * @throws UnreadableFile
 */
export function unzip(bytes: Uint8Array, isWanted: (name: string) => boolean): ReadonlyMap<string, Uint8Array> {
  let entryCount = 0;
  let unpackedBytes = 0;
  try {
    const entries = unzipSync(bytes, {
      filter({ name, size, originalSize }) {
        entryCount += 1;
        if (entryCount > FORMAT_LIMITS.zipEntriesMax) throw new UnreadableFile('is an archive of too many entries');
        if (!isWanted(name)) return false;
        unpackedBytes += originalSize;
        const isDense = originalSize > RATIO_JUDGED_FROM_BYTES && originalSize > size * FORMAT_LIMITS.zipRatioMax;
        if (isDense || unpackedBytes > FORMAT_LIMITS.zipBytesMax) throw new UnreadableFile('unpacks to far too much');
        return true;
      },
    });
    return new Map(Object.entries(entries));
  } catch (error) {
    if (error instanceof UnreadableFile) throw error;
    throw new UnreadableFile(`is a damaged archive: ${(error as Error).message}`, { cause: error });
  }
}
