// Signed statements: what is signed is one exact text, made anew from the fields by whoever checks it, so that two
// spellings of the same JSON cannot mean two things.

import { LRUCache } from 'lru-cache';
import { atMost } from '../model/at-most.ts';
import { asArray, asNumber, asString, isObject, type JsonObject, type JsonValue } from '../model/json.ts';
import type { PeerId } from '../ports.ts';
import { type Identity, verifySignature } from './identity.ts';

/** Longer names and texts are cut or refused, so that statements stay small. */
export const NAME_LENGTH_MAX = 64;

/** Members show the same statements again and again, in a large mesh thousands at once; a signature is 0.1 ms of work. */
const PROVEN_MAX = 5_000;
/** Word for word what was proven: issuer, signature and text. */
const proven = new LRUCache<string, true>(atMost(PROVEN_MAX));

export interface Signed {
  /** Who signs: a root key, or a member by its peer id. */
  readonly issuer: PeerId;
  /** base64url. */
  readonly signature: string;
}

export function signFields(identity: Identity, kind: string, fields: readonly JsonValue[]): string {
  return Buffer.from(identity.sign(Buffer.from(signedText(kind, fields)))).toString('base64url');
}

export function isSigned(kind: string, fields: readonly JsonValue[], { issuer, signature }: Signed): boolean {
  const text = signedText(kind, fields);
  const proof = `${issuer} ${signature} ${text}`;
  if (proven.has(proof)) return true;
  const isProven = verifySignature(issuer, Buffer.from(text), Buffer.from(signature, 'base64url'));
  if (isProven) proven.set(proof, true);
  return isProven;
}

function signedText(kind: string, fields: readonly JsonValue[]): string {
  return `flowmesh/${kind}/1\n${JSON.stringify(fields)}`;
}

/** Reads fields of foreign JSON; the first that is not as expected makes the whole unreadable. */
export class FieldReader {
  readonly #value: JsonObject;
  isValid: boolean;

  constructor(value: unknown) {
    this.isValid = isObject(value);
    this.#value = isObject(value) ? value : {};
  }

  text(name: string, lengthMax: number): string {
    const text = asString(this.#value[name]);
    if (text !== undefined && text.length <= lengthMax) return text;
    this.isValid = false;
    return '';
  }

  /** A whole number, 0 or more. */
  count(name: string): number {
    const number = asNumber(this.#value[name]);
    if (number !== undefined && Number.isSafeInteger(number) && number >= 0) return number;
    this.isValid = false;
    return 0;
  }

  texts(name: string, countMax: number, lengthMax: number): readonly string[] {
    const entries = asArray(this.#value[name]);
    const texts = entries.filter((entry) => typeof entry === 'string' && entry.length <= lengthMax);
    if (texts.length !== entries.length || texts.length > countMax) this.isValid = false;
    return texts as string[];
  }

  /** Undefined where there is none. */
  value(name: string): JsonValue | undefined {
    return this.#value[name];
  }
}
