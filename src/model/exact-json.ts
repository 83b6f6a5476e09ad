// JSON as it was written: whole numbers beyond 2^53 keep their digits. Tool calls carry identifiers of 64 bits, schemas
// bounds of int64, and a number that was rounded on its way is another number, or one that the next server refuses.

interface RawNumber {
  readonly rawJSON: string;
}

/** In Node from 22 on; TypeScript's library does not have them yet. */
const exact = JSON as unknown as {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): RawNumber;
  isRawJSON(value: unknown): value is RawNumber;
};

/** A value of so many digits. Most texts have none, and are read without looking at each value. */
const LONG_NUMBER = /[:[,]\s*-?\d{16}/;

/** @throws SyntaxError when it is not JSON */
export function parseJson(text: string): unknown {
  return LONG_NUMBER.test(text) ? exact.parse(text, exactNumber) : JSON.parse(text);
}

function exactNumber(_key: string, value: unknown, { source }: { readonly source?: string }): unknown {
  const isRounded = typeof value === 'number' && !Number.isSafeInteger(value) && source !== undefined;
  return isRounded && /^-?\d+$/.test(source) ? exact.rawJSON(source) : value;
}

/** A number that JavaScript cannot hold. It can only be written again; to calculate with it, `roundedNumber`. */
export function isRawNumber(value: unknown): value is RawNumber {
  return exact.isRawJSON(value);
}

export function roundedNumber({ rawJSON }: RawNumber): number {
  return Number(rawJSON);
}
