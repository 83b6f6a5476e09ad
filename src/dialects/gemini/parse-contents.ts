// Gemini's `contents` → messages. Calls and results are matched by id where the client has ids, else by name and order.

import type { Message, Part, TextPart, ToolResultPart } from '../../model/chat.ts';
import { asArray, asObject, asString, type JsonObject, type JsonValue } from '../../model/json.ts';
import { badRequest, definedOnly, optionalString, requiredObject, requiredString } from '../fields.ts';
import { madeToolCallId, packToolCallId } from '../tool-call-id.ts';
import { parseFileData, parseInlineData } from './media.ts';

/** The keys that the neutral part says; what else stands in a part is kept for Gemini itself. */
const MODELLED: ReadonlySet<string> = new Set([
  'text',
  'thought',
  'inlineData',
  'fileData',
  'functionCall',
  'functionResponse',
]);

interface OpenCall {
  readonly id: string;
  readonly wireId: string | undefined;
  readonly name: string;
}

/** A string, one part, a list of parts or a content with parts: all that Google's clients allow for an instruction. */
export function parseSystemInstruction(value: JsonValue | undefined): Message[] {
  const parts = listOf(value).flatMap((item) => {
    if (typeof item === 'string') return [item];
    const content = requiredObject(item, 'systemInstruction');
    const texts = content.parts === undefined ? [content] : content.parts;
    return listOf(texts).flatMap((part) =>
      typeof part === 'string' ? [part] : (asString(asObject(part)?.text) ?? []),
    );
  });
  const texts = parts.filter((text) => text !== '').map((text): TextPart => ({ type: 'text', text }));
  return texts.length > 0 ? [{ role: 'system', parts: texts }] : [];
}

export function parseContents(value: JsonValue | undefined): Message[] {
  if (value === undefined || value === null) throw badRequest('contents', "'contents' is required.");
  const contents = listOf(value);
  const calls = new CallMatcher();
  return contents.flatMap((content, index) => parseContent(content, `contents[${index}]`, calls));
}

