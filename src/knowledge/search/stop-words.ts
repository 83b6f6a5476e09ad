// Words that say nothing about what a question is about. Only those of the language that the question seems to be
// written in are left out: "die" is an article in German and a verb in English.

const STOP_WORDS: readonly ReadonlySet<string>[] = [
  'a about above after again all also am an and any are as at be because been before being below between both but by can could did do does doing down during each few for from further had has have having he her here hers him his how i if in into is it its just me more most my no nor not now of off on once only or other our out over own please same she should so some such tell than that the their them then there these they this those through to too under until up very was we were what when where which while who whom why will with would you your',
  'aber als am an auch auf aus bei bin bis bist da dann das dass dein dem den der des dich die dies diese dieser du durch ein eine einem einen einer eines er es euer für hat hatte ich ihr im in ist ja kann kein keine man mein mich mir mit muss nach nicht noch nun nur ob oder sehr sein seine sich sie sind so soll um und uns unser vom von vor wann war warum was weil welche welcher wenn wer werden wie wir wird wo zu zum zur über',
  'à au aux avec c ce ces cette d dans de des du elle en est et eu il ils j je l la le les leur lui m ma mais me mes moi mon n ne nos notre nous on ou où par pas plus pour qu quand que quel quelle qui s sa se ses son sont sur t ta te tes toi ton tu un une vos votre vous y été être comment pourquoi',
  'a al como con cuál cuándo de del donde dónde e el ella ellos en entre era es esa ese esta este está fue ha hay la las le lo los me mi muy más ni no nos o para pero por porque que qué quien quién se ser si sin sobre son su sus también te tu un una uno y ya yo cómo',
  'a ai al alla anche che chi ci come con cosa da dal dalla dei del della delle di dove e ed era gli ha ho i il in io è la le lo ma mi nel nella no noi non o per perché più quale quando questa questo se si sono su sul sulla ti tra tu un una uno vi',
  'a ao aos as com como da das de do dos e ela ele em entre era essa esse esta este está eu foi há isso isto já mais mas me meu minha na nas no nos não nós o onde os ou para pela pelo por porque qual quando que quem se sem ser seu sua são também te um uma você à é',
  'aan als bij dan dat de den der deze die dit doch door dus een en er geen had heb hebben heeft het hij hoe hun ik in is ja je kan kunnen maar me meer men met mijn naar niet nog nu of om onder ons ook op over te tot u uit van veel voor waar waarom was wat we wel werd wie wij wil word worden zal ze zich zij zijn zo',
].map((words) => new Set(words.split(' ')));

/** @returns the words that say something; all, when none does */
export function withoutStopWords(words: readonly string[]): readonly string[] {
  const counts = STOP_WORDS.map((known) => words.filter((word) => known.has(word)).length);
  const language = STOP_WORDS[counts.indexOf(Math.max(...counts))];
  const rest = words.filter((word) => !language?.has(word));
  return rest.length > 0 ? rest : words;
}
