// How alike two answers are, from 0 to 1, in any language and without a model: the mean of how many words they share
// (F1) and how many of them in the same order (longest common subsequence). JSON answers are compared by structure.
// It measures wording, not truth.

import { isObject, type JsonValue } from '../model/json.ts';
import type { Similarity } from './comparison.ts';

/** The order of words costs the product of both lengths; longer answers are compared in order by their beginnings. */
const ORDERED_WORDS_MAX = 2_000;

/** Deeper JSON is compared as text: no answer needs it, and recursion must end. */
const JSON_DEPTH_MAX = 64;

export function compareTexts(left: string, right: string): Similarity {
  const first = left.trim();
  const second = right.trim();
  if (first === second) return { score: 1, reason: 'identical' };
  const leftJson = parseJsonAnswer(first);
  const rightJson = leftJson && parseJsonAnswer(second);
  if (leftJson && rightJson) return compareJson(leftJson, rightJson);
  const { shared, ordered, score } = wordScores(first, second);
  return { score, reason: `${percent(shared)} of the words shared, ${percent(ordered)} in the same order` };
}

interface WordScores {
  readonly shared: number;
  readonly ordered: number;
  readonly score: number;
}

function wordScores(left: string, right: string): WordScores {
  const [first, second] = [wordsOf(left), wordsOf(right)];
  // Without a single word (only signs), letters cannot tell them apart: the signs themselves do.
  if (first.length === 0 && second.length === 0) {
    const score = left === right ? 1 : 0;
    return { shared: score, ordered: score, score };
  }
  const shared = (2 * countShared(first, second)) / (first.length + second.length);
  const [head, otherHead] = [first.slice(0, ORDERED_WORDS_MAX), second.slice(0, ORDERED_WORDS_MAX)];
  const ordered = (2 * longestCommonSubsequence(head, otherHead)) / (head.length + otherHead.length);
  return { shared, ordered, score: (shared + ordered) / 2 };
}

/** Scripts that write without spaces count by the character; everywhere else a word is letters, marks and digits. */
const WORD =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]\p{M}*|(?:(?![\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}])[\p{L}\p{N}]\p{M}*)+/gu;

function wordsOf(text: string): string[] {
  return text.normalize('NFKC').toLowerCase().match(WORD) ?? [];
}

function countShared(left: readonly string[], right: readonly string[]): number {
  const counts = new Map<string, number>();
  for (const word of left) counts.set(word, (counts.get(word) ?? 0) + 1);
  let shared = 0;
  for (const word of right) {
    const count = counts.get(word) ?? 0;
    if (count > 0) shared += 1;
    counts.set(word, count - 1);
  }
  return shared;
}

/** Its length, row by row: only the row before is needed. */
function longestCommonSubsequence(left: readonly string[], right: readonly string[]): number {
  let before = new Uint32Array(right.length + 1);
  for (const word of left) {
    const row = new Uint32Array(right.length + 1);
    for (const [index, other] of right.entries()) {
      row[index + 1] = word === other ? (before[index] ?? 0) + 1 : Math.max(before[index + 1] ?? 0, row[index] ?? 0);
    }
    before = row;
  }
  return before[right.length] ?? 0;
}

type Structure = Extract<JsonValue, object>;

/** An object or a list, also in a Markdown fence, as models like to wrap it. */
function parseJsonAnswer(text: string): Structure | undefined {
  const inner = /^```(?:json)?\s*\n([\s\S]*?)\n?```$/i.exec(text)?.[1]?.trim() ?? text;
  if (!/^[{[]/.test(inner) || isDeep(inner)) return undefined;
  try {
    const value: unknown = JSON.parse(inner);
    return Array.isArray(value) || isObject(value) ? value : undefined;
  } catch {
    // An answer that only begins like JSON is a text.
    return undefined;
  }
}

/** Brackets inside of texts count, too: that only makes more answers texts. */
function isDeep(text: string): boolean {
  let depth = 0;
  for (const sign of text) {
    if (sign === '{' || sign === '[') depth += 1;
    if (sign === '}' || sign === ']') depth -= 1;
    if (depth > JSON_DEPTH_MAX) return true;
  }
  return false;
}

/** How many values there are on either side, and how much of them agrees. */
interface Agreement {
  readonly values: number;
  readonly agreeing: number;
}

function compareJson(left: Structure, right: Structure): Similarity {
  const { values, agreeing } = agreementOf(left, right);
  const score = values === 0 ? 1 : agreeing / values;
  return { score, reason: score === 1 ? 'the same JSON' : `${percent(score)} of the JSON values agree` };
}

function agreementOf(left: JsonValue | undefined, right: JsonValue | undefined): Agreement {
  if (Array.isArray(left) && Array.isArray(right)) {
    const length = Math.max(left.length, right.length);
    return sum(Array.from({ length }, (_, index) => agreementOf(left[index], right[index])));
  }
  if (isObject(left) && isObject(right)) {
    const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
    return sum([...keys].map((key) => agreementOf(own(left, key), own(right, key))));
  }
  if (typeof left === 'string' && typeof right === 'string') {
    return { values: 1, agreeing: left === right ? 1 : wordScores(left, right).score };
  }
  if (left === right) return { values: 1, agreeing: 1 };
  return { values: Math.max(valuesIn(left), valuesIn(right)), agreeing: 0 };
}

/** A key named like a method of objects is still only a key. */
function own(object: Record<string, JsonValue | undefined>, key: string): JsonValue | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** What is missing or of another kind weighs as much as what stands there. */
function valuesIn(value: JsonValue | undefined): number {
  if (typeof value !== 'object' || value === null) return value === undefined ? 0 : 1;
  const inner: (JsonValue | undefined)[] = Array.isArray(value) ? value : Object.values(value);
  return Math.max(
    1,
    inner.reduce<number>((total, item) => total + valuesIn(item), 0),
  );
}

function sum(agreements: readonly Agreement[]): Agreement {
  return agreements.reduce(
    (total, { values, agreeing }) => ({ values: total.values + values, agreeing: total.agreeing + agreeing }),
    { values: 0, agreeing: 0 },
  );
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
