// Scripts that put no spaces between words are searched by overlapping pieces: two characters of Chinese or Japanese,
// three of the alphabets of Thai, Lao, Khmer, Burmese and Tibetan. Any word of that length is found without a dictionary.

const IDEOGRAPHIC = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Bopomofo}ー]/u;
const RUN =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Bopomofo}ー]+|[\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\p{Script=Tibetan}]+/gu;

/** The stretches of text without spaces, and what is around them. */
export function unspacedRuns(text: string): { readonly runs: readonly string[]; readonly rest: string } {
  const runs = text.match(RUN) ?? [];
  return { runs, rest: runs.length > 0 ? text.replace(RUN, ' ') : text };
}

/**
 * What the index holds of a text. The last pieces of a run are shorter, so that every character begins one: a shorter
 * word is the beginning of some piece.
 */
export function gramsOf(text: string): string[] {
  return (text.match(RUN) ?? []).flatMap((run) => {
    const characters = [...run];
    const size = sizeOf(run);
    return characters.map((_, index) => characters.slice(index, index + size).join(''));
  });
}

/** What to look for: whole pieces, or the beginning of one when the run is shorter. */
export function gramsToFind(run: string): { readonly grams: readonly string[]; readonly isBeginning: boolean } {
  const characters = [...run];
  const size = sizeOf(run);
  if (characters.length <= size) return { grams: [run], isBeginning: characters.length < size };
  const count = characters.length - size + 1;
  return {
    grams: Array.from({ length: count }, (_, index) => characters.slice(index, index + size).join('')),
    isBeginning: false,
  };
}

function sizeOf(run: string): number {
  return IDEOGRAPHIC.test(run) ? 2 : 3;
}
