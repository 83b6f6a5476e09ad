// What a conversation is searched for: its last question, and the one before where the last is too short to stand alone.

import type { Message } from '../model/chat.ts';

/** Of a longer message both ends are taken: questions stand before or after what was pasted. */
const QUERY_LENGTH_MAX = 1_200;
/** "And for children?" asks about what was spoken of before. */
const FOLLOW_UP_WORDS_MAX = 4;
const FOLLOW_UP_LENGTH_MAX = 40;
const EARLIER_LENGTH_MAX = 300;

/** Empty when nobody has written anything. */
export function searchQuery(messages: readonly Message[]): string {
  const last = lastWritten(messages, messages.length);
  if (last === undefined) return '';
  const text = writtenText(messages[last]);
  if (!isFollowUp(text)) return bothEnds(text, QUERY_LENGTH_MAX);
  const earlier = lastWritten(messages, last);
  if (earlier === undefined) return text;
  return `${bothEnds(writtenText(messages[earlier]), EARLIER_LENGTH_MAX)}\n${text}`;
}

/** Index of the last message before `end` in which a user wrote something; tool results are nobody's words. */
export function lastWritten(messages: readonly Message[], end: number): number | undefined {
  for (let index = end - 1; index >= 0; index -= 1) {
    if (messages[index]?.role === 'user' && writtenText(messages[index]) !== '') return index;
  }
  return undefined;
}

function writtenText(message: Message | undefined): string {
  const texts = message?.parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])) ?? [];
  return texts.join('\n').trim();
}

function isFollowUp(text: string): boolean {
  return text.length <= FOLLOW_UP_LENGTH_MAX && text.split(/\s+/).length <= FOLLOW_UP_WORDS_MAX;
}

function bothEnds(text: string, lengthMax: number): string {
  if (text.length <= lengthMax) return text;
  return `${text.slice(0, lengthMax / 2)}\n${text.slice(-lengthMax / 2)}`;
}
