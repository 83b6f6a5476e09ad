// OpenAI-like servers take an answer's schema only when its root is an object; Gemini, Ollama and Anthropic also know lists
// and alternatives. Such a schema becomes the only property of an object, and the answer is taken out of it again while it
// streams.

import type { ChatRequest, ResponseFormat } from '../model/chat.ts';
import { isObject, type JsonObject, type JsonValue } from '../model/json.ts';
import type { Frame, StreamEvent } from '../model/stream.ts';
import { AnswerUnwrapper, PROPERTY } from './answer-unwrapper.ts';

/** Of the root, wherever the rest goes: references name them from there. */
const ROOT_KEYS = ['$schema', '$defs', 'definitions'];

type JsonSchemaFormat = Extract<ResponseFormat, { type: 'json-schema' }>;

/** The request whose answer will be an object, and what takes the answer out of it; undefined where it is one anyway. */
export function withObjectAnswer(
  request: ChatRequest,
): { readonly request: ChatRequest; readonly translated: (frame: Frame) => Frame } | undefined {
  const { responseFormat: format } = request;
  if (format?.type !== 'json-schema' || format.schema.type === 'object') return undefined;
  // Its type may go without saying, but not there.
  const isObjectOnly = format.schema.type === undefined && isObject(format.schema.properties);
  const schema = isObjectOnly ? { ...format.schema, type: 'object' } : wrapped(format.schema);
  const responseFormat: JsonSchemaFormat = { ...format, schema };
  return { request: { ...request, responseFormat }, translated: isObjectOnly ? (frame) => frame : unwrapping() };
}

function wrapped(schema: JsonObject): JsonObject {
  const root: JsonObject = {};
  const inner: JsonObject = {};
  for (const [key, value] of Object.entries(schema)) {
    const moved = withMovedReferences(value);
    if (ROOT_KEYS.includes(key)) root[key] = moved;
    else inner[key] = key === '$ref' ? movedReference(value) : moved;
  }
  return {
    ...root,
    type: 'object',
    properties: { [PROPERTY]: inner },
    required: [PROPERTY],
    additionalProperties: false,
  };
}

function withMovedReferences(value: JsonValue | undefined): JsonValue | undefined {
  if (Array.isArray(value)) return value.map((item) => withMovedReferences(item) ?? null);
  if (!isObject(value)) return value;
  const result: JsonObject = {};
  for (const [key, inner] of Object.entries(value))
    result[key] = key === '$ref' ? movedReference(inner) : withMovedReferences(inner);
  return result;
}

/** What pointed at the root, or into it, points at where that is now. */
function movedReference(reference: JsonValue | undefined): JsonValue | undefined {
  if (typeof reference !== 'string' || !/^#(?:$|\/(?!\$defs\/|definitions\/))/.test(reference)) return reference;
  return `#/properties/${PROPERTY}${reference.slice(1)}`;
}

/** Of one answer: its choices are told apart. */
function unwrapping(): (frame: Frame) => Frame {
  const choices = new Map<number, AnswerUnwrapper>();
  const ofChoice = (choice: number): AnswerUnwrapper => {
    const known = choices.get(choice) ?? new AnswerUnwrapper();
    choices.set(choice, known);
    return known;
  };
  const texts = (choice: number, text: string): StreamEvent[] =>
    text === '' ? [] : [{ type: 'text-delta', choice, text }];
  const unwrapped = (event: StreamEvent): StreamEvent[] => {
    switch (event.type) {
      case 'text-delta':
        return texts(event.choice, ofChoice(event.choice).read(event.text));
      case 'finish':
        return [...texts(event.choice, ofChoice(event.choice).end()), event];
      default:
        return [event];
    }
  };
  return (frame) => ({ ...frame, events: frame.events.flatMap(unwrapped) });
}
