// Word documents: mammoth makes HTML of them by their styles, which is read like any other HTML.

import { zipSync } from 'fflate';
import { type Format, UnreadableFile } from './extracted.ts';
import { htmlBlocks } from './html-blocks.ts';
import { unzip } from './zip.ts';

export const docx: Format = {
  mimeTypes: ['application/vnd.openxmlformats-officedocument.wordprocessingml.document'],
  extensions: ['docx', 'docm'],
  async extract({ bytes }) {
    // Only what is text, unpacked within our bounds: the library's own archive reader has none.
    const parts = unzip(bytes, (name) => /\.(xml|rels)$/i.test(name));
    if (!parts.has('word/document.xml')) throw new UnreadableFile('has no Word document in it');
    const { default: mammoth } = await import('mammoth');
    const { value } = await mammoth.convertToHtml(
      { buffer: Buffer.from(zipSync(Object.fromEntries(parts), { level: 0 })) },
      { externalFileAccess: false, convertImage: mammoth.images.imgElement(async () => ({ src: '' })) },
    );
    const title = coreTitle(parts.get('docProps/core.xml'));
    return { mimeType: docx.mimeTypes[0], ...htmlBlocks(value), ...(title !== undefined && { title }) };
  },
};

function coreTitle(core: Uint8Array | undefined): string | undefined {
  if (!core) return undefined;
  const written = /<dc:title[^>]*>([^<]{1,1000})<\/dc:title>/.exec(Buffer.from(core).toString('utf8'))?.[1];
  // Read as HTML for its entities.
  return written && htmlBlocks(`<title>${written}</title>`).title;
}
