// Who asks, as a client tells its provider for abuse tracking. Claude Code tells 150 to 200 characters of JSON; OpenAI
// takes 64, OpenRouter and Zhipu 128, and all refuse the request for more.

import { shortHash } from './short-hash.ts';

const LENGTH_MAX = 64;

/** The same for the same user, and nothing of what was too long can be read in it. */
export function shortEndUser(endUser: string | undefined): string | undefined {
  return endUser === undefined || endUser.length <= LENGTH_MAX ? endUser : `user_${shortHash(endUser)}`;
}
