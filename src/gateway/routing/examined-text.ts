// Text that rules look at is bounded: instructions stand at the beginning or the end, with documents between them.

import type { Message, Part } from '../../model/chat.ts';

/** Characters of each end. */
const END_LENGTH = 8_192;

/** The text itself, or its two ends. */
export function examinedText(text: string): string {
  if (text.length <= 2 * END_LENGTH) return text;
  return `${text.slice(0, END_LENGTH)}\n${text.slice(-END_LENGTH)}`;
}

/** What was written by a person: no tool results, no media. */
export function writtenText({ parts }: Message): string {
  const texts = parts.flatMap((part: Part) => (part.type === 'text' ? [part.text] : []));
  return texts.join('\n');
}
