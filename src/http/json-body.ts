// A request's bytes → the JSON object that every endpoint wants.

import { isUtf8 } from 'node:buffer';
import type { FastifyRequest } from 'fastify';
import { GatewayError } from '../errors.ts';
import { parseJson } from '../model/exact-json.ts';
import { BYTE_ORDER_MARK, isObject, type JsonObject } from '../model/json.ts';

/** No real request comes near. */
const NESTING_MAX = 5_000;
/** Of a body that overflowed the stack all the same, this much says that it was its own fault. */
const NESTING_SUSPICIOUS = 500;

/** Content types are not looked at: `curl -d` names a wrong one. */
export function jsonBody(request: FastifyRequest): JsonObject {
  const bytes = request.body;
  if (!Buffer.isBuffer(bytes) || bytes.length === 0) {
    throw new GatewayError('bad_request', 'The request has no body. Send a JSON object.');
  }
  if (isDeeperThan(NESTING_MAX, bytes)) throw nestedTooDeeply();
  const value = parsed(decoded(bytes));
  if (!isObject(value)) throw new GatewayError('bad_request', 'The request body must be a JSON object.');
  return value;
}

function decoded(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw new GatewayError('bad_request', 'The request body is not valid UTF-8.');
  const text = bytes.toString('utf8');
  return text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
}

function parsed(text: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    throw new GatewayError('bad_request', `The request body is not valid JSON: ${(error as Error).message}`);
  }
}

/** What overflows the stack on a deep body is the body's fault, wherever in our code it happens. */
export function stackOverflowOf(thrown: unknown, body: unknown): GatewayError | undefined {
  const isItsFault = thrown instanceof RangeError && Buffer.isBuffer(body) && isDeeperThan(NESTING_SUSPICIOUS, body);
  return isItsFault ? nestedTooDeeply() : undefined;
}

function nestedTooDeeply(): GatewayError {
  return new GatewayError('bad_request', 'The request body is nested too deeply.');
}

/** Counts brackets outside of strings. Needs no look at a body too short for so many, which most are. */
function isDeeperThan(levels: number, body: Buffer): boolean {
  if (body.length <= 2 * levels) return false;
  let depth = 0;
  for (let position = 0; position < body.length; position += 1) {
    const byte = body[position];
    if (byte === QUOTE) position = endOfString(body, position + 1);
    else if (byte === OPEN_BRACKET || byte === OPEN_BRACE) depth += 1;
    else if (byte === CLOSE_BRACKET || byte === CLOSE_BRACE) depth -= 1;
    if (depth > levels) return true;
  }
  return false;
}

/** Where the string that begins at `start` has its closing quote. Searched natively: pictures are strings of megabytes. */
function endOfString(body: Buffer, start: number): number {
  for (let end = body.indexOf(QUOTE, start); end >= 0; end = body.indexOf(QUOTE, end + 1)) {
    let backslashes = 0;
    while (body[end - 1 - backslashes] === BACKSLASH) backslashes += 1;
    if (backslashes % 2 === 0) return end;
  }
  return body.length;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
