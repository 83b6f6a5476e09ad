// How many tokens of its limits a request holds while it runs: more than it will use, for nearly every text. Many
// requests at once, each held a little too low, would together exceed a limit by a lot; what was held too high is given
// back at the end.
//
// Tokenizers spend most on what is rare in prose. Weights by kind of character, measured with o200k and cl100k (GPT) on
// prose of twelve languages, code, JSON, hex, base64 and emoji: held is 1.0 to 2.8 times the larger count, 1.6 for
// English. An estimate that is right on average would be 0.2 to 0.5 times the count for scripts, hex and emoji.

import type { ChatRequest, Part } from '../model/chat.ts';

const LOWER_OR_SPACE = 0.36;
const UPPER = 0.9;
const DIGIT = 0.95;
const PUNCTUATION = 0.6;
/** Of a UTF-16 unit beyond ASCII. */
const BEYOND_ASCII = 1.5;

/** Providers' own frame around a message, around a request, and around a tool; Anthropic adds 346 once there are tools. */
const MESSAGE_TOKENS = 8;
const REQUEST_TOKENS = 16;
const TOOL_TOKENS = 16;
const TOOLS_TOKENS = 350;
/** The most that Anthropic counts for an image; close to OpenAI's for an ordinary one. */
const MEDIA_TOKENS = 1_600;
/** Some 5 ns a character: of a longer text evenly spread ones are looked at. */
const EXAMINED_MAX = 65_536;

export function heldInputTokens({ messages, tools, responseFormat }: ChatRequest): number {
  let tokens = REQUEST_TOKENS + messages.length * MESSAGE_TOKENS;
  for (const { parts } of messages) for (const part of parts) tokens += heldByPart(part);
  if (tools.length > 0) tokens += TOOLS_TOKENS;
  for (const { name, description = '', parameters = {} } of tools) {
    tokens += TOOL_TOKENS + heldByText(name) + heldByText(description) + heldByText(JSON.stringify(parameters));
  }
  if (responseFormat?.type === 'json-schema') tokens += heldByText(JSON.stringify(responseFormat));
  return Math.ceil(tokens);
}

function heldByPart(part: Part): number {
  switch (part.type) {
    case 'text':
    case 'refusal':
    case 'reasoning':
      return heldByText(part.text);
    case 'tool-call':
      return TOOL_TOKENS + heldByText(part.name) + heldByText(part.argumentsJson);
    case 'tool-result':
      return part.parts.reduce((sum, inner) => sum + heldByPart(inner), MESSAGE_TOKENS);
    case 'media':
      return part.source.type === 'text' ? heldByText(part.source.text) : MEDIA_TOKENS;
  }
}

export function heldByText(text: string): number {
  const stride = Math.ceil(text.length / EXAMINED_MAX) || 1;
  let tokens = 0;
  let examined = 0;
  for (let index = 0; index < text.length; index += stride) {
    tokens += weightOf(text.charCodeAt(index));
    examined += 1;
  }
  return examined === 0 ? 0 : tokens * (text.length / examined);
}

function weightOf(code: number): number {
  if (code > 0x7f) return BEYOND_ASCII;
  if ((code >= 0x61 && code <= 0x7a) || code === 0x20 || code === 0x0a) return LOWER_OR_SPACE;
  if (code >= 0x41 && code <= 0x5a) return UPPER;
  return code >= 0x30 && code <= 0x39 ? DIGIT : PUNCTUATION;
}
