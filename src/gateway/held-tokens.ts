// How many tokens of its limits a request holds while it runs: more than it will use, for nearly every text. Many
// requests at once, each held a little too low, would together exceed a limit by a lot; what was held too high is given
// back at the end.
//
// Tokenizers spend most on what is rare in prose. Weights by kind of character, measured with o200k and cl100k (GPT) on
// prose of twelve languages, code, JSON, hex, base64 and emoji: held is 1.0 to 2.8 times the larger count, 1.6 for
// English. An estimate that is right on average would be 0.2 to 0.5 times the count for scripts, hex and emoji.

import type { ChatRequest, Part } from '../model/chat.ts';

/** In hundredths of a token, so that sums are whole numbers: this is done for every character of a request. */
const LOWER_OR_SPACE = 36;
const UPPER = 90;
const DIGIT = 95;
const PUNCTUATION = 60;
/** Of a UTF-16 unit beyond ASCII. */
const BEYOND_ASCII = 150;
/** By UTF-16 unit. */
const WEIGHTS = new Uint8Array(0x10000).fill(BEYOND_ASCII);
for (let code = 0; code < 0x80; code += 1) WEIGHTS[code] = weightOf(String.fromCharCode(code));

/** Providers' own frame around a message, around a request, and around a tool; Anthropic adds 346 once there are tools. */
const MESSAGE_TOKENS = 8;
const REQUEST_TOKENS = 16;
const TOOL_TOKENS = 16;
const TOOLS_TOKENS = 350;
/** The most that Anthropic counts for an image; close to OpenAI's for an ordinary one. */
const MEDIA_TOKENS = 1_600;
/** Some nanosecond a character: of a longer text evenly spread ones are looked at. */
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

/** The text that is looked at. Copied out of its string at once, it is read twice as fast as letter by letter. */
const units = new Uint16Array(EXAMINED_MAX);
const unitBytes = Buffer.from(units.buffer);
/** By two letters of ASCII together: twice as fast again, and nearly every text has no others. */
const PAIR_WEIGHTS = Uint8Array.from({ length: 0x8000 }, (_, pair) => weightAt(pair & 0xff) + weightAt(pair >> 8));

export function heldByText(text: string): number {
  const stride = Math.ceil(text.length / EXAMINED_MAX);
  const examined = stride > 1 ? spread(text, stride) : text;
  const hundredths = hundredthsOf(examined);
  return stride > 1 ? (hundredths / 100) * (text.length / examined.length) : hundredths / 100;
}

function hundredthsOf(text: string): number {
  let sum = 0;
  if (unitBytes.write(text, 'utf8') === text.length) {
    const pairs = text.length >> 1;
    for (let index = 0; index < pairs; index += 1) sum += PAIR_WEIGHTS[units[index] ?? 0] ?? 0;
    return text.length % 2 === 0 ? sum : sum + weightAt(text.charCodeAt(text.length - 1));
  }
  unitBytes.write(text, 'utf16le');
  for (let index = 0; index < text.length; index += 1) sum += weightAt(units[index] ?? 0);
  return sum;
}

function weightAt(unit: number): number {
  return WEIGHTS[unit] ?? 0;
}

function spread(text: string, stride: number): string {
  let examined = '';
  for (let index = 0; index < text.length; index += stride) examined += text.charAt(index);
  return examined;
}

function weightOf(character: string): number {
  if (/[a-z \n]/.test(character)) return LOWER_OR_SPACE;
  if (/[A-Z]/.test(character)) return UPPER;
  return /[0-9]/.test(character) ? DIGIT : PUNCTUATION;
}
