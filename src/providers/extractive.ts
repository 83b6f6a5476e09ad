// The built-in answerer `flowmesh/extractive`: serves when no model can be reached, and says so. It writes nothing of
// its own; it quotes the sentences at hand that match the question best. Deterministic, without I/O.

import { estimateTokenCount, sliceByTokens } from 'tokenx';
import type { AnswerIdentity } from '../dialects/dialect.ts';
import { GatewayError } from '../errors.ts';
import type { Annotation, ChatRequest, Usage } from '../model/chat.ts';
import type { Frame, StreamEvent } from '../model/stream.ts';
import { type Inquiry, inquiryOf, isQuestion, NOTICE, type Passage, type Source } from './extractive-material.ts';
import { bestMatches } from './extractive-rank.ts';
import { sentencesOf } from './extractive-text.ts';

export type { Passage } from './extractive-material.ts';

const EXTRACTIVE_MODEL = 'flowmesh/extractive';

const QUOTATIONS_MAX = 6;
const QUOTATION_LENGTH_MAX = 500;
/** UTF-16 units that are searched, the last ones first: about 50 ms on a small machine. */
const MATERIAL_LENGTH_MAX = 100_000;
/** Words in one delta of a stream. */
const WORDS_A_DELTA = 4;

const HELP =
  'To get answers, set a provider key such as OPENAI_API_KEY, ANTHROPIC_API_KEY or GEMINI_API_KEY, start a local model server such as Ollama, or name one in the configuration; `flowmesh doctor` shows what is missing.';

export interface ExtractiveAnswer {
  readonly text: string;
  /** For quotations whose source is known. */
  readonly citations?: readonly Annotation[];
}

interface Candidate {
  readonly sentence: string;
  readonly passage: Passage;
}

/**
 * @param material passages from elsewhere (a knowledge collection), quoted besides the conversation's own texts
 * @throws GatewayError `unsupported` where only a model could do what was asked
 */
export function answerExtractively(request: ChatRequest, material: readonly Passage[] = []): ExtractiveAnswer {
  refuseImpossible(request);
  const inquiry = inquiryOf(request.messages);
  const answer = quoted({ question: inquiry.question, material: [...inquiry.material, ...material] });
  return request.responseFormat?.type === 'json' ? { text: JSON.stringify({ answer: answer.text }) } : answer;
}

function refuseImpossible({ responseFormat, toolChoice }: ChatRequest): void {
  if (responseFormat?.type === 'json-schema') {
    throw new GatewayError('unsupported', `${NOTICE}, and quotations cannot follow a JSON schema.`, {
      param: 'response_format',
    });
  }
  if (toolChoice?.type === 'required' || toolChoice?.type === 'tool') {
    throw new GatewayError('unsupported', `${NOTICE}, and only a model can call tools.`, { param: 'tool_choice' });
  }
}

function quoted({ question, material }: Inquiry): ExtractiveAnswer {
  const candidates = candidatesOf(material);
  if (candidates.length === 0) return { text: `${NOTICE}, and there is no text at hand to quote from. ${HELP}` };
  const sentences = candidates.map(({ sentence }) => sentence);
  const matches = bestMatches(sentences, question, QUOTATIONS_MAX).flatMap((position) => candidates[position] ?? []);
  if (matches.length === 0) return { text: `${NOTICE}, and nothing at hand matches the question. ${HELP}` };
  return quotation(matches);
}

function quotation(matches: readonly Candidate[]): ExtractiveAnswer {
  let text = `${NOTICE}: these are quotations that match the question, not an answer.`;
  const citations: Annotation[] = [];
  const sources = new SourceList();
  for (const { sentence, passage } of matches) {
    const quote = sentence.length > QUOTATION_LENGTH_MAX ? `${sentence.slice(0, QUOTATION_LENGTH_MAX)}…` : sentence;
    text += '\n\n> ';
    const start = text.length;
    text += quote;
    if (!passage.source) continue;
    const { documentId, ...source } = passage.source;
    const number = sources.numberOf(passage.source);
    const place = { quote, start, end: text.length };
    citations.push({ ...source, ...place, ...(documentId !== undefined && { passage: { number, documentId } }) });
    text += ` [${number}]`;
  }
  return citations.length > 0 ? { text: text + sources.text, citations } : { text };
}

