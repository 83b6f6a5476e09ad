import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChatRequest, Message, Part } from '../../src/model/chat.ts';
import { ResponseCollector } from '../../src/model/collect.ts';
import type { Frame } from '../../src/model/stream.ts';
import { answerExtractively, extractiveFrames, type Passage } from '../../src/providers/extractive.ts';
import { sentencesOf, termsOf } from '../../src/providers/extractive-text.ts';

const NOTICE = 'No language model is reachable right now: these are quotations that match the question, not an answer.';
const HELP =
  'To get answers, set a provider key such as OPENAI_API_KEY, ANTHROPIC_API_KEY or GEMINI_API_KEY, start a local model server such as Ollama, or name one in the configuration; `flowmesh doctor` shows what is missing.';

const say = (role: Message['role'], ...parts: (string | Part)[]): Message => ({
  role,
  parts: parts.map((part) => (typeof part === 'string' ? { type: 'text', text: part } : part)),
});

const request = (messages: Message[], more: Partial<ChatRequest> = {}): ChatRequest => ({
  model: 'any',
  isStream: true,
  messages,
  tools: [],
  sampling: {},
  ...more,
});

const answer = (messages: Message[], material?: Passage[]): string =>
  answerExtractively(request(messages), material).text;

const PUMP =
  'The main pump runs at 3.5 bar. The valve is closed at night. Dr. Smith repaired the main pump in May. The roof is green.';

test('sentences that match the question are quoted, in their order, after a word of honesty', () => {
  assert.equal(
    answer([say('system', PUMP), say('user', 'Who repaired the main pump?')]),
    `${NOTICE}\n\n> The main pump runs at 3.5 bar.\n\n> Dr. Smith repaired the main pump in May.`,
  );
});

test('text pasted around the question is material, the question itself is not', () => {
  const expected = `${NOTICE}\n\n> The valve is closed at night.`;
  assert.equal(answer([say('user', `${PUMP}\n\nWhen is the valve closed?`)]), expected);
  assert.equal(answer([say('user', `When is the valve closed?\n\n${PUMP}`)]), expected);
});

test('a wish without a question mark is the shorter end of the message', () => {
  assert.equal(answer([say('user', `Tell me about the roof\n\n${PUMP}`)]), `${NOTICE}\n\n> The roof is green.`);
});

test('a sentence that stands twice is quoted once', () => {
  assert.equal(
    answer([say('system', 'The roof is green.'), say('user', 'THE ROOF IS GREEN.\nThe sky is blue.\nWhich roof?')]),
    `${NOTICE}\n\n> The roof is green.`,
  );
});

test('earlier messages, documents and tool results are material; failed tools and earlier notices are not', () => {
  const messages = [
    say('user', 'The north gate opens at six.'),
    say('assistant', `${NOTICE}\n\n> The gate opens never.`),
    say('assistant', { type: 'tool-call', id: 'c', name: 'gates', argumentsJson: '{}' }),
    say('tool', {
      type: 'tool-result',
      toolCallId: 'c',
      parts: [{ type: 'text', text: 'The south gate opens at seven.' }],
    }),
    say('tool', {
      type: 'tool-result',
      toolCallId: 'd',
      isError: true,
      parts: [{ type: 'text', text: 'The gate opens with an error.' }],
    }),
    say(
      'user',
      {
        type: 'media',
        kind: 'document',
        fileName: 'east.txt',
        source: { type: 'text', text: 'The east gate opens at eight.' },
      },
      'When opens the gate?',
    ),
  ];
  assert.equal(
    answer(messages),
    `${NOTICE}\n\n> The north gate opens at six.\n\n> The south gate opens at seven.\n\n> The east gate opens at eight. [1]\n\nSources:\n[1] east.txt`,
  );
});

test('passages from elsewhere are cited with their place in the answer', () => {
  const source = { title: 'Handbuch', url: 'https://example.org/h' };
  const { text, citations } = answerExtractively(request([say('user', 'Wann wurde die Pumpe gewartet?')]), [
    { text: 'Die Pumpe wurde im Mai gewartet. Das Dach ist grün.', source },
  ]);
  const quote = 'Die Pumpe wurde im Mai gewartet.';
  assert.equal(text, `${NOTICE}\n\n> ${quote} [1]\n\nSources:\n[1] Handbuch, https://example.org/h`);
  const start = text.indexOf(quote);
  assert.deepEqual(citations, [{ ...source, quote, start, end: start + quote.length }]);
});

test('passages of knowledge documents are numbered by their sources, and one without an address goes by its title', () => {
  const manual = { title: 'Manual › Pumps', url: 'flowmesh://knowledge/k/d1#0', documentId: 'd1' };
  const log = { title: 'Log', url: 'flowmesh://knowledge/k/d2#0', documentId: 'd2' };
  const { text, citations } = answerExtractively(request([say('user', 'Which pump leaks?')]), [
    { text: 'The first pump leaks.', source: manual },
    { text: 'A pump leaks in May.', source: log },
    { text: 'No pump leaks at night.', source: manual },
  ]);
  assert.equal(
    text,
    `${NOTICE}\n\n> The first pump leaks. [1]\n\n> A pump leaks in May. [2]\n\n> No pump leaks at night. [1]\n\nSources:\n[1] Manual › Pumps\n[2] Log`,
  );
  assert.deepEqual(
    citations?.map(({ passage, url }) => ({ ...passage, url })),
    [
      { number: 1, documentId: 'd1', url: manual.url },
      { number: 2, documentId: 'd2', url: log.url },
      { number: 1, documentId: 'd1', url: manual.url },
    ],
  );
});

