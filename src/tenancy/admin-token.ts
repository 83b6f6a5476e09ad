// The operator's token for the admin API: made at the first start, kept in a file that only its owner can read.

import { randomBytes, timingSafeEqual } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FILE = 'admin.token';
const TOKEN_BYTES = 32;
/** Operators may write their own token; an empty file must not open the door. */
const TOKEN_LENGTH_MIN = 20;

/** Reads the token of a data directory, or makes one. */
export function adminToken(dataDirectory: string): string {
  const path = join(dataDirectory, FILE);
  try {
    return readToken(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const token = `fma-${randomBytes(TOKEN_BYTES).toString('base64url')}`;
  mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
  // `wx`: of two nodes that start at once, one wins and the other reads.
  try {
    writeFileSync(path, `${token}\n`, { mode: 0o600, flag: 'wx' });
    return token;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return readToken(path);
  }
}

function readToken(path: string): string {
  const token = readFileSync(path, 'utf8').trim();
  if (token.length >= TOKEN_LENGTH_MIN) return token;
  throw new Error(
    `The token in ${path} is shorter than ${TOKEN_LENGTH_MIN} characters. Delete the file to get a new one.`,
  );
}

/** Compares in constant time. */
export function isToken(presented: string | undefined, token: string): boolean {
  if (presented === undefined) return false;
  const a = Buffer.from(presented);
  const b = Buffer.from(token);
  return a.length === b.length && timingSafeEqual(a, b);
}