/** What was quoted from, numbered in the order of the quotations. */
class SourceList {
  readonly #numbers = new Map<string, number>();

  numberOf(source: Source): number {
    const name = nameOf(source);
    const number = this.#numbers.get(name) ?? this.#numbers.size + 1;
    this.#numbers.set(name, number);
    return number;
  }

  get text(): string {
    const lines = [...this.#numbers].map(([name, number]) => `[${number}] ${name}`);
    return `\n\nSources:\n${lines.join('\n')}`;
  }
}

/** A document without an address of its own is known by its title. */
function nameOf({ title, url }: Source): string {
  const address = url !== undefined && /^https?:/i.test(url) ? url : undefined;
  return title === undefined ? (address ?? url ?? 'unnamed') : address === undefined ? title : `${title}, ${address}`;
}

/** Sentences in order, each once, without questions: those ask for what a quotation should say. */
function candidatesOf(material: readonly Passage[]): Candidate[] {
  const seen = new Set<string>();
  return bounded(material).flatMap((passage) =>
    sentencesOf(passage.text).flatMap((sentence) => {
      const likeness = sentence.toLowerCase();
      if (seen.has(likeness) || isQuestion(sentence)) return [];
      seen.add(likeness);
      return [{ sentence, passage }];
    }),
  );
}

/** The last passages that fit; of one that does not, its beginning. */
function bounded(material: readonly Passage[]): Passage[] {
  const kept: Passage[] = [];
  let room = MATERIAL_LENGTH_MAX;
  for (const passage of material.toReversed()) {
    if (room <= 0) break;
    kept.push(passage.text.length > room ? { ...passage, text: passage.text.slice(0, room) } : passage);
    room -= passage.text.length;
  }
  return kept.reverse();
}

/**
 * The answer as a stream like any model's: each yield is what one read of a socket would bring.
 * @param find passages from elsewhere
 */
export async function* extractiveFrames(
  request: ChatRequest,
  identity: AnswerIdentity,
  find: () => Promise<readonly Passage[]> = async () => [],
): AsyncGenerator<Frame[]> {
  refuseImpossible(request);
  const answer = answerExtractively(request, await find());
  const outputMax = request.sampling.maxOutputTokens ?? Number.POSITIVE_INFINITY;
  const isCut = estimateTokenCount(answer.text) > outputMax;
  const text = isCut ? sliceByTokens(answer.text, 0, outputMax) : answer.text;
  const { id, createdAt } = identity;
  yield frames({ type: 'response-start', id, model: EXTRACTIVE_MODEL, createdAt });
  for (const delta of deltasOf(text)) yield frames({ type: 'text-delta', choice: 0, text: delta });
  const citations = (answer.citations ?? []).filter(({ end }) => end !== undefined && end <= text.length);
  const raw = isCut ? 'length' : 'stop';
  yield frames(
    ...citations.map((annotation) => ({ type: 'annotation-add', choice: 0, annotation }) as const),
    { type: 'finish', choice: 0, finishReason: { unified: raw, raw } },
    { type: 'usage', usage: usageOf(request, text) },
    { type: 'response-end' },
  );
}

function frames(...events: readonly StreamEvent[]): Frame[] {
  return events.map((event) => ({ events: [event] }));
}

/** Joined they are the text again, white space included. */
function deltasOf(text: string): string[] {
  const words = text.match(/\s*\S+\s*/gu) ?? [];
  const deltas: string[] = [];
  for (let at = 0; at < words.length; at += WORDS_A_DELTA) deltas.push(words.slice(at, at + WORDS_A_DELTA).join(''));
  return deltas;
}

function usageOf(request: ChatRequest, text: string): Usage {
  const prompt = request.messages.flatMap(({ parts }) => parts.map((part) => (part.type === 'text' ? part.text : '')));
  return {
    inputTokens: prompt.reduce((sum, part) => sum + estimateTokenCount(part), 0),
    cachedInputTokens: 0,
    cacheWriteTokens: 0,
    outputTokens: estimateTokenCount(text),
    reasoningTokens: 0,
    isEstimated: true,
  };
}
