// What only this dialect knows of a part or tool, kept beside the neutral fields under `extensions.anthropic`:
// its further wire fields (`cache_control`, `caller` …), or as `block` a whole block that has no neutral form.

import type { Annotation, Extensions, TextPart } from '../../model/chat.ts';
import { asObject, asString, type JsonObject, type JsonValue } from '../../model/json.ts';
import { definedOnly } from '../fields.ts';

/** The fields besides the known ones, ready to be spread into a part. */
export function furtherFields(wire: JsonObject, known: readonly string[]): { readonly extensions?: Extensions } {
  const rest: JsonObject = {};
  for (const [key, value] of Object.entries(wire)) {
    if (value !== null && value !== undefined && !known.includes(key)) rest[key] = value;
  }
  return Object.keys(rest).length === 0 ? {} : { extensions: { anthropic: rest } };
}

/**
 * A block without neutral form, as text that other dialects can show; empty where there is nothing to show, which
 * every dialect drops.
 */
export function blockPart(block: JsonObject, text = ''): TextPart {
  return { type: 'text', text, extensions: { anthropic: { block } } };
}

export function furtherFieldsOf(part: { readonly extensions?: Extensions }): JsonObject {
  return part.extensions?.anthropic ?? {};
}

/** The block kept whole by `blockPart`. */
export function wholeBlockOf(part: { readonly extensions?: Extensions }): JsonObject | undefined {
  return asObject(part.extensions?.anthropic?.block);
}

/** A citation of the answer's text from `start` to `end`. */
export function parseCitation(citation: JsonObject, start?: number, end?: number): Annotation {
  return definedOnly<Annotation>({
    url: asString(citation.url) ?? asString(citation.source),
    title: asString(citation.title) ?? asString(citation.document_title),
    quote: asString(citation.cited_text),
    start,
    end,
    extensions: { anthropic: citation },
  });
}

/**
 * Sources found by other dialects have no form here: a web search location needs Anthropic's encrypted index. Passages
 * of our own knowledge are search results, as Anthropic has them.
 */
export function renderCitations(annotations: readonly Annotation[] = []): JsonObject[] {
  return annotations
    .map((annotation) => annotation.extensions?.anthropic ?? passageCitation(annotation))
    .filter((citation) => citation !== undefined);
}

function passageCitation({ passage, url, title, quote }: Annotation): JsonObject | undefined {
  if (!passage) return undefined;
  return {
    type: 'search_result_location',
    cited_text: quote ?? '',
    source: url ?? '',
    title: title ?? null,
    search_result_index: passage.number - 1,
    start_block_index: 0,
    end_block_index: 1,
    [PASSAGE_MARK]: passage.documentId,
  };
}

/** Says that a citation is of our making. */
const PASSAGE_MARK = 'flowmesh_document_id';

/** Citations that a client sends back; ours mean nothing to Anthropic, which was sent no such search result. */
export function withoutPassageCitations(citations: readonly JsonValue[]): JsonValue[] {
  return citations.filter((citation) => asObject(citation)?.[PASSAGE_MARK] === undefined);
}
