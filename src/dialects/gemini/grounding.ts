// Sources of an answer, both ways. Gemini counts bytes of UTF-8 where the neutral model counts UTF-16 code units.

import type { Annotation } from '../../model/chat.ts';
import { asArray, asNumber, asObject, asString, type JsonObject } from '../../model/json.ts';
import { definedOnly } from '../fields.ts';

/** @param text of the choice so far, which the segments point into */
export function parseGrounding(metadata: JsonObject, text: string): Annotation[] {
  const chunks = asArray(metadata.groundingChunks).map(sourceOf);
  const cited = new Set<number>();
  const annotations: Annotation[] = [];
  for (const value of asArray(metadata.groundingSupports)) {
    const support = asObject(value);
    const segment = asObject(support?.segment) ?? {};
    for (const index of asArray(support?.groundingChunkIndices)) {
      const source = chunks[Number(index)];
      if (!source) continue;
      cited.add(Number(index));
      annotations.push(
        definedOnly<Annotation>({ ...source, quote: asString(segment.text), ...placeOf(segment, text) }),
      );
    }
  }
  const others = chunks.flatMap((source, index) => (source && !cited.has(index) ? [source] : []));
  return [...annotations, ...others];
}

/** `citationMetadata`: passages that repeat a known source. */
export function parseCitations(metadata: JsonObject, text: string): Annotation[] {
  return asArray(metadata.citations ?? metadata.citationSources).flatMap((value) => {
    const citation = asObject(value);
    if (!citation || (!citation.uri && !citation.title)) return [];
    return [
      definedOnly<Annotation>({
        url: asString(citation.uri),
        title: asString(citation.title),
        ...placeOf(citation, text),
      }),
    ];
  });
}

function sourceOf(value: unknown): Annotation | undefined {
  const chunk = asObject(value);
  const source = asObject(chunk?.web) ?? asObject(chunk?.retrievedContext) ?? asObject(chunk?.maps);
  if (!source) return undefined;
  return definedOnly<Annotation>({ url: asString(source.uri), title: asString(source.title) });
}

/** Where the segment stands; nothing when its offsets do not fit the text, as with answers of several parts. */
function placeOf(segment: JsonObject, text: string): { start?: number; end?: number } {
  const endByte = asNumber(segment.endIndex);
  if (endByte === undefined) return {};
  const bytes = Buffer.from(text);
  const unitsUpTo = (offset: number) => bytes.toString('utf8', 0, offset).length;
  const start = unitsUpTo(asNumber(segment.startIndex) ?? 0);
  const end = unitsUpTo(endByte);
  const quote = asString(segment.text);
  if (quote === undefined || text.slice(start, end) === quote) return { start, end };
  const found = text.indexOf(quote);
  return found < 0 ? {} : { start: found, end: found + quote.length };
}

/** A source that tells nothing of itself is none. */
export function renderGrounding(found: readonly Annotation[], text: string): JsonObject {
  const annotations = found.filter(({ url, title, passage }) => (url ?? title ?? passage) !== undefined);
  const sources = [...new Map(annotations.map((note) => [`${note.url} ${note.title}`, note])).entries()];
  const keys = sources.map(([key]) => key);
  const supports = annotations.flatMap((note): JsonObject[] => {
    if (note.start === undefined || note.end === undefined) return [];
    const segment = {
      startIndex: Buffer.byteLength(text.slice(0, note.start)),
      endIndex: Buffer.byteLength(text.slice(0, note.end)),
      text: text.slice(note.start, note.end),
    };
    return [{ segment, groundingChunkIndices: [keys.indexOf(`${note.url} ${note.title}`)] }];
  });
  return {
    groundingChunks: sources.map(([, note]) => {
      const source = { uri: note.url, title: note.title ?? note.url };
      // A passage of our own knowledge is no web page.
      if (note.passage) return { retrievedContext: definedOnly<JsonObject>({ ...source, text: note.quote }) };
      return { web: definedOnly<JsonObject>(source) };
    }),
    ...(supports.length > 0 && { groundingSupports: supports }),
  };
}
