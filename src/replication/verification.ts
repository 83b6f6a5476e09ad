// Proves of foreign changes that their origin wrote them: before the merge, which is synchronous.

import { type Change, signedBytes, type Verify } from './change.ts';

/** At once: enough to keep the threads that verify busy. */
const VERIFIED_AT_ONCE = 64;

/** Those whose signature is their origin's, in order. */
export async function verifiedChanges(
  log: string,
  changes: readonly Change[],
  verify: Verify,
): Promise<readonly Change[]> {
  const verified: Change[] = [];
  for (let start = 0; start < changes.length; start += VERIFIED_AT_ONCE) {
    const batch = changes.slice(start, start + VERIFIED_AT_ONCE);
    const isValid = await Promise.all(
      batch.map((change) => verify(change.origin, signedBytes(log, change), change.signature)),
    );
    verified.push(...batch.filter((_change, index) => isValid[index]));
  }
  return verified;
}
