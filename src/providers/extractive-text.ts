// Texts cut into sentences and words, in any script, in time that grows with their length only.

/** Intl.Segmenter takes quadratic time on long texts; in pieces of this many UTF-16 units it is linear. */
const PIECE_LENGTH_MAX = 2_000;
/** Made when first used: with it come the languages of the world, a megabyte that most nodes never need. */
let segmenter: Intl.Segmenter | undefined;
/** "Dr.", "Fig.", "e.g.": the sentence goes on. */
const ENDS_WITH_ABBREVIATION =
  /(?:^|[\s(])(?:\p{Lu}|Dr|Prof|Mrs?|Ms|St|Fig|No|Nr|Hr|Fr|Mme|Sr|Sra|vs|ca|bzw|ggf|e\.g|i\.e|z\. ?B|d\. ?h|p\. ?ej)\.\s*$/u;

/** Line breaks end sentences too, as in lists and headings. Order is kept, white space is not. */
export function sentencesOf(text: string): string[] {
  return text.split(/\r\n|[\n\r\u2028\u2029]/).flatMap((line) => pieces(line).flatMap(sentencesOfPiece));
}

function pieces(line: string): string[] {
  const result: string[] = [];
  let start = 0;
  while (line.length - start > PIECE_LENGTH_MAX) {
    const space = line.lastIndexOf(' ', start + PIECE_LENGTH_MAX);
    const end = space > start ? space : start + PIECE_LENGTH_MAX;
    result.push(line.slice(start, end));
    start = end;
  }
  result.push(line.slice(start));
  return result;
}

function sentencesOfPiece(piece: string): string[] {
  const sentences: string[] = [];
  let open = '';
  segmenter ??= new Intl.Segmenter('en', { granularity: 'sentence' });
  for (const { segment } of segmenter.segment(piece)) {
    open += segment;
    if (ENDS_WITH_ABBREVIATION.test(open)) continue;
    sentences.push(open.trim());
    open = '';
  }
  sentences.push(open.trim());
  return sentences.filter((sentence) => sentence !== '');
}

const WORD = /[\p{L}\p{N}\p{M}]+/gu;
/** Scripts that put no spaces between words: pairs of neighbours stand in for words. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

/** What the text is about: folded words without stop words, with repetitions. */
export function termsOf(text: string): string[] {
  const words = text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().match(WORD) ?? [];
  return words.flatMap((word) => (UNSPACED.test(word) ? pairsOf(word) : STOP_WORDS.has(word) ? [] : [stemOf(word)]));
}

function pairsOf(word: string): string[] {
  const letters = [...word];
  if (letters.length === 1) return letters;
  return letters.slice(1).map((letter, index) => `${letters[index]}${letter}`);
}

/** Only the plural: more would be wrong in most languages. */
function stemOf(word: string): string {
  return word.length > 3 && word.endsWith('s') && !word.endsWith('ss') ? word.slice(0, -1) : word;
}

/** The commonest words of English, German, French, Spanish, Italian and Portuguese, without accents. */
const STOP_WORDS: ReadonlySet<string> = new Set(
  [
    'a about after all also an and any are as at be been before but by can could did do does for from had has have he her his how i if in into is it its just me my no not of on or our out please she should so some such than that the their them then there these they this to up was we were what when where which who whom why will with would you your tell explain describe give',
    'aber als am an auch auf aus bei bin bis da das dass dem den der des die dies diese dieser doch du durch ein eine einem einen einer er es fur hat hatte ich ihr im in ist ja kann kein keine man mein mich mir mit nach nicht noch nur oder sein sich sie sind so und uns unter vom von vor war was wann wer wie wir wird wo zu zum zur warum welche welcher welches',
    'au aux avec ce ces cette comme dans de des donc du elle elles en est et etait etre il ils je la le les leur lui ma mais me mes mon ne nos notre nous on ou par pas plus pour qu que quel quelle qui sa sans se ses son sont sur ta te tu un une vos votre vous pourquoi comment quand',
    'al como con cual cuando de del donde el ella ellos en era es esta este esto ha hay la las lo los mas me mi muy no nos o para pero por porque que quien se ser si sin sobre su sus te tu un una y yo',
    'alla anche che chi come con da dal dei del della delle di dove e gli ha ho il io la le lo ma nel nella non per perche piu quale quando questo sono su tra una uno ao aos com da das do dos em essa esse eu foi isso mais meu na nas nos num os ou pela pelo qual quem sao seu sua tem uma voce',
  ].flatMap((words) => words.split(' ')),
);
