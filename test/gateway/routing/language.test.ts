import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LANGUAGES, type Language } from '../../../src/config/routing.ts';
import { guessLanguage } from '../../../src/gateway/routing/language.ts';

const SENTENCES: Readonly<Record<Language, readonly string[]>> = {
  ar: ['اكتب لي رسالة قصيرة إلى صديقي.', 'ما هي عاصمة فرنسا؟'],
  cs: ['Jak se dostanu na nádraží a kde je nejbližší zastávka?', 'Napiš mi krátký dopis, který není příliš formální.'],
  da: ['Hvordan kommer jeg til stationen, og hvad koster det?', 'Skriv en kort besked til min søster.'],
  de: ['Wie komme ich am schnellsten zum Bahnhof?', 'Schreib bitte eine kurze Nachricht an meinen Chef.'],
  el: ['Πού είναι ο σταθμός;', 'Γράψε ένα σύντομο γράμμα.'],
  en: ['How do I get to the station from here?', 'Please write a short note to my boss.'],
  es: ['¿Cómo llego a la estación desde aquí?', 'Escribe una nota breve para mi jefe, por favor.'],
  fa: ['لطفاً یک پیام کوتاه برای دوستم بنویس، چگونه؟', 'پایتخت فرانسه چیست؟'],
  fi: ['Miten pääsen asemalle ja mitä se maksaa?', 'Kirjoita minulle lyhyt viesti, joka ei ole liian virallinen.'],
  fr: ['Comment est-ce que je vais à la gare ?', 'Écris une note courte pour mon chef, je te prie.'],
  he: ['איך מגיעים לתחנה?', 'כתוב לי הודעה קצרה.'],
  hi: ['स्टेशन कैसे पहुँचूँ?', 'एक छोटा संदेश लिखो।'],
  it: ['Come arrivo alla stazione da qui? Non so dove è.', 'Scrivi una breve nota per il mio capo.'],
  ja: ['駅へはどう行けばいいですか？', '短いメッセージを書いてください。'],
  ko: ['역까지 어떻게 가나요?', '짧은 메모를 써 주세요.'],
  nl: ['Hoe kom ik van hier naar het station?', 'Schrijf een korte notitie aan mijn baas.'],
  pl: ['Jak dojść na dworzec i czy to jest daleko?', 'Napisz krótką wiadomość do mojego szefa, proszę.'],
  pt: ['Como eu chego à estação? Não sei onde ela está.', 'Escreva uma nota curta para o meu chefe, por favor.'],
  ru: ['Как пройти на вокзал?', 'Напиши короткое сообщение начальнику.'],
  sv: ['Hur kommer jag till stationen och vad kostar det?', 'Skriv ett kort meddelande till min syster.'],
  th: ['ไปสถานีรถไฟอย่างไร', 'เขียนข้อความสั้น ๆ'],
  tr: ['İstasyona nasıl giderim ve ne kadar sürer?', 'Lütfen patronuma kısa bir not yaz.'],
  uk: ['Як пройти на вокзал і скільки це коштує?', 'Напиши коротке повідомлення її братові.'],
  zh: ['请问去火车站怎么走？', '写一封短信给我的老板。'],
};

for (const language of LANGUAGES) {
  test(`${language} is told from the others`, () => {
    assert.deepEqual(SENTENCES[language].map(guessLanguage), [language, language]);
  });
}

test('a text in another script with a few Latin names keeps its language', () => {
  assert.equal(guessLanguage('Kubernetes と Docker の違いを説明してください。'), 'ja');
  assert.equal(guessLanguage('Чем React отличается от Vue.js?'), 'ru');
});

test('what decides nothing is undecided', () => {
  for (const text of ['', '42', 'OK', 'console.log(x)', '🙂🙂', 'Photosynthesis']) {
    assert.equal(guessLanguage(text), undefined, text);
  }
});
