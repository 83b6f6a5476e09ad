// Output items that flowmesh made for an answer of another dialect, and how they travel back through the client.
//
// Their ids carry a mark, because OpenAI looks reasoning items up by id and refuses those it never made. The proof of
// the reasoning (an Anthropic signature, say) rides sealed in `encrypted_content`.

import { asArray, asString, isObject, type JsonObject, type JsonValue } from '../../model/json.ts';
import { openSignature } from '../sealed-signature.ts';
import { plainToolCallId, unpackToolCallId } from '../tool-call-id.ts';
import { isCompaction, openedSummary } from './compaction.ts';
import { pictureMessage, readPicture } from './pictures.ts';

/** OpenAI refuses longer ones, which another server has made. */
const CALL_ID_LENGTH_MAX = 64;
const OWN_ID = /^(rs|msg|fc|ctc|ig|cmp)_fm_/;

export type OwnItemKind = 'rs' | 'msg' | 'fc' | 'ctc' | 'ig' | 'cmp';

/** An item that its server knows, from now on one of ours: what it says counts, and nobody looks it up. */
export function adoptedId(kind: OwnItemKind, id: string): string {
  return OWN_ID.test(id) ? id : `${kind}_fm_${id}`;
}

/** The id of the `position`-th output item of an answer. */
export function ownItemId(kind: OwnItemKind, identity: string, position: number): string {
  return `${kind}_fm_${identity}_${position}`;
}

/**
 * The client's items as an OpenAI upstream takes them: reasoning that we made is restored to what OpenAI sealed or left
 * out, summaries and pictures of others become messages of the user, ids that we made are left out, tool call ids are made
 * plain where they hold a signature or are too long. Everything else stays untouched.
 */
export function withoutOwnItems(items: readonly JsonValue[]): JsonValue[] {
  return items.flatMap((item): JsonValue[] => (isObject(item) ? upstreamItem(item) : [item]));
}

function upstreamItem(item: JsonObject): JsonObject[] {
  const sealed = item.type === 'reasoning' ? openSignature(asString(item.encrypted_content) ?? '') : undefined;
  if (sealed) {
    if (sealed.signature.dialect !== 'openai-responses' || sealed.signature.id === undefined) return [];
    const { id, value } = sealed.signature;
    return [{ type: 'reasoning', id, summary: asArray(item.summary), encrypted_content: value }];
  }
  const summary = isCompaction(item) ? openedSummary(item) : undefined;
  if (summary) return [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: summary.text }] }];
  const isOwn = OWN_ID.test(asString(item.id) ?? '');
  if (isOwn && item.type === 'reasoning') return [];
  if (isOwn && item.type === 'image_generation_call') {
    const picture = readPicture(item);
    return picture ? [pictureMessage(picture)] : [];
  }
  const callId = asString(item.call_id);
  const isForeign =
    callId !== undefined && (unpackToolCallId(callId).signature !== undefined || callId.length > CALL_ID_LENGTH_MAX);
  if (!isOwn && !isForeign) return [item];
  const result = { ...item };
  if (isOwn) delete result.id;
  if (callId !== undefined && isForeign) result.call_id = plainToolCallId(callId);
  return [result];
}
