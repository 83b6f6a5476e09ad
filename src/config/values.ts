// The kinds of values the file is made of. Each reads what YAML and the environment give, says in a sentence what is
// wrong, never repeats the value itself, and carries the JSON schema that editors use.

import * as z from 'zod';
import { isObject, type JsonObject } from '../model/json.ts';
import { isUnset, type UnsetVariable } from './interpolate.ts';
import { suggestion } from './nearest.ts';
import { compilePattern, PatternError } from './pattern.ts';
import { BYTES, DURATION, parseQuantity, type Quantity, quantityPattern } from './quantity.ts';

/** What a reader answers when the value will not do. */
class Fault {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

/** JSON schema keywords. */
type Keywords = Readonly<Record<string, unknown>>;

/** Text with a `${VARIABLE}` in it; editors must accept it where a number is wanted. */
const PLACEHOLDER: Keywords = { type: 'string', pattern: '\\$\\{' };

function leaf<Value>(keywords: Keywords, read: (raw: unknown) => Value | Fault) {
  return z
    .unknown()
    .meta(keywords)
    .transform((raw, context): Value => {
      const value = read(raw);
      if (!(value instanceof Fault)) return value;
      context.addIssue({ code: 'custom', message: value.message });
      return z.NEVER;
    });
}

/** What a YAML value is called in a sentence. */
export function kindOf(raw: unknown): string {
  if (raw === undefined || raw === null) return 'nothing';
  if (Array.isArray(raw)) return 'a list';
  switch (typeof raw) {
    case 'string':
      return 'text';
    case 'number':
    case 'bigint':
      return 'a number';
    case 'boolean':
      return 'true or false';
    default:
      return 'a mapping';
  }
}

function readText(raw: unknown): string | Fault {
  if (typeof raw === 'number' || typeof raw === 'boolean') {
    return new Fault(`expected text, got ${kindOf(raw)}; put it in quotes.`);
  }
  if (typeof raw !== 'string') return new Fault(`expected text, got ${kindOf(raw)}.`);
  if (raw.trim() === '') return new Fault('must not be empty.');
  return raw;
}

export const text = leaf({ type: 'string', minLength: 1 }, readText);

export function choice<const Name extends string>(names: readonly Name[]) {
  return leaf({ anyOf: [{ enum: names }, PLACEHOLDER] }, (raw): Name | Fault => {
    const found = names.find((name) => name === raw);
    if (found !== undefined) return found;
    const hint = typeof raw === 'string' ? suggestion(raw, names) : '';
    return new Fault(`must be one of ${names.join(', ')}.${hint}`);
  });
}

export const flag = leaf({ anyOf: [{ type: 'boolean' }, PLACEHOLDER] }, (raw): boolean | Fault => {
  if (raw === true || raw === 'true') return true;
  if (raw === false || raw === 'false') return false;
  return new Fault(`must be true or false, not ${kindOf(raw)}.`);
});

interface Range {
  readonly min: number;
  readonly max: number;
}

function checkRange(value: number, { min, max }: Range, unit: string): number | Fault {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
  return new Fault(`must be a whole number${unit} from ${min} to ${max}.`);
}

export function integer(range: Range) {
  const keywords = { anyOf: [{ type: 'integer', minimum: range.min, maximum: range.max }, PLACEHOLDER] };
  return leaf(keywords, (raw): number | Fault => {
    // Variables are text, so `port: ${PORT}` brings digits as text.
    const value = typeof raw === 'string' && /^\d+$/.test(raw) ? Number(raw) : raw;
    return checkRange(typeof value === 'number' ? value : Number.NaN, range, '');
  });
}

/** A number that need not be whole. */
export function decimal(range: Range) {
  const keywords = { anyOf: [{ type: 'number', minimum: range.min, maximum: range.max }, PLACEHOLDER] };
  return leaf(keywords, (raw): number | Fault => {
    const value = typeof raw === 'string' && /^\d+(\.\d+)?$/.test(raw) ? Number(raw) : raw;
    if (typeof value === 'number' && value >= range.min && value <= range.max) return value;
    return new Fault(`must be a number from ${range.min} to ${range.max}.`);
  });
}

/** One text or a list of them. */
export const texts = leaf(
  { anyOf: [{ type: 'array', items: { type: 'string' } }, { type: 'string' }] },
  (raw): readonly string[] | Fault => {
    const items = Array.isArray(raw) ? raw.map(readText) : [readText(raw)];
    if (items.length === 0) return new Fault('must not be empty.');
    return items.find((item) => item instanceof Fault) ?? items.filter((item) => typeof item === 'string');
  },
);

/** A regular expression that can be matched in linear time. */
export const pattern = leaf({ type: 'string', minLength: 1, format: 'regex' }, (raw): string | Fault => {
  const source = readText(raw);
  if (source instanceof Fault) return source;
  try {
    return compilePattern(source).source;
  } catch (error) {
    if (error instanceof PatternError) return new Fault(error.message);
    throw error;
  }
});

/** Minutes since midnight. */
export const timeOfDay = leaf(
  { type: 'string', pattern: '^([01]?\\d|2[0-3]):[0-5]\\d$|\\$\\{' },
  (raw): number | Fault => {
    // YAML 1.1 readers make 22:00 a number in base 60; ours does not, but people know to put it in quotes.
    const match = typeof raw === 'string' ? /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(raw) : null;
    return match ? Number(match[1]) * 60 + Number(match[2]) : new Fault('must be a time of day such as "22:30".');
  },
);

function amount(quantity: Quantity, range: Range) {
  const keywords = {
    anyOf: [
      { type: 'integer', minimum: range.min, maximum: range.max },
      { type: 'string', pattern: `${quantityPattern(quantity)}|^\\d+$|\\$\\{` },
    ],
  };
  return leaf(keywords, (raw): number | Fault => {
    const value = typeof raw === 'string' ? parseQuantity(raw, quantity) : raw;
    if (typeof value === 'number') return checkRange(value, range, ` of ${quantity.base}`);
    return new Fault(`must be a number of ${quantity.base} or text such as "${quantity.example}".`);
  });
}

/** setTimeout overflows beyond 2^31 - 1 milliseconds and would fire at once. */
const TIMER_MAX_MS = 2 ** 31 - 1;

export function duration(min = 1) {
  return amount(DURATION, { min, max: TIMER_MAX_MS });
}

export function bytes(range: Range) {
  return amount(BYTES, range);
}

/** A base URL. It appears in logs and metrics, so a credential inside it would leak. */
export const address = leaf({ type: 'string', pattern: '^https?://|\\$\\{' }, (raw): string | Fault => {
  const written = readText(raw);
  if (written instanceof Fault) return written;
  if (!/^https?:\/\//i.test(written)) return new Fault('the url must begin with http:// or https://.');
  if (!URL.canParse(written)) return new Fault('this is not a valid url.');
  const url = new URL(written);
  if (url.username !== '' || url.password !== '') {
    return new Fault("the url must not hold a user name or password; give the credential as 'key'.");
  }
  if (url.search !== '' || url.hash !== '') return new Fault("the url must not hold a '?' or '#' part.");
  return written;
});

/** A provider key. An unset variable is passed on, for the target can be skipped instead of failing the start. */
export const secret = leaf({ type: ['string', 'null'] }, (raw): string | UnsetVariable | Fault => {
  if (isUnset(raw)) return raw;
  const written = readText(raw);
  // It becomes a header's value, where a line break or a letter outside Latin-1 would fail every call.
  if (typeof written === 'string' && !/^[\x21-\x7e]+$/.test(written)) {
    return new Fault('the key has a space, a line break or another character that no key has.');
  }
  return written;
});

const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

export const headers = leaf(
  { type: 'object', additionalProperties: { type: 'string' } },
  (raw): Readonly<Record<string, string>> | Fault => {
    if (!isObject(raw)) return new Fault(`expected a mapping of header names to text, got ${kindOf(raw)}.`);
    const read: Record<string, string> = {};
    for (const [name, value] of Object.entries(raw)) {
      if (!HEADER_NAME.test(name)) return new Fault('a header name has a character that headers cannot have.');
      if (typeof value !== 'string') return new Fault(`the header '${name}' must be text, not ${kindOf(value)}.`);
      if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
        return new Fault(`the header '${name}' has a character that headers cannot have.`);
      }
      read[name] = value;
    }
    return read;
  },
);

/** JSON that is passed on as it is. */
export const json = leaf({ type: 'object' }, (raw): JsonObject | Fault =>
  isObject(raw) ? raw : new Fault(`expected a mapping, got ${kindOf(raw)}.`),
);
