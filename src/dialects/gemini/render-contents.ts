// Messages → `systemInstruction` and `contents`.

import type { MediaPart, Message, Part, ToolCallPart, ToolResultPart } from '../../model/chat.ts';
import { type JsonObject, parseObject } from '../../model/json.ts';
import { unpackToolCallId } from '../tool-call-id.ts';
import { alternatingTurns, textOf, toolNames } from '../turns.ts';
import { renderMedia } from './media.ts';
import { isGemini3 } from './model-name.ts';
import { withStepSignatures } from './signatures.ts';

export function renderConversation(messages: readonly Message[], model: string): JsonObject {
  const { system, turns } = alternatingTurns(messages);
  const names = toolNames(messages);
  const contents = turns.flatMap((turn): JsonObject[] => {
    const parts = turn.role === 'assistant' ? turn.parts.flatMap(modelPart) : userParts(turn.parts, names, model);
    return parts.length > 0 ? [{ role: turn.role === 'assistant' ? 'model' : 'user', parts }] : [];
  });
  const instructions = system.flatMap((message) => message.parts.flatMap(textPart));
  return {
    ...(instructions.length > 0 && { systemInstruction: { parts: instructions } }),
    contents: [...withStepSignatures(contents, model)],
  };
}

/** Text, with what Gemini itself said about it. */
function textPart(part: Part): JsonObject[] {
  return part.type === 'text' && part.text !== '' ? [{ ...part.extensions?.gemini, text: part.text }] : [];
}

function modelPart(part: Part): JsonObject[] {
  switch (part.type) {
    case 'text':
      return textPart(part);
    case 'refusal':
      return part.text === '' ? [] : [{ text: part.text }];
    case 'reasoning':
      // Other providers' reasoning is no thought of Gemini's: without Gemini's signature it is dropped.
      return part.signature?.dialect === 'gemini'
        ? [{ text: part.text, thought: true, thoughtSignature: part.signature.value }]
        : [];
    case 'tool-call':
      return [renderCall(part)];
    case 'media':
      return [{ ...part.extensions?.gemini, ...renderMedia(part) }];
    case 'tool-result':
      return [];
  }
}

/** Without the id: calls and results are matched by order, and Vertex refuses ids. */
function renderCall(part: ToolCallPart): JsonObject {
  const { signature } = unpackToolCallId(part.id);
  return {
    functionCall: { name: part.name, args: argumentsObject(part.argumentsJson) },
    ...(signature && { thoughtSignature: signature }),
  };
}

/** Arguments as the object that Gemini wants; text that is no JSON object is wrapped so that the model still sees it. */
export function argumentsObject(json: string): JsonObject {
  return json.trim() === '' ? {} : (parseObject(json) ?? { invalid_arguments: json });
}

/** Results come first and stay together, in the order of their calls; media that no result can hold follows them. */
function userParts(parts: readonly Part[], names: ReadonlyMap<string, string>, model: string): JsonObject[] {
  const results: JsonObject[] = [];
  const rest: JsonObject[] = [];
  for (const part of parts) {
    if (part.type === 'tool-result') {
      const { inside, beside } = splitMedia(part, model);
      results.push(renderResult(part, names, inside));
      rest.push(...beside.map(renderMedia));
    } else if (part.type === 'media') {
      rest.push({ ...part.extensions?.gemini, ...renderMedia(part) });
    } else {
      rest.push(...textPart(part));
    }
  }
  return [...results, ...rest];
}

/** Gemini 3 takes inline media inside a function response; older models want it beside. */
function splitMedia(result: ToolResultPart, model: string): { inside: MediaPart[]; beside: MediaPart[] } {
  const media = result.parts.filter((part) => part.type === 'media');
  const fits = (part: MediaPart) => isGemini3(model) && part.source.type === 'base64';
  return { inside: media.filter(fits), beside: media.filter((part) => !fits(part)) };
}

function renderResult(
  part: ToolResultPart,
  names: ReadonlyMap<string, string>,
  media: readonly MediaPart[],
): JsonObject {
  return {
    functionResponse: {
      name: part.name ?? names.get(part.toolCallId) ?? 'unknown',
      response: resultObject(textOf(part.parts), part.isError ?? false),
      ...(media.length > 0 && { parts: media.map(renderMedia) }),
    },
  };
}

function resultObject(text: string, isError: boolean): JsonObject {
  if (isError) return { error: text };
  return parseObject(text) ?? { result: text };
}
