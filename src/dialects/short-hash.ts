// A short, stable fingerprint of a text, for names and ids that must fit a narrow wire and be the same in every turn.
// Not for secrets: it only has to keep the few hundred names of one conversation apart.

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** Nine of [A-Za-z0-9]: 53 bits of FNV-like mixing (two 32-bit lanes) written in base 62. */
export function shortHash(text: string): string {
  let low = 0x811c9dc5;
  let high = 0x9747b28c;
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    low = Math.imul(low ^ unit, 0x01000193);
    high = Math.imul(high ^ unit, 0x5bd1e995) ^ (low >>> 13);
  }
  let value = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
  let result = '';
  for (let i = 0; i < 9; i += 1) {
    result += ALPHABET[Number(value % 62n)];
    value /= 62n;
  }
  return result;
}