test('scripts without spaces between words match too', () => {
  assert.equal(
    answer([say('system', '水泵的压力是三巴。阀门在夜间关闭。'), say('user', '水泵的压力是多少？')]),
    `${NOTICE}\n\n> 水泵的压力是三巴。`,
  );
});

test('accents, case and plurals do not hide a match', () => {
  assert.deepEqual(termsOf('Les CAFÉS, naïfs'), ['cafe', 'naif']);
  assert.deepEqual(termsOf('What is the of and'), []);
});

test('when nothing matches it says so and what to configure', () => {
  assert.equal(
    answer([say('system', PUMP), say('user', 'What is the capital of France?')]),
    `No language model is reachable right now, and nothing at hand matches the question. ${HELP}`,
  );
});

test('when there is no text at all it says so and what to configure', () => {
  const expected = `No language model is reachable right now, and there is no text at hand to quote from. ${HELP}`;
  assert.equal(answer([say('user', 'Hello')]), expected);
  assert.equal(answer([]), expected);
});

test('at most six sentences are quoted, each at most 500 characters long', () => {
  const many = Array.from({ length: 20 }, (_, index) => `Pump ${index} works.`).join('\n');
  assert.equal(answer([say('system', many), say('user', 'Which pump works?')]).split('\n\n> ').length - 1, 6);
  const long = `pump ${'x '.repeat(600)}`;
  const [, quote = ''] = answer([say('system', long), say('user', 'Which pump?')]).split('\n\n> ');
  assert.equal(quote.length, 501);
});

test('a JSON answer is a valid object', () => {
  const json = request([say('system', 'The "roof" is green.'), say('user', 'Which roof?')], {
    responseFormat: { type: 'json' },
  });
  assert.deepEqual(JSON.parse(answerExtractively(json).text), { answer: `${NOTICE}\n\n> The "roof" is green.` });
});

test('what only a model can do is refused: a JSON schema, a forced tool call', () => {
  const messages = [say('user', 'Hi')];
  const refuse = (more: Partial<ChatRequest>, param: string): void =>
    assert.throws(() => answerExtractively(request(messages, more)), { code: 'unsupported', param });
  refuse({ responseFormat: { type: 'json-schema', name: 's', schema: {} } }, 'response_format');
  refuse({ toolChoice: { type: 'required' } }, 'tool_choice');
  refuse({ toolChoice: { type: 'tool', name: 'x' } }, 'tool_choice');
});

test('sentences end at line breaks, not after abbreviations or inside numbers, and long lines stay whole in sum', () => {
  assert.deepEqual(sentencesOf('Dr. Smith left. It is 3.5 bar!\n- one\r\n- two'), [
    'Dr. Smith left.',
    'It is 3.5 bar!',
    '- one',
    '- two',
  ]);
  const line = 'word '.repeat(2_000).trim();
  assert.equal(sentencesOf(line).join(' '), line);
  assert.deepEqual(sentencesOf('It was in May. It leaked.'), ['It was in May.', 'It leaked.']);
});

async function streamed(chat: ChatRequest, material?: Passage[]): Promise<Frame[]> {
  const frames: Frame[] = [];
  for await (const read of extractiveFrames(chat, { id: 'abc', createdAt: 7 }, async () => material ?? []))
    frames.push(...read);
  return frames;
}

test('the stream tells the same answer in groups of words, with usage marked as an estimate', async () => {
  const chat = request([say('user', 'Which roof?')]);
  const material = [{ text: 'The roof is green.', source: { title: 'Notes' } }];
  const frames = await streamed(chat, material);
  const events = frames.flatMap((frame) => frame.events);
  assert.deepEqual(events[0], { type: 'response-start', id: 'abc', model: 'flowmesh/extractive', createdAt: 7 });
  assert.deepEqual(events[1], { type: 'text-delta', choice: 0, text: 'No language model is ' });
  assert.deepEqual(
    events.slice(-4).map(({ type }) => type),
    ['annotation-add', 'finish', 'usage', 'response-end'],
  );
  const collector = new ResponseCollector();
  for (const frame of frames) collector.add(frame);
  const response = collector.response();
  const { text, citations } = answerExtractively(chat, material);
  assert.deepEqual(response.choices, [
    {
      index: 0,
      parts: [{ type: 'text', text, annotations: citations }],
      finishReason: { unified: 'stop', raw: 'stop' },
    },
  ]);
  assert.equal(response.usage?.isEstimated, true);
  assert.equal(response.usage?.inputTokens, 3);
  assert.ok((response.usage?.outputTokens ?? 0) > 20);
});

test('the same request streams the same frames', async () => {
  const chat = request([say('system', PUMP), say('user', 'Which pump?')]);
  assert.deepEqual(await streamed(chat), await streamed(chat));
});

test('an output bound cuts the answer and says so', async () => {
  const chat = request([say('system', PUMP), say('user', 'Which pump?')], { sampling: { maxOutputTokens: 5 } });
  const events = (await streamed(chat)).flatMap((frame) => frame.events);
  const finish = events.find(({ type }) => type === 'finish');
  assert.deepEqual(finish, { type: 'finish', choice: 0, finishReason: { unified: 'length', raw: 'length' } });
  const usage = events.find(({ type }) => type === 'usage');
  assert.equal(usage?.type === 'usage' && usage.usage.outputTokens, 5);
});
