// JSON and JSON lines: a line a value with the path of its key; every record of a list is a section of its own.

import { isObject, type JsonObject, type JsonValue } from '../../model/json.ts';
import { BlockList } from './block-list.ts';
import { decodeText } from './decode.ts';
import { type Extracted, FORMAT_LIMITS, type Format, UnreadableFile } from './extracted.ts';

/** What names a record, where it has such a key; best first. */
const NAME_KEYS = ['title', 'name', 'question', 'subject', 'heading', 'label'] as const;

export const json: Format = {
  mimeTypes: ['application/json'],
  extensions: ['json', 'geojson', 'webmanifest'],
  extract({ bytes }) {
    const value = parsed(decodeText(bytes), '');
    return extracted(json, Array.isArray(value) ? value : [value]);
  },
};

export const jsonLines: Format = {
  mimeTypes: ['application/jsonl', 'application/x-ndjson', 'application/json-lines'],
  extensions: ['jsonl', 'ndjson'],
  extract({ bytes }) {
    const lines = decodeText(bytes).split('\n');
    const values = lines.flatMap((line, index) => (line.trim() === '' ? [] : [parsed(line, ` in line ${index + 1}`)]));
    return extracted(jsonLines, values);
  },
};

function parsed(text: string, place: string): JsonValue {
  try {
    return JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (error) {
    throw new UnreadableFile(`is no valid JSON${place}: ${(error as Error).message.slice(0, 200)}`, { cause: error });
  }
}

function extracted({ mimeTypes: [mimeType] }: Format, records: readonly JsonValue[]): Extracted {
  const list = new BlockList();
  for (const record of records) {
    const name = isObject(record) ? nameOf(record) : undefined;
    if (name === undefined) list.break();
    else list.heading(1, name);
    const lines: string[] = [];
    collect(record, '', 0, lines);
    list.lines(lines.join('\n'));
  }
  return { mimeType, blocks: list.blocks };
}

function nameOf(record: JsonObject): string | undefined {
  for (const key of NAME_KEYS) {
    const value = record[key];
    if (typeof value === 'string' && value.trim() !== '' && value.length <= FORMAT_LIMITS.headingLengthMax)
      return value;
  }
  return undefined;
}

/** `address.city: Bern`, `tags: red, blue`, `orders[0].total: 5` */
function collect(value: JsonValue | undefined, path: string, depth: number, lines: string[]): void {
  if (depth > FORMAT_LIMITS.nestingMax) throw new UnreadableFile('is nested too deeply');
  if (value === null || value === undefined || value === '') return;
  if (typeof value !== 'object') {
    lines.push(path === '' ? String(value) : `${path}: ${value}`);
  } else if (!Array.isArray(value)) {
    for (const [key, inner] of Object.entries(value)) {
      collect(inner, path === '' ? key : `${path}.${key}`, depth + 1, lines);
    }
  } else if (value.every((item) => typeof item !== 'object' || item === null)) {
    const items = value.filter((item) => item !== null).join(', ');
    if (items !== '') lines.push(path === '' ? items : `${path}: ${items}`);
  } else {
    for (const [index, item] of value.entries()) collect(item, `${path}[${index}]`, depth + 1, lines);
  }
}
