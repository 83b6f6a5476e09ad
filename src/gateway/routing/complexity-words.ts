// The words by which complexity.ts tells tasks that need thought from those that do not. Lower case; `*` at the end
// stands for any ending. Languages stand together, one a line, so that a new one is one line in each list.

/** Reasoning is what is asked for. */
export const REASONING_WORDS: readonly string[] = [
  ...words(
    'prove, proof, derive, derivation, step by step, step-by-step, root cause, trade-off*, tradeoff*, rigorous*',
  ),
  ...words(
    'debug*, refactor*, optimiz*, optimise*, optimisation*, architect*, design a, design an, design the, deadlock*, race condition, reverse engineer',
  ),
  ...words(
    'memory leak*, induction, counterexample*, np-hard, np-complete, time complexity, critically, in depth, in-depth',
  ),
  ...words(
    'evaluate whether, work out, figure out why, all steps, every step, each step, show your work, show your reasoning, diagnose, threat model*, migration plan, feasib*, hypothes*',
  ),
  ...words(
    'beweis*, leite *, herleit*, schritt für schritt, ursache, abwäg*, entwirf*, entwerf*, optimier*, vor- und nachteile, fehlersuche, begründe*, analysier*',
  ),
  ...words(
    'démontr*, prouve*, étape par étape, cause profonde, compromis, conçoi*, concev*, optimis*, avantages et inconvénients, justifi*, analyse en détail',
  ),
  ...words(
    'demuestra*, demostrar, demostra*, paso a paso, causa raíz, diseña*, optimiza*, ventajas y desventajas, justifica*, analiza*',
  ),
  ...words(
    'dimostra*, passo dopo passo, passo passo, progetta*, ottimizza*, vantaggi e svantaggi, giustifica*, analizza*',
  ),
  ...words(
    'demonstre*, prove que, passo a passo, causa raiz, projete*, otimiz*, vantagens e desvantagens, justifique*, analise*',
  ),
  ...words('bewijs*, stap voor stap, oorzaak, ontwerp*, optimaliseer*, voor- en nadelen, onderbouw*, analyseer*'),
  ...words(
    'докаж*, доказ*, пошагово, шаг за шагом, первопричин*, спроектир*, разработай архитектур*, оптимизир*, плюсы и минусы, обоснуй*, проанализир*',
  ),
  ...words('证明, 推导, 一步一步, 逐步, 根本原因, 权衡, 设计一, 优化, 优缺点, 论证, 分析, 調試, 调试, 重构'),
  ...words(
    '証明, 導出, 段階的に, ステップごと, 根本原因, トレードオフ, 設計して, 設計し, 最適化, 長所と短所, 分析, デバッグ, リファクタ',
  ),
  ...words('증명, 유도하, 단계별, 근본 원인, 트레이드오프, 설계해, 설계하, 최적화, 장단점, 분석, 디버깅, 리팩터링'),
  ...words('أثبت, برهن, استنتج, خطوة بخطوة, السبب الجذري, المفاضلة, صمم, حسّن, تحسين أداء, إيجابيات وسلبيات, حلل, برّر'),
];

/** More than recalling, less than reasoning. */
export const THOUGHT_WORDS: readonly string[] = [
  ...words(
    'why does, why is, why do, find out why, how would you, explain*, propose, interpret*, determine, reconstruct*, calculate, compute, decide whether, compare*, comparison, contrast, solve, develop a, build a, parser, compiler, implement*, algorithm*, strateg*',
  ),
  ...words(
    'evaluate, analy*, assess*, examine, weigh, weighing, plan, roadmap, show that, demonstrate, correctness, running time, estimate, constraint*, edge case*, scalab*, perspectives, semantics, policy, restructure, rewrite it, concurren*, distributed, thread-safe',
  ),
  ...words(
    'pros and cons, advantages and disadvantages, implications, justify, recommend*, investigate, prioriti*, modernise, modernize, tests, unit test*, operator, protocol, schema, framework, experiment, risk*, bug, essay, argue*, consequences',
  ),
  ...words(
    'warum, berechne*, bestimme*, interpretier*, schlage, vergleich*, untersuch*, ursachen, entwickle, maßnahmen*, zeige*, risik*, erkläre, implementier*, algorithm*, strategie*, bewert*, plane, empfiehl*, fehler in, konzept',
  ),
  ...words(
    'pourquoi, calcule*, détermine*, interprète*, propose*, plan de, compar*, examine*, développe, montre que, risque*, dissertation, explique*, implément*, algorithme*, stratégi*, évalu*, planifi*, recommand*, analys*',
  ),
  ...words(
    'por qué, calcula*, determina*, interpreta*, compara*, investiga*, desarrolla*, muestra que, riesgo*, propón, propone, explica*, implementa*, algoritmo*, estrategia*, evalúa*, planifica*, recomienda*',
  ),
  ...words(
    'perché, calcola*, determina*, interpreta*, confronta*, indaga*, sviluppa*, mostra che, rischi*, proponi, spiega*, implementa*, algoritmo*, strategia*, valuta*, pianifica*, consiglia*',
  ),
  ...words(
    'por que, calcule*, determine*, interprete*, compare*, investigue*, desenvolva*, mostre que, risco*, proponha, explique*, implemente*, algoritmo*, estratégia*, avalie*, planeje*, recomende*',
  ),
  ...words(
    'waarom, bereken*, bepaal*, interpreteer*, stel voor, vergelijk*, onderzoek*, ontwikkel*, toon aan, risico*, leg uit, implementeer*, algoritme*, strategie*, beoordeel*, plan, beveel',
  ),
  ...words(
    'почему, вычисли*, рассчитай*, определи*, интерпретир*, сравни*, исследу*, разработ*, покажи, риск*, предложи*, объясни*, реализу*, алгоритм*, стратеги*, оцени*, план, порекоменду*',
  ),
  ...words('为什么, 计算, 确定, 解读, 比较, 调查, 实验, 风险, 开发, 解释, 实现, 算法, 策略, 评估, 计划, 建议'),
  ...words('なぜ, 計算, 求めて, 解釈, 比較, 検証, 提案, リスク, 開発, 説明, 実装, アルゴリズム, 戦略, 評価, 計画'),
  ...words('왜, 계산, 구하, 해석, 비교, 조사, 제안, 위험, 개발, 설명, 구현, 알고리즘, 전략, 평가, 계획'),
  ...words('لماذا, احسب, حدد, فسّر, قارن, ابحث, اقترح, مخاطر, طوّر, اشرح, نفّذ, خوارزمية, استراتيجية, قيّم, خطة'),
];

