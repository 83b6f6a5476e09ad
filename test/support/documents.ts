// Real files of each format, made by hand: a PDF with a correct table of its objects, DOCX and EPUB zipped here.

import { strToU8, zipSync } from 'fflate';

export interface PdfLine {
  readonly text: string;
  /** In points. */
  readonly size?: number;
  /** Gap above it, in points. Default: as between lines of a paragraph. */
  readonly gap?: number;
}

/** One list of lines a page. Plain ASCII without brackets. */
export function pdfFile(pages: readonly (readonly PdfLine[])[], title?: string): Uint8Array {
  const objects: string[] = [];
  const add = (body: string): number => objects.push(body);
  add('<< /Type /Catalog /Pages 2 0 R >>');
  const pageNumbers = pages.map((_, index) => 4 + index * 2);
  add(`<< /Type /Pages /Count ${pages.length} /Kids [${pageNumbers.map((n) => `${n} 0 R`).join(' ')}] >>`);
  add('<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>');
  for (const lines of pages) {
    const stream = contentOf(lines);
    add(
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >> /Contents ${objects.length + 2} 0 R >>`,
    );
    add(`<< /Length ${stream.length} >>\nstream\n${stream}\nendstream`);
  }
  const info = title === undefined ? undefined : add(`<< /Title (${title}) >>`);
  return strToU8(assembled(objects, info), true);
}

function contentOf(lines: readonly PdfLine[]): string {
  let y = 800;
  const shown = lines.map(({ text, size = 11, gap = size * 1.2 }) => {
    y -= gap;
    return `BT /F1 ${size} Tf 1 0 0 1 50 ${y} Tm (${text}) Tj ET`;
  });
  return shown.join('\n');
}

function assembled(objects: readonly string[], info: number | undefined): string {
  let text = '%PDF-1.4\n';
  const offsets = objects.map((body, index) => {
    const offset = text.length;
    text += `${index + 1} 0 obj\n${body}\nendobj\n`;
    return offset;
  });
  const start = text.length;
  const rows = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
  const infoEntry = info === undefined ? '' : ` /Info ${info} 0 R`;
  return `${text}xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${rows}trailer\n<< /Size ${objects.length + 1} /Root 1 0 R${infoEntry} >>\nstartxref\n${start}\n%%EOF\n`;
}

/** @param body the inside of `<w:body>` */
export function docxFile(body: string, title?: string): Uint8Array {
  const types =
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>';
  const relations =
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>';
  const document = `<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>${body}</w:body></w:document>`;
  const core =
    title === undefined
      ? undefined
      : `<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>${title}</dc:title></cp:coreProperties>`;
  return zipSync({
    '[Content_Types].xml': strToU8(types),
    '_rels/.rels': strToU8(relations),
    'word/document.xml': strToU8(document),
    'word/media/image1.png': new Uint8Array(1000),
    ...(core !== undefined && { 'docProps/core.xml': strToU8(core) }),
  });
}

export function docxParagraph(text: string, style?: string): string {
  const properties = style === undefined ? '' : `<w:pPr><w:pStyle w:val="${style}"/></w:pPr>`;
  return `<w:p>${properties}<w:r><w:t xml:space="preserve">${text}</w:t></w:r></w:p>`;
}

/** Chapters are the inside of `<body>`; the spine has them in this order. */
export function epubFile(title: string, chapters: readonly string[]): Uint8Array {
  const items = chapters.map((_, index) => `<item id="c${index}" href="text/ch%20${index}.xhtml"/>`).join('');
  const spine = chapters.map((_, index) => `<itemref idref="c${index}"/>`).join('');
  const files = chapters.map((body, index): [string, Uint8Array] => [
    `OEBPS/text/ch ${index}.xhtml`,
    strToU8(`<?xml version="1.0"?><html><head><title>x</title></head><body>${body}</body></html>`),
  ]);
  return zipSync({
    mimetype: [strToU8('application/epub+zip'), { level: 0 }],
    'META-INF/container.xml': strToU8(
      '<container><rootfiles><rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>',
    ),
    'OEBPS/book.opf': strToU8(
      `<package xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata><dc:title>${title}</dc:title></metadata><manifest>${items}</manifest><spine>${spine}</spine></package>`,
    ),
    // Zipped in another order than they are read in.
    ...Object.fromEntries(files.reverse()),
  });
}
