// Which language a text is written in: by its script where that says it, else by the small words every sentence has.
// A guess for rules, not linguistics: short or mixed texts are undecided, and that is an answer too.

import type { Language } from '../../config/routing.ts';

/** Enough for a sentence or two to decide. */
const EXAMINED_LENGTH_MAX = 2_000;
/** So many hits more than the second best has. */
const LEAD_MIN = 1;
const HITS_MIN = 1;

type LatinLanguage = Extract<
  Language,
  'cs' | 'da' | 'de' | 'en' | 'es' | 'fi' | 'fr' | 'it' | 'nl' | 'pl' | 'pt' | 'sv' | 'tr'
>;

/** The most frequent words that are rare in the neighbours' languages. */
const SMALL_WORDS: Readonly<Record<LatinLanguage, string>> = {
  cs: 'je se na že jak co jsem jsou není nebo pro který která které jaký jaké proč kde kdy aby byl být mi mě tento tuto',
  da: 'og jeg det er ikke på til af hvad hvordan hvorfor hvilken kan du skriv et med som har fra mig den der være dansk',
  de: 'der die das und ist nicht ein eine einen einem ich du wir mit für auf wie was warum welche welcher von zu den dem des sind kann bitte wird im als auch mir wann wurde wer wo',
  en: 'the and is are of to what how why which you it that this for with in on a an my me i can do does please be not from who when where write',
  es: 'el la los las y es no un una que qué de del en por para con cómo cuál cuáles quién dónde me mi está son al se lo su escribe como más tengo hay cuándo',
  fi: 'ja on ei mikä miten miksi että se olen ovat kuinka minun voit mitä tämä joka ovatko kirjoita missä milloin kuin',
  fr: 'le la les et est ne pas un une des du de que qui quoi quel quelle comment pourquoi pour avec dans sur je tu vous nous ce cette sont au en mon moi quels quelles où suis quand',
  it: 'il lo la gli le e è non un una di del della che chi come perché qual quale quali per con nel mi sono questo questa dei in da scrivi si al i',
  nl: 'de het een en is niet ik je wij van wat hoe waarom welke met voor op zijn kan kun dit dat er naar te aan bij schrijf mij waar deze',
  pl: 'i w się nie jest na co jak do że czy dlaczego który która które jaki jaka jakie proszę z to mi są dla od oraz napisz gdzie',
  pt: 'o os as e é não um uma de do da dos das que em no na por para com como qual quais quem onde você me meu minha são isso está ao escreva mais',
  sv: 'och jag det är inte på till av vad hur varför vilken kan du skriv ett med som har från mig den att en för hej',
  tr: 've bir bu ne nasıl neden mi mı mu için ile değil var çok olarak hangi bana lütfen yaz nedir kim gibi daha de da',
};

/** Letters that only this language has, or hardly any other. */
const OWN_LETTERS: Readonly<Record<LatinLanguage, RegExp | undefined>> = {
  cs: /[ěřů]/g,
  da: /[æø]/g,
  de: /[ßäü]/g,
  en: undefined,
  es: /[ñ¿¡]/g,
  fi: undefined,
  fr: /[çœèêàùû]/g,
  it: /[ìòà]/g,
  nl: /ij/g,
  pl: /[ąęłśżź]/g,
  pt: /[ãõç]/g,
  sv: /[åä]/g,
  tr: /[ğışç]/g,
};

const LATIN = Object.entries(SMALL_WORDS).map(([language, words]) => ({
  language: language as LatinLanguage,
  words: new Set(words.split(' ')),
  letters: OWN_LETTERS[language as LatinLanguage],
}));

/** In this order: Japanese also has Chinese characters, Persian all Arabic ones. */
const SCRIPTS: readonly (readonly [RegExp, (text: string) => Language])[] = [
  [/[\p{Script=Hiragana}\p{Script=Katakana}]/gu, () => 'ja'],
  [/\p{Script=Hangul}/gu, () => 'ko'],
  [/\p{Script=Han}/gu, () => 'zh'],
  [/\p{Script=Arabic}/gu, (text) => (/[پچژگ]/.test(text) ? 'fa' : 'ar')],
  [/\p{Script=Cyrillic}/gu, (text) => (/[іїєґ]/i.test(text) ? 'uk' : 'ru')],
  [/\p{Script=Hebrew}/gu, () => 'he'],
  [/\p{Script=Greek}/gu, () => 'el'],
  [/\p{Script=Devanagari}/gu, () => 'hi'],
  [/\p{Script=Thai}/gu, () => 'th'],
];
/** Of all letters; one character of these scripts says more than one Latin letter. */
const SCRIPT_SHARE_MIN = 0.2;

/** Undefined when nothing decides. */
export function guessLanguage(text: string): Language | undefined {
  const examined = text.slice(0, EXAMINED_LENGTH_MAX);
  const letters = examined.match(/\p{L}/gu)?.length ?? 0;
  for (const [script, name] of SCRIPTS) {
    const found = examined.match(script)?.length ?? 0;
    if (found > 0 && found >= letters * SCRIPT_SHARE_MIN) return name(examined);
  }
  return guessLatin(examined.toLowerCase());
}

function guessLatin(text: string): Language | undefined {
  const words = text.match(/\p{L}+/gu) ?? [];
  const hits = LATIN.map(({ language, words: small, letters }) => ({
    language,
    hits: words.filter((word) => small.has(word)).length + (letters ? (text.match(letters)?.length ?? 0) : 0),
  })).sort((left, right) => right.hits - left.hits);
  const [best, second] = hits;
  if (!best || best.hits < HITS_MIN || best.hits - (second?.hits ?? 0) < LEAD_MIN) return undefined;
  return best.language;
}