/** Recalling, rewording, sorting. */
export const PLAIN_WORDS: readonly string[] = [
  ...words(
    'translate, translation, what is the capital, who is, who was, who wrote, when was, when did, where is, define, definition of, synonym*, antonym*',
  ),
  ...words(
    'spell, rhyme*, correct the grammar, fix the grammar, fix the spelling, proofread, rephrase, paraphrase, summarize, summarise, tl;dr, one sentence, one word',
  ),
  ...words(
    'hello, hi, hey, thanks, thank you, good morning, convert, classify, yes or no, extract the, list three, list 3, list five, list 5, name three, name a, joke, haiku, tagline',
  ),
  ...words(
    'uppercase, lowercase, capitalize, what time, what day, how many days, how do you say, sentiment, positive or negative, what color, what colour',
  ),
  ...words(
    'übersetz*, hauptstadt, wer ist, wer war, wer hat, wann war, wo liegt, synonym*, hallo, danke, fasse, ein satz, einem satz, nenne, witz',
  ),
  ...words(
    'tradui*, capitale, qui est, qui a, quand, où se trouve, synonyme*, bonjour, merci, résume*, une phrase, cite, citez, blague',
  ),
  ...words(
    'traduce*, traducir, capital de, quién es, quién escribió, cuándo, dónde, sinónimo*, hola, gracias, resume, una frase, nombra, chiste',
  ),
  ...words(
    'traduci*, capitale, chi è, chi ha, quando, dove, sinonim*, ciao, grazie, riassumi*, una frase, elenca, barzelletta',
  ),
  ...words(
    'traduza*, capital do, capital da, quem é, quem foi, quem escreveu, quando, onde fica, sinônimo*, olá, obrigad*, resuma*, uma frase, piada',
  ),
  ...words(
    'vertaal*, hoofdstad, wie is, wie was, wanneer, waar ligt, synoniem*, hallo, bedankt, vat samen, één zin, noem, grap',
  ),
  ...words(
    'переведи*, столица, кто такой, кто написал, когда, где находится, синоним*, привет, спасибо, кратко, одним предложением, назови, шутк*',
  ),
  ...words('翻译, 翻譯, 首都, 是谁, 谁写, 什么时候, 在哪里, 同义词, 你好, 谢谢, 总结, 一句话, 笑话'),
  ...words('翻訳, 訳して, 首都, 誰です, 誰が, いつ, どこ, 同義語, こんにちは, ありがとう, 要約, 一文で, 冗談'),
  ...words('번역, 수도, 누구, 언제, 어디, 동의어, 안녕, 감사, 요약, 한 문장, 농담'),
  ...words('ترجم, عاصمة, من هو, من كتب, متى, أين, مرادف, مرحبا, شكرا, لخص, جملة واحدة, نكتة'),
];

/** One thing after the other. */
export const SEQUENCE_WORDS: readonly string[] = [
  ...words('first, then, after that, afterwards, next, finally, second, third, lastly, in addition, as well as'),
  ...words('zuerst, dann, danach, anschließend, schließlich, zweitens, drittens, außerdem'),
  ...words(
    "d'abord, ensuite, puis, enfin, deuxièmement, primero, luego, después, finalmente, además, prima, poi, infine, inoltre",
  ),
  ...words(
    'primeiro, depois, em seguida, por fim, eerst, daarna, vervolgens, ten slotte, сначала, затем, потом, наконец, кроме того',
  ),
  ...words(
    '首先, 然后, 接着, 最后, 此外, まず, 次に, 最後に, さらに, 먼저, 그다음, 다음으로, 마지막으로, أولا, ثم, بعد ذلك, وأخيرا',
  ),
];

function words(list: string): string[] {
  return list.split(', ');
}
