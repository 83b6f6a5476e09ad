// What a conversation offers the extractive answerer: the question, and the texts that may be quoted.

import type { Annotation, Message, Part } from '../model/chat.ts';
import { sentencesOf } from './extractive-text.ts';

/** A text that may be quoted. */
export interface Passage {
  readonly text: string;
  /** Named under the quotations, by numbers. */
  readonly source?: Source;
}

export type Source = Pick<Annotation, 'title' | 'url'> & {
  /** The document of the knowledge brain that it is from. */
  readonly documentId?: string;
};

export interface Inquiry {
  /** Empty when nobody asked anything. */
  readonly question: string;
  readonly material: readonly Passage[];
}

/** The first sentence of every extractive answer; recognised again, so that it never quotes itself. */
export const NOTICE = 'No language model is reachable right now';

/** Up to this many sentences a message without a question mark is a question or a wish as a whole. */
const WISH_SENTENCES_MAX = 2;

/** The last user message asks; what it holds besides the question, and everything before it, may be quoted. */
export function inquiryOf(messages: readonly Message[]): Inquiry {
  const last = messages.findLastIndex((message) => message.role === 'user' && textsOf(message.parts).length > 0);
  const passages: Passage[] = messages.flatMap((message, index) => {
    const isOwnAnswer = message.role === 'assistant' && textsOf(message.parts).some((text) => text.startsWith(NOTICE));
    return index === last || isOwnAnswer ? [] : passagesOf(message.parts);
  });
  const asking = messages[last];
  if (!asking) return { question: '', material: passages };
  const { question, rest } = splitQuestion(textsOf(asking.parts).join('\n\n'));
  return { question, material: [...passages, ...documentsOf(asking.parts), ...(rest === '' ? [] : [{ text: rest }])] };
}

/** The last questions of a text; without any, its shorter end, as wishes stand before or after what was pasted. */
function splitQuestion(text: string): { readonly question: string; readonly rest: string } {
  const sentences = sentencesOf(text);
  const end = sentences.findLastIndex(isQuestion) + 1;
  if (end > 0) {
    const start = sentences.findLastIndex((sentence, index) => index < end && !isQuestion(sentence)) + 1;
    const rest = [...sentences.slice(0, start), ...sentences.slice(end)];
    return { question: sentences.slice(start, end).join(' '), rest: rest.join('\n') };
  }
  const paragraphs = text.split(/\n\s*\n/).filter((paragraph) => paragraph.trim() !== '');
  const units = paragraphs.length > 1 ? paragraphs : sentences;
  const [first = '', last = ''] = [units[0], units.at(-1)];
  if (sentences.length <= WISH_SENTENCES_MAX) return { question: text.trim(), rest: '' };
  const isLast = last.length <= first.length;
  return { question: isLast ? last : first, rest: (isLast ? units.slice(0, -1) : units.slice(1)).join('\n\n') };
}

/** Ends with a question mark: Latin, full width, Arabic, Greek. */
export function isQuestion(sentence: string): boolean {
  return /[?\uff1f\u061f\u037e]["'”’»)]*$/u.test(sentence);
}

function passagesOf(parts: readonly Part[]): Passage[] {
  return [...textsOf(parts).map((text) => ({ text })), ...documentsOf(parts)];
}

function textsOf(parts: readonly Part[]): string[] {
  return parts.flatMap((part) => (part.type === 'text' && part.text.trim() !== '' ? [part.text] : []));
}

/** Documents in plain text and what tools returned. */
function documentsOf(parts: readonly Part[]): Passage[] {
  return parts.flatMap((part): Passage[] => {
    if (part.type === 'tool-result') return part.isError ? [] : passagesOf(part.parts);
    if (part.type !== 'media' || part.source.type !== 'text') return [];
    return [{ text: part.source.text, ...(part.fileName !== undefined && { source: { title: part.fileName } }) }];
  });
}
