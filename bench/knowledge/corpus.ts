// Text without end, the same for the same seed: invented words whose frequencies fall as those of a language do (Zipf),
// common English words between them, endings that a stemmer must see through, and a topic for each document.

/** mulberry32: small, fast, the same everywhere. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const ONSETS = 'b br c ch d dr f fl g gr h j k l m n p pl pr qu r s st t tr v w z'.split(' ');
const VOWELS = 'a e i o u ea ou io'.split(' ');
const CODAS = ['', 'n', 'r', 's', 't', 'l', 'm', 'nd', 'rt', 'st'];
const COMMON =
  'the of and to a in is that it was for on are as with his they be at one have this from or had by not but what some we can out other were all there when up use your how said an each she which do their time if will way about many then them would like so these her'.split(
    ' ',
  );
const ENDINGS = ['', '', '', '', 's', 'ing', 'ed'];
const QUESTION_WORDS = 'how do i what is the why does when can we where should which of in to for with my a'.split(' ');

const VOCABULARY = 200_000;
const COMMON_PART = 0.45;
const TOPIC_PART = 0.2;
const TOPIC_WORDS = 12;
const LENGTH = 495;

export class Corpus {
  readonly #words: readonly string[];
  readonly #random: () => number;

  constructor(seed: number) {
    // The vocabulary is the same for every seed: only what is written differs.
    this.#words = vocabulary(seededRandom(7));
    this.#random = seededRandom(seed);
  }

  random(): number {
    return this.#random();
  }

  topic(): readonly string[] {
    return Array.from({ length: TOPIC_WORDS }, () => this.#anyWord());
  }

  title(topic: readonly string[]): string {
    return topic.slice(0, 3).join(' ');
  }

  /** About 500 characters. */
  passage(topic: readonly string[]): string {
    let text = '';
    for (let count = 0; text.length < LENGTH; count += 1) {
      const kind = this.#random();
      const word =
        kind < COMMON_PART
          ? (COMMON[Math.floor(this.#random() ** 2.2 * COMMON.length)] ?? '')
          : (kind < COMMON_PART + TOPIC_PART ? this.#of(topic) : this.#anyWord()) + this.#of(ENDINGS);
      text += count === 0 ? word : `${count % 13 === 0 ? '. ' : ' '}${word}`;
    }
    return `${text}.`;
  }

  /** 5 to 15 words, as somebody would ask who has read the passage: a third to a half of them say something. */
  question(passage: string): string {
    const length = 5 + Math.floor(this.#random() * 11);
    const common = new Set(COMMON);
    const telling = passage.match(/[a-z]+/g)?.filter((word) => !common.has(word)) ?? [];
    return Array.from({ length }, (_, index) =>
      index > 0 && this.#random() < 0.45 ? this.#of(telling) : this.#of(QUESTION_WORDS),
    )
      .concat(this.#of(telling))
      .join(' ');
  }

  #of(words: readonly string[]): string {
    return words[Math.floor(this.#random() * words.length)] ?? '';
  }

  #anyWord(): string {
    const rank = Math.exp(this.#random() * Math.log((VOCABULARY + 60) / 60)) * 60 - 60;
    return this.#words[Math.min(VOCABULARY - 1, Math.floor(rank))] ?? '';
  }
}

function vocabulary(random: () => number): string[] {
  const of = (parts: readonly string[]): string => parts[Math.floor(random() * parts.length)] ?? '';
  const known = new Set(COMMON);
  const words: string[] = [];
  while (words.length < VOCABULARY) {
    const syllables = 1 + Math.floor(random() * 3) + (words.length > 2_000 ? 1 : 0);
    const word = Array.from({ length: syllables }, () => of(ONSETS) + of(VOWELS) + of(CODAS)).join('');
    if (known.has(word)) continue;
    known.add(word);
    words.push(word);
  }
  return words;
}
