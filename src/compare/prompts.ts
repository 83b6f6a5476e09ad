// Reads the prompts of a comparison: JSON lines, a YAML list, or plain text with one prompt a line.
// An entry is a text or { prompt | messages, system?, expected? }.

import { readYaml } from '../config/yaml-source.ts';
import { GatewayError } from '../errors.ts';
import type { Message } from '../model/chat.ts';
import { asObject, asString, isObject, type JsonObject } from '../model/json.ts';
import type { Prompt } from './comparison.ts';

/** Every prompt is paid for once per model and repetition; more than this is a mistake. */
export const PROMPTS_MAX = 1_000;

/** Answers and prompts are held in memory until the report is written. */
const PROMPT_FILE_CHARACTERS_MAX = 16 * 1024 * 1024;

const FIELDS: ReadonlySet<string> = new Set(['prompt', 'messages', 'system', 'expected']);
const ROLES: ReadonlySet<unknown> = new Set<Message['role']>(['system', 'user', 'assistant']);

interface Entry {
  readonly value: unknown;
  /** For people: where it stands in the file. */
  readonly place: string;
}

/**
 * @param file decides the format by its ending; any other ending is JSON lines when the text begins with `{`, else plain text
 * @throws GatewayError `bad_request` with a sentence, ConfigError for what is no YAML
 */
export function readPrompts(text: string, file: string): Prompt[] {
  if (text.length > PROMPT_FILE_CHARACTERS_MAX) throw wrong(file, 'the file is larger than 16 MiB');
  const entries = entriesOf(text, file);
  if (entries.length === 0) throw wrong(file, 'there is no prompt in it');
  if (entries.length > PROMPTS_MAX) {
    throw wrong(file, `it has ${entries.length} prompts, and ${PROMPTS_MAX} is the most one comparison takes`);
  }
  return entries.map((entry) => promptOf(entry, file));
}

function entriesOf(text: string, file: string): Entry[] {
  if (/\.ya?ml$/i.test(file)) {
    const { value } = readYaml(text, file);
    if (!Array.isArray(value)) throw wrong(file, 'a list of prompts is expected');
    return value.map((item: unknown, index) => ({ value: item, place: `prompt ${index + 1}` }));
  }
  const isJson = /\.(jsonl|ndjson)$/i.test(file) || text.trimStart().startsWith('{');
  return text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .flatMap((line, index) => {
      if (line.trim() === '') return [];
      const place = `line ${index + 1}`;
      return [{ value: isJson ? parsed(line, file, place) : line.trim(), place }];
    });
}

function parsed(line: string, file: string, place: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw wrong(file, `${place} is not JSON`, error);
  }
}

function promptOf({ value, place }: Entry, file: string): Prompt {
  if (typeof value === 'string') return { messages: [said('user', filled(value, file, place))] };
  const entry = asObject(value);
  if (!entry) throw wrong(file, `${place} is neither a text nor an object`);
  const unknown = Object.keys(entry).find((key) => !FIELDS.has(key));
  if (unknown !== undefined) {
    throw wrong(file, `${place} has '${unknown}'; known are prompt, messages, system and expected`);
  }
  if ((entry.prompt === undefined) === (entry.messages === undefined)) {
    throw wrong(file, `${place} needs either 'prompt' or 'messages'`);
  }
  const asked = entry.messages === undefined ? [] : messagesOf(entry.messages, file, place);
  if (entry.prompt !== undefined) asked.push(said('user', filled(entry.prompt, file, `${place}: 'prompt'`)));
  if (entry.system !== undefined) asked.unshift(said('system', filled(entry.system, file, `${place}: 'system'`)));
  return { messages: asked, ...expectedOf(entry) };
}

/** An answer that is to be JSON may be written as JSON. */
function expectedOf({ expected }: JsonObject): Pick<Prompt, 'expected'> {
  if (expected === undefined || expected === null) return {};
  return { expected: typeof expected === 'string' ? expected : JSON.stringify(expected) };
}

function messagesOf(value: unknown, file: string, place: string): Message[] {
  if (!Array.isArray(value) || value.length === 0)
    throw wrong(file, `${place}: 'messages' is to be a list of messages`);
  return value.map((item: unknown, index) => {
    const where = `${place}: message ${index + 1}`;
    if (!isObject(item) || !ROLES.has(item.role)) {
      throw wrong(file, `${where} needs a 'role': system, user or assistant`);
    }
    return said(item.role as Message['role'], filled(item.content, file, `${where}: 'content'`));
  });
}

function filled(value: unknown, file: string, place: string): string {
  const text = asString(value);
  if (text === undefined || text.trim() === '') throw wrong(file, `${place} is to be a text that is not empty`);
  return text;
}

function said(role: Message['role'], text: string): Message {
  return { role, parts: [{ type: 'text', text }] };
}

/** What a message says, for people and for the judge. */
export function textOf({ parts }: Message): string {
  return parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
}

function wrong(file: string, what: string, cause?: unknown): GatewayError {
  return new GatewayError('bad_request', `${file}: ${what}.`, { cause });
}
