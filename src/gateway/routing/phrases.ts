// Finds words and phrases in prose. In scripts that separate words a phrase must begin and end where words do; `*` at
// its end stands for any ending. In the others (Chinese, Japanese, Thai; Arabic and Korean glue words together) anywhere.

/** Of a lower-case phrase list, those that a text has. */
export function phrasesIn(text: string, phrases: readonly string[]): readonly string[] {
  const lower = text.toLowerCase();
  return phrases.filter((phrase) => hasPhrase(lower, phrase));
}

const GLUED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Arabic}\p{Script=Hangul}]/u;
const WORD_CHARACTER = /[\p{L}\p{N}_]/u;

function hasPhrase(lower: string, phrase: string): boolean {
  const isStem = phrase.endsWith('*');
  const wanted = isStem ? phrase.slice(0, -1) : phrase;
  if (wanted === '') return false;
  if (GLUED.test(wanted)) return lower.includes(wanted);
  for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, at + 1)) {
    if (!isWordCharacter(lower, at - 1) && (isStem || !isWordCharacter(lower, at + wanted.length))) return true;
  }
  return false;
}

function isWordCharacter(text: string, at: number): boolean {
  const character = text[at];
  return character !== undefined && WORD_CHARACTER.test(character);
}
