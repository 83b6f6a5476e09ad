// How much thought a request needs, from 0 to 100: short simple tasks can go to a cheap model, long reasoning to a strong
// one. A sum of plain features, each with its points, so that everyone can see why. docs/routing.md has the same table.

import type { RouteRequestFacts } from './candidate.ts';
import { PLAIN_WORDS, REASONING_WORDS, SEQUENCE_WORDS, THOUGHT_WORDS } from './complexity-words.ts';
import { phrasesIn } from './phrases.ts';

const SCORE_MAX = 100;

export interface Complexity {
  readonly score: number;
  /** Those that gave or took points. */
  readonly features: Readonly<Partial<Record<Feature, number>>>;
}

export type Feature =
  | 'length'
  | 'conversation'
  | 'reasoningWords'
  | 'thoughtWords'
  | 'plainWords'
  | 'code'
  | 'math'
  | 'steps'
  | 'sequence'
  | 'questions'
  | 'demands'
  | 'tools'
  | 'attachments'
  | 'jsonSchema'
  | 'reasoningAsked';

export function complexityOf(facts: RouteRequestFacts): Complexity {
  const text = facts.userText;
  const prose = text.replaceAll(FENCED_CODE, ' ');
  const points: Readonly<Record<Feature, number>> = {
    length: lengthPoints(facts.userTokens),
    conversation: conversationPoints(facts),
    reasoningWords: stepped(phrasesIn(prose, REASONING_WORDS).length, { first: 32, further: 8, most: 56 }),
    thoughtWords: stepped(phrasesIn(prose, THOUGHT_WORDS).length, { first: 16, further: 10, most: 36 }),
    plainWords: -stepped(phrasesIn(prose, PLAIN_WORDS).length, { first: 12, further: 6, most: 24 }),
    code: codePoints(text),
    math: MATH.some((sign) => sign.test(prose)) ? 18 : 0,
    steps: stepped(countOf(LIST_ITEM, prose) - 1, { first: 8, further: 3, most: 20 }),
    sequence: stepped(phrasesIn(prose, SEQUENCE_WORDS).length - 1, { first: 6, further: 3, most: 12 }),
    questions: stepped(countOf(QUESTION, prose) - 1, { first: 4, further: 3, most: 10 }),
    demands: stepped(countOf(DEMAND, prose), { first: 3, further: 3, most: 12 }),
    tools: facts.toolCount === 0 ? 0 : Math.min(10, 5 + Math.floor(facts.toolCount / 4)),
    attachments: (facts.imageCount > 0 ? 6 : 0) + (facts.documentCount > 0 ? 8 : 0),
    jsonSchema: facts.needs.includes('json-schema') ? 5 : 0,
    reasoningAsked: facts.isReasoningAsked ? 20 : 0,
  };
  const features = Object.fromEntries(Object.entries(points).filter(([, value]) => value !== 0));
  const sum = Object.values(points).reduce((total, value) => total + value, 0);
  return { score: Math.max(0, Math.min(SCORE_MAX, Math.round(sum))), features };
}

interface Steps {
  /** For the first. */
  readonly first: number;
  readonly further: number;
  readonly most: number;
}

function stepped(count: number, { first, further, most }: Steps): number {
  return count <= 0 ? 0 : Math.min(most, first + (count - 1) * further);
}

/** 0 up to 32 tokens, 6 more with each doubling, 24 from 512 on. */
function lengthPoints(tokens: number): number {
  return Math.round(Math.min(24, Math.max(0, 6 * Math.log2(Math.max(1, tokens) / 32))));
}

/** What went before: 3 with each doubling from 4,096 tokens on up to 9, and 1 a turn from the fifth on up to 5. */
function conversationPoints({ inputTokens, turns }: RouteRequestFacts): number {
  const long = Math.min(9, Math.max(0, 3 * Math.floor(Math.log2(Math.max(1, inputTokens) / 4_096) + 1)));
  return long + Math.min(5, Math.max(0, turns - 4));
}

const FENCED_CODE = /```[^`]*```|~~~[^~]*~~~/g;
/** Ends of lines and beginnings that prose does not have. */
const CODE_LINE =
  /^[ \t]*(?:(?:async )?(?:def|function|fn|func|class|import|from|const|let|var|public|private|static|return|struct|impl|interface|package|using|#include|SELECT|INSERT|UPDATE|CREATE|at )\b.*[({;:=*]|\S.*[;{}][ \t]*$|\S.*\) =>)/gm;
/** A stack trace or an error that a program printed. */
const FAILURE_OUTPUT = /\b(?:Traceback|[A-Z]\w+(?:Error|Exception)\b|panic:|segmentation fault|stack trace)/;

/** A program is asked for in some language. */
const CODE_WANTED =
  /\b(?:in|with|using|auf|en|на) (?:Ada|Bash|C|C\+\+|C#|Clojure|Dart|Elixir|Erlang|Go|Haskell|Java|JavaScript|Julia|Kotlin|Lua|OCaml|PHP|Python|Ruby|Rust|Scala|SQL|Swift|TypeScript|Zig)(?![\w+#])/;

/** A block or three lines of code: 14; more than twenty lines: 20. An error message or a wish for a program: 8. */
function codePoints(text: string): number {
  const fenced = text.match(FENCED_CODE)?.join('\n').split('\n').length ?? 0;
  const lines = Math.max(fenced, countOf(CODE_LINE, text));
  if (lines > 20) return 20;
  if (lines >= 3) return 14;
  return FAILURE_OUTPUT.test(text) || CODE_WANTED.test(text) ? 8 : 0;
}

const MATH: readonly RegExp[] = [
  /[∫∑∏√∂∇∀∃∈≤≥≠≈∞⊂⊆→⇒⇔]/,
  /\\(?:frac|sum|int|sqrt|lim|begin|mathbb|forall|exists|partial)\b/,
  /\$\$|\bO\([1nN]|\bO\(log/,
  /\b[a-z]\s?\^\s?[\dn]|\b\d*[xyn]\s?[+\-*/=]\s?\d+\s?=|[²³]/,
  /\b(?:integral|eigenvalue|derivative|theorem|lemma|polynomial|matrix|probability|differential equation|modulo|irrational|primes?)s?\b/i,
];

const LIST_ITEM = /^[ \t]*(?:\d{1,2}[.)]|[a-h]\)|[-*•])[ \t]+\S/gm;
const QUESTION = /[?？؟](?=\s|$|["')\]])|？/g;
const DEMAND =
  /\b(?:must|without|at least|at most|no more than|exactly|ensure|should not|only if|taking into account|given that|assuming|muss|ohne|mindestens|höchstens|doit|sans|au moins|debe|sin|al menos|deve|senza|almeno|sem|pelo menos|moet|zonder|minstens)\b|долж|без |не менее|必须|至少|不得|必ず|以上|없이|최소|يجب|دون/giu;

function countOf(pattern: RegExp, text: string): number {
  return text.match(pattern)?.length ?? 0;
}
