// How the proof of one provider's reasoning travels through a client of another dialect: sealed, in the one field that
// every client returns unread (`encrypted_content` of OpenAI's, `signature` of Anthropic's). So a conversation keeps its
// reasoning when it comes back to the provider that thought, and nothing foreign reaches one that did not.

import type { DialectName, Signature } from '../model/chat.ts';
import { asString, parseObject } from '../model/json.ts';

/** `fm1.<base64url of {dialect, value, id, isRedacted}>` */
const SEAL = 'fm1.';

interface OpenedSignature {
  readonly signature: Signature;
  readonly isRedacted: boolean;
}

export function sealSignature(signature: Signature, isRedacted: boolean): string {
  const { dialect, value, id } = signature;
  return SEAL + Buffer.from(JSON.stringify({ dialect, value, id, isRedacted })).toString('base64url');
}

/** Undefined when the text was not sealed by us: then it is the provider's own. */
export function openSignature(encrypted: string): OpenedSignature | undefined {
  if (!encrypted.startsWith(SEAL)) return undefined;
  const sealed = parseObject(Buffer.from(encrypted.slice(SEAL.length), 'base64url').toString());
  const dialect = asString(sealed?.dialect);
  const value = asString(sealed?.value);
  const id = asString(sealed?.id);
  if (!dialect || value === undefined) return undefined;
  return {
    signature: { dialect: dialect as DialectName, value, ...(id !== undefined && { id }) },
    isRedacted: sealed?.isRedacted === true,
  };
}
