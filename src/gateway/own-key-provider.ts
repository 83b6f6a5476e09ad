// Whose key a client sends along: what it writes must be a provider's name. A key under a misspelled one would be passed
// over, and the request paid with ours.

import { presetNamed } from '../providers/preset-lookup.ts';

/** Upper and lower case are the same; undefined when there is no such provider. */
export function providerNamed(written: string): string | undefined {
  return presetNamed(written.toLowerCase())?.name;
}
