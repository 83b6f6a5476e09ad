// The Porter stemmer (M. F. Porter, "An algorithm for suffix stripping", 1980) as FTS5 has it: ASCII suffixes only, words
// of 3 to 64 bytes.

const LENGTH_MIN = 3;
const LENGTH_MAX = 64;

type Rule = readonly [suffix: string, replacement: string];

const STEP_2: readonly Rule[] = [
  ['ational', 'ate'],
  ['tional', 'tion'],
  ['enci', 'ence'],
  ['anci', 'ance'],
  ['izer', 'ize'],
  ['logi', 'log'],
  ['bli', 'ble'],
  ['alli', 'al'],
  ['entli', 'ent'],
  ['eli', 'e'],
  ['ousli', 'ous'],
  ['ization', 'ize'],
  ['ation', 'ate'],
  ['ator', 'ate'],
  ['alism', 'al'],
  ['iveness', 'ive'],
  ['fulness', 'ful'],
  ['ousness', 'ous'],
  ['aliti', 'al'],
  ['iviti', 'ive'],
  ['biliti', 'ble'],
];

const STEP_3: readonly Rule[] = [
  ['icate', 'ic'],
  ['ative', ''],
  ['alize', 'al'],
  ['iciti', 'ic'],
  ['ical', 'ic'],
  ['ful', ''],
  ['ness', ''],
];

const STEP_4: readonly string[] = [
  'al',
  'ance',
  'ence',
  'er',
  'ic',
  'able',
  'ible',
  'ant',
  'ement',
  'ment',
  'ent',
  'ion',
  'ou',
  'ism',
  'ate',
  'iti',
  'ous',
  'ive',
  'ize',
];

/** @param word lower case */
export function stem(word: string): string {
  if (word.length < LENGTH_MIN || word.length > LENGTH_MAX) return word;
  const last = word.charCodeAt(word.length - 1);
  if (last < 0x61 || last > 0x7a) return word;
  const singular = withoutPlural(word);
  const present = withoutTense(singular);
  const ending = present.endsWith('y') && hasVowel(present.slice(0, -1)) ? `${present.slice(0, -1)}i` : present;
  return withoutFinalE(withoutSuffix(replaced(replaced(ending, STEP_2), STEP_3)));
}

function withoutPlural(word: string): string {
  if (hasSuffix(word, 'sses') || hasSuffix(word, 'ies')) return word.slice(0, -2);
  if (word.endsWith('s') && !word.endsWith('ss')) return word.slice(0, -1);
  return word;
}

function withoutTense(word: string): string {
  if (hasSuffix(word, 'eed')) return measure(word.slice(0, -3)) > 0 ? word.slice(0, -1) : word;
  const cut = hasSuffix(word, 'ed') ? 2 : hasSuffix(word, 'ing') ? 3 : 0;
  if (cut === 0) return word;
  const rest = word.slice(0, -cut);
  if (!hasVowel(rest)) return word;
  if (/(?:at|bl|iz)$/.test(rest)) return `${rest}e`;
  if (/([^aeiou])\1$/.test(rest) && !/[lsz]$/.test(rest)) return rest.slice(0, -1);
  return measure(rest) === 1 && endsShortly(rest) ? `${rest}e` : rest;
}

function replaced(word: string, rules: readonly Rule[]): string {
  const rule = rules.find(([suffix]) => hasSuffix(word, suffix));
  if (!rule) return word;
  const rest = word.slice(0, -rule[0].length);
  return measure(rest) > 0 ? rest + rule[1] : word;
}

function withoutSuffix(word: string): string {
  const suffix = STEP_4.find((known) => hasSuffix(word, known));
  if (suffix === undefined) return word;
  const rest = word.slice(0, -suffix.length);
  if (suffix === 'ion' && !/[st]$/.test(rest)) return word;
  return measure(rest) > 1 ? rest : word;
}

function withoutFinalE(word: string): string {
  let rest = word;
  if (rest.endsWith('e')) {
    const before = rest.slice(0, -1);
    const vowels = measure(before);
    if (vowels > 1 || (vowels === 1 && !endsShortly(before))) rest = before;
  }
  return rest.endsWith('ll') && measure(rest.slice(0, -1)) > 1 ? rest.slice(0, -1) : rest;
}

/** A word is more than a suffix. */
function hasSuffix(word: string, suffix: string): boolean {
  return word.length > suffix.length && word.endsWith(suffix);
}

/** How often a vowel is followed by a consonant. */
function measure(word: string): number {
  let count = 0;
  let wasVowel = false;
  for (let index = 0; index < word.length; index += 1) {
    const vowel = isVowel(word, index);
    if (wasVowel && !vowel) count += 1;
    wasVowel = vowel;
  }
  return count;
}

function hasVowel(word: string): boolean {
  for (let index = 0; index < word.length; index += 1) if (isVowel(word, index)) return true;
  return false;
}

/** `y` is a vowel after a consonant. */
function isVowel(word: string, index: number): boolean {
  const letter = word[index];
  if (letter === 'y') return index > 0 && !isVowel(word, index - 1);
  return letter === 'a' || letter === 'e' || letter === 'i' || letter === 'o' || letter === 'u';
}

/** Consonant, vowel, consonant, the last one not w, x or y. */
function endsShortly(word: string): boolean {
  const end = word.length - 1;
  return end >= 2 && !isVowel(word, end) && isVowel(word, end - 1) && !isVowel(word, end - 2) && !/[wxy]$/.test(word);
}