/** Google's clients may leave out the brackets around a single one. */
function listOf(value: JsonValue | undefined): JsonValue[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

function parseContent(value: JsonValue, param: string, calls: CallMatcher): Message[] {
  if (typeof value === 'string') return [{ role: 'user', parts: [{ type: 'text', text: value }] }];
  const content = requiredObject(value, param);
  const role = optionalString(content, 'role', `${param}.role`) ?? 'user';
  if (role !== 'user' && role !== 'model' && role !== 'function') {
    throw badRequest(`${param}.role`, `'${param}.role' must be user or model, not '${role}'.`);
  }
  const parts = listOf(content.parts).flatMap((part, index) => parsePart(part, `${param}.parts[${index}]`, calls));
  if (role === 'model') return parts.length > 0 ? [{ role: 'assistant', parts }] : [];
  const results = parts.filter((part) => part.type === 'tool-result');
  const rest = parts.filter((part) => part.type !== 'tool-result');
  return [
    ...(results.length > 0 ? [{ role: 'tool', parts: results } as const] : []),
    ...(rest.length > 0 ? [{ role: 'user', parts: rest } as const] : []),
  ];
}

/** Code that Gemini ran, and other parts that only Gemini knows, live on in the original alone. */
function parsePart(value: JsonValue, param: string, calls: CallMatcher): Part[] {
  if (typeof value === 'string') return value === '' ? [] : [{ type: 'text', text: value }];
  const part = requiredObject(value, param);
  const text = optionalString(part, 'text', `${param}.text`);
  const signature = asString(part.thoughtSignature);
  if (text !== undefined && part.thought === true) {
    return [{ type: 'reasoning', text, ...(signature && { signature: { dialect: 'gemini', value: signature } }) }];
  }
  const extensions = extensionsOf(part);
  if (text !== undefined) return text === '' ? [] : [{ type: 'text', text, ...extensions }];
  const blob = asObject(part.inlineData);
  if (blob) return [{ ...parseInlineData(blob, `${param}.inlineData`), ...extensions }];
  const file = asObject(part.fileData);
  if (file) return [{ ...parseFileData(file, `${param}.fileData`), ...extensions }];
  const call = asObject(part.functionCall);
  if (call) {
    const name = requiredString(call, 'name', `${param}.functionCall.name`);
    const argumentsJson = JSON.stringify(asObject(call.args) ?? {});
    const id = calls.open({ name, wireId: asString(call.id), signature, argumentsJson });
    return [{ type: 'tool-call', id, name, argumentsJson }];
  }
  const response = asObject(part.functionResponse);
  return response ? [parseResult(response, `${param}.functionResponse`, calls)] : [];
}

function extensionsOf(part: JsonObject): { extensions: { gemini: JsonObject } } | undefined {
  const rest = Object.entries(part).filter(([name]) => !MODELLED.has(name));
  return rest.length > 0 ? { extensions: { gemini: Object.fromEntries(rest) } } : undefined;
}

function parseResult(response: JsonObject, param: string, calls: CallMatcher): ToolResultPart {
  const name = requiredString(response, 'name', `${param}.name`);
  const { text, isError } = resultText(response.response);
  const media = asArray(response.parts).flatMap((value, index) => {
    const part = requiredObject(value, `${param}.parts[${index}]`);
    const blob = asObject(part.inlineData);
    if (blob) return [parseInlineData(blob, `${param}.parts[${index}].inlineData`)];
    const file = asObject(part.fileData);
    return file ? [parseFileData(file, `${param}.parts[${index}].fileData`)] : [];
  });
  return definedOnly<ToolResultPart>({
    type: 'tool-result',
    toolCallId: calls.close(name, asString(response.id)),
    name,
    parts: [{ type: 'text', text }, ...media],
    isError: isError ? true : undefined,
  });
}

/**
 * `{output}` and `{error}` are how Google's documentation wraps what a function returned; `{result: text}` is the inverse
 * of `resultObject` in render-contents.ts. Anything else is the function's own object.
 */
function resultText(value: JsonValue | undefined): { text: string; isError: boolean } {
  // Google demands an object; what a client gives instead is what its function returned.
  if (typeof value === 'string') return { text: value, isError: false };
  const response = asObject(value) ?? (value == null ? {} : { result: value });
  const keys = Object.keys(response);
  if (keys.length === 1 && response.output !== undefined) {
    return { text: asString(response.output) ?? JSON.stringify(response.output), isError: false };
  }
  if (keys.length === 1 && typeof response.error === 'string') return { text: response.error, isError: true };
  const isPlain =
    keys.length === 1 && typeof response.result === 'string' && !response.result.trimStart().startsWith('{');
  return { text: isPlain ? String(response.result) : JSON.stringify(response), isError: false };
}

/** Gives every call an id that stays the same when the same conversation comes again, and finds the call of a result. */
class CallMatcher {
  readonly #open: OpenCall[] = [];
  #count = 0;

  open(call: Omit<OpenCall, 'id'> & { signature: string | undefined; argumentsJson: string }): string {
    const plain = call.wireId || madeToolCallId(this.#count, `${call.name}${call.argumentsJson}`);
    this.#count += 1;
    const id = call.signature ? packToolCallId(plain, call.signature) : plain;
    this.#open.push({ id, wireId: call.wireId, name: call.name });
    return id;
  }

  close(name: string, wireId: string | undefined): string {
    const byId = wireId ? this.#open.findIndex((call) => call.wireId === wireId) : -1;
    const position = byId >= 0 ? byId : this.#open.findIndex((call) => call.name === name);
    const [call] = position >= 0 ? this.#open.splice(position, 1) : [];
    return call?.id ?? wireId ?? `unknown_${name}`;
  }
}
