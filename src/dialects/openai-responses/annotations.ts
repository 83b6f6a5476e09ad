// Citations on the wire ↔ neutrally. Wire offsets count within one text part, neutral ones within the whole answer.

import type { Annotation } from '../../model/chat.ts';
import { asNumber, asString, type JsonObject } from '../../model/json.ts';
import { definedOnly } from '../fields.ts';

export function parseAnnotation(wire: JsonObject, offset: number): Annotation {
  const start = asNumber(wire.start_index);
  const end = asNumber(wire.end_index);
  return definedOnly<Annotation>({
    url: asString(wire.url),
    // Files are cited by their name.
    title: asString(wire.title) ?? asString(wire.filename),
    quote: asString(wire.quote),
    start: start === undefined ? undefined : start + offset,
    end: end === undefined ? undefined : end + offset,
    extensions: { 'openai-responses': wire },
  });
}

/** Undefined for a source without URL: the wire has no form for a quoted passage. */
export function renderAnnotation(annotation: Annotation, offset: number): JsonObject | undefined {
  const wire = annotation.extensions?.['openai-responses'];
  if (wire) return wire;
  if (annotation.url === undefined) return undefined;
  return {
    type: 'url_citation',
    url: annotation.url,
    title: annotation.title ?? annotation.url,
    start_index: Math.max(0, (annotation.start ?? offset) - offset),
    end_index: Math.max(0, (annotation.end ?? offset) - offset),
  };
}
