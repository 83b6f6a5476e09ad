// A chat request as the facts that routing goes by. Everything is counted once here; complexity and language, which cost
// more, are worked out only when a rule asks.

import type { Weekday } from '../../config/routing.ts';
import type { ChatRequest, MediaPart, Message, Part } from '../../model/chat.ts';
import type { Capability } from '../../tenancy/price.ts';
import { affinityKeyOf } from './affinity.ts';
import type { RouteRequestFacts } from './candidate.ts';
import { examinedText, writtenText } from './examined-text.ts';

/** What the request itself does not tell. */
export interface Surroundings {
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly inputTokens: number;
  readonly tenant?: string;
  readonly keyTags: readonly string[];
  readonly minuteOfDay: number;
  readonly weekday: Weekday;
}

/** Latin script has four, Chinese fewer than two: between them, for a bound needs no more. */
const CHARACTERS_PER_TOKEN = 4;
const WIDE_CHARACTER = /[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]/g;

const MEDIA_CAPABILITIES: Readonly<Record<MediaPart['kind'], Capability | undefined>> = {
  image: 'images',
  audio: 'audio',
  document: 'documents',
  // No table of models tells it.
  video: undefined,
};

export function factsOf(request: ChatRequest, surroundings: Surroundings): RouteRequestFacts {
  const { messages, tools, sampling } = request;
  const media = messages.flatMap(({ parts }) => parts.flatMap(mediaIn));
  const newest = messages.findLast((message) => message.role === 'user' && writtenText(message) !== '');
  const text = newest ? writtenText(newest) : '';
  const affinity = affinityKeyOf(request, surroundings.headers);
  return {
    ...surroundings,
    model: request.model,
    ...(sampling.maxOutputTokens !== undefined && { maxOutputTokens: sampling.maxOutputTokens }),
    needs: needsOf(request, media),
    isReasoningAsked: isReasoningAsked(request),
    turns: messages.filter(isTurn).length,
    userText: examinedText(text),
    userTokens: roughTokens(text),
    toolCount: tools.length,
    imageCount: media.filter(({ kind }) => kind === 'image').length,
    documentCount: media.filter(({ kind }) => kind === 'document').length,
    metadata: request.metadata ?? {},
    ...(affinity && { affinity }),
  };
}

/** Tool results travel as user messages in some dialects, and are nobody's turn. */
function isTurn({ role, parts }: Message): boolean {
  return role === 'user' && parts.some(({ type }) => type === 'text' || type === 'media');
}

function mediaIn(part: Part): readonly MediaPart[] {
  if (part.type === 'media') return [part];
  return part.type === 'tool-result' ? part.parts.flatMap(mediaIn) : [];
}

function needsOf({ tools, responseFormat }: ChatRequest, media: readonly MediaPart[]): Capability[] {
  const needs = new Set<Capability>(media.flatMap(({ kind }) => MEDIA_CAPABILITIES[kind] ?? []));
  if (tools.length > 0) needs.add('tools');
  if (responseFormat?.type === 'json-schema') needs.add('json-schema');
  return [...needs];
}

function isReasoningAsked({ reasoning }: ChatRequest): boolean {
  if (!reasoning) return false;
  return reasoning.effort === undefined ? reasoning.budgetTokens !== 0 : reasoning.effort !== 'none';
}

function roughTokens(text: string): number {
  const examined = examinedText(text);
  const wide = examined.match(WIDE_CHARACTER)?.length ?? 0;
  const wideShare = wide / Math.max(1, examined.length);
  return Math.round(text.length * (wideShare + (1 - wideShare) / CHARACTERS_PER_TOKEN));
}
