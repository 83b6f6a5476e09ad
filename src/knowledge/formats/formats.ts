// Which format a file has, and reading it. Content decides where it can be told, then the name, then what was declared.

import { csv } from './csv.ts';
import { docx } from './docx.ts';
import { epub } from './epub.ts';
import { type Extracted, type Format, type SourceFile, UnreadableFile } from './extracted.ts';
import { html } from './html.ts';
import { json, jsonLines } from './json.ts';
import { markdown } from './markdown.ts';
import { pdf } from './pdf.ts';
import { text } from './text.ts';
import { unzip } from './zip.ts';

const FORMATS: readonly Format[] = [markdown, html, pdf, docx, epub, csv, json, jsonLines, text];

/**
 * The file's text in blocks; never empty.
 * @throws UnreadableFile for what cannot be read, and for nothing else: whatever a parser throws is the file's fault
 */
export async function extract(file: SourceFile): Promise<Extracted> {
  const found = await extracted(file);
  if (found.blocks.some(({ kind }) => kind !== 'break')) return found;
  throw new UnreadableFile(found.mimeType === pdf.mimeTypes[0] ? 'has no text; it may be a scan' : 'has no text');
}

async function extracted(file: SourceFile): Promise<Extracted> {
  try {
    return await formatOf(file).extract(file);
  } catch (error) {
    if (error instanceof UnreadableFile) throw error;
    const reason = error instanceof RangeError ? 'it is nested too deeply or too large' : messageOf(error);
    throw new UnreadableFile(`cannot be read: ${reason}`, { cause: error });
  }
}

function messageOf(error: unknown): string {
  const [line = ''] = String(error instanceof Error ? error.message : error).split('\n', 1);
  return line.slice(0, 200);
}

function formatOf({ name, bytes, mimeType }: SourceFile): Format {
  const extension = extensionOf(name);
  if (startsWith(bytes, '%PDF-')) return pdf;
  if (startsWith(bytes, 'PK\u0003\u0004')) return archiveFormat(bytes);
  return (
    FORMATS.find(({ extensions }) => extensions.includes(extension)) ??
    FORMATS.find(({ mimeTypes }) => mimeTypes.some((type) => type === declaredType(mimeType))) ??
    sniffed(bytes)
  );
}

function archiveFormat(bytes: Uint8Array): Format {
  const names = new Set<string>();
  unzip(bytes, (name) => {
    names.add(name);
    return false;
  });
  if (names.has('word/document.xml')) return docx;
  if (names.has('META-INF/container.xml')) return epub;
  throw new UnreadableFile('is an archive that holds neither a Word document nor a book');
}

/** Nothing names it: what does it begin with? */
function sniffed(bytes: Uint8Array): Format {
  const head = Buffer.from(bytes.subarray(0, 512)).toString('latin1').trimStart();
  if (/^<(!doctype html|html|head|body)\b/i.test(head)) return html;
  return text;
}

function startsWith(bytes: Uint8Array, magic: string): boolean {
  return Buffer.from(bytes.subarray(0, magic.length)).toString('latin1') === magic;
}

/** A file without a dot has none; a hidden one's name is none. */
function extensionOf(name: string): string {
  return /[^/\\.]\.([^./\\]+)$/.exec(name)?.[1]?.toLowerCase() ?? '';
}

function declaredType(mimeType: string | undefined): string | undefined {
  return mimeType?.split(';', 1)[0]?.trim().toLowerCase();
}
