import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KNOWLEDGE_DEFAULTS } from '../../src/config/knowledge.ts';
import { dialects } from '../../src/dialects/registry.ts';
import { handle, type PipelineDeps } from '../../src/gateway/pipeline.ts';
import type { DialectName } from '../../src/model/chat.ts';
import type { ModelFacts } from '../../src/tenancy/price.ts';
import { ANONYMOUS, type Principal } from '../../src/tenancy/principal.ts';
import { streamed, whole } from '../support/chat-wire.ts';
import { type FakeAnswer, settled } from '../support/fake-http.ts';
import type { PartialConfig } from '../support/node.ts';
import { ScriptedKnowledge } from '../support/scripted-knowledge.ts';
import { chatRequest, failureOf, framesOf, type TestContext, TestGateway, TWO_TARGETS } from './support.ts';

const PUMP = 'The warranty of the pump lasts three years.';
const QUESTION = 'How long does the warranty of the pump last?';
const CHAIN_KNOWLEDGE = { collections: ['manuals'], topK: 3, maxTokens: 500, minScore: 0, required: false };
const PLAIN: PartialConfig = { ...TWO_TARGETS, chains: { main: ['a/one'] } };
const WITH_KNOWLEDGE: PartialConfig = {
  ...TWO_TARGETS,
  chains: { main: { targets: ['a/one'], knowledge: CHAIN_KNOWLEDGE } },
};
const MESSAGES = [{ role: 'user', content: QUESTION }];

interface Options {
  readonly config?: PartialConfig;
  readonly reply?: FakeAnswer;
  readonly principal?: Principal;
  readonly header?: string;
  readonly facts?: PipelineDeps['facts'];
  readonly dialect?: DialectName;
}

class Bench {
  readonly knowledge = new ScriptedKnowledge();
  readonly gateway: TestGateway;
  readonly context: TestContext;
  readonly #options: Options;
  readonly #deps: PipelineDeps;

  constructor(options: Options = {}) {
    this.#options = options;
    this.gateway = new TestGateway(options.config ?? PLAIN, options.reply ?? streamed('Hi'));
    const { principal = ANONYMOUS, header: knowledgeHeader } = options;
    this.context = Object.assign(this.gateway.context(), { principal, knowledgeHeader });
    this.#deps = {
      ...this.gateway.deps,
      knowledge: this.knowledge,
      knowledgeConfig: () => KNOWLEDGE_DEFAULTS,
      ...(options.facts && { facts: options.facts }),
    };
  }

  get trace() {
    return this.context.trace.knowledge;
  }

  async ask(body: object = {}) {
    const { dialect = 'openai-chat' } = this.#options;
    const request = chatRequest({ messages: MESSAGES, ...body }, dialect);
    const frames = await framesOf(await handle(request, this.context, this.#deps));
    const renderer = dialects[dialect].client.streamRenderer(request, { id: 'own', createdAt: 1 });
    return { frames, shown: frames.map((frame) => renderer.render(frame)).join('') };
  }

  /** Bodies that upstreams were sent. */
  get sent(): any[] {
    return this.gateway.http.calls.map(({ request }) => JSON.parse(String(request.body)));
  }

  get lastText(): string {
    return this.sent.at(-1).messages.at(-1).content;
  }
}

test('a request without a wish for knowledge goes as its client wrote it, and nothing is searched', async () => {
  const bench = new Bench();
  await bench.knowledge.add(PUMP);
  await bench.ask();
  assert.equal(bench.lastText, QUESTION);
  assert.deepEqual(bench.knowledge.searches, []);
  assert.equal(bench.trace, undefined);
});

test('the passages count in the prompt of a second attempt that was given up', async () => {
  const chain = { targets: ['a/one', 'b/two'], hedge: { afterMs: 1_000, budgetPercent: 100 } };
  const bench = new Bench({ config: { ...TWO_TARGETS, chains: { main: { ...chain, knowledge: CHAIN_KNOWLEDGE } } } });
  await bench.knowledge.add(`${PUMP} ${'It is long. '.repeat(100)}`);
  const { gateway } = bench;
  gateway.http.script = ({ url }) => (url.includes('//a.') ? 'hang' : streamed('Hi'));
  const asked = bench.ask();
  await gateway.advance(1_000);
  await asked;
  const given = gateway.entries().find(({ operation }) => operation === 'hedge');
  assert.ok(Number(given?.input_tokens) > 300, `${given?.input_tokens} tokens`);
});

test('a request that asks gets passages in front of its last question, and the field stays here', async () => {
  const bench = new Bench();
  const documentId = await bench.knowledge.add(PUMP, { title: 'Pump manual' });
  await bench.ask({ knowledge: { collections: ['manuals'], topK: 2, maxTokens: 400 }, seed: 7 });
  const [body] = bench.sent;
  assert.equal(body.knowledge, undefined);
  assert.equal(body.seed, 7);
  assert.match(
    bench.lastText,
    /^<knowledge-\w+>\n[\s\S]*title="Pump manual"[\s\S]*three years\.\n<\/passage-\w+>\n<\/knowledge-\w+>\n\nHow long/,
  );
  assert.ok(bench.lastText.endsWith(`\n\n${QUESTION}`));
  assert.deepEqual(bench.knowledge.searches, [
    { tenant: 'default', collections: ['manuals'], query: QUESTION, topK: 4 },
  ]);
  const { tokens, durationMs, ...trace } = bench.trace ?? {};
  assert.deepEqual(trace, {
    outcome: 'used',
    passageCount: 1,
    citedCount: 0,
    documentIds: [documentId],
    passageHashes: (trace as any).passageHashes,
  });
  assert.equal(trace.passageHashes?.length, 1);
  assert.ok((tokens ?? 0) > 50 && (tokens ?? 0) <= 400);
  assert.equal(durationMs, 0);
});

test('a chain gives its requests passages, and a request may refuse them', async () => {
  const bench = new Bench({ config: WITH_KNOWLEDGE });
  await bench.knowledge.add(PUMP);
  await bench.ask();
  assert.match(bench.lastText, /three years/);
  await bench.ask({ knowledge: false });
  assert.equal(bench.lastText, QUESTION);
  assert.equal(bench.sent[1].knowledge, undefined);
});

test('a header names collections, or none', async () => {
  const asked = new Bench({ header: 'manuals, other' });
  await asked.knowledge.add(PUMP);
  await asked.ask();
  assert.match(asked.lastText, /three years/);
  assert.deepEqual(asked.knowledge.searches[0]?.collections, ['manuals', 'other']);
  const refused = new Bench({ config: WITH_KNOWLEDGE, header: 'none' });
  await refused.knowledge.add(PUMP);
  await refused.ask();
  assert.equal(refused.lastText, QUESTION);
});

test('a conversation stays as it was up to its last question, also while tools are called after it', async () => {
  const bench = new Bench({ config: WITH_KNOWLEDGE });
  await bench.knowledge.add(PUMP);
  const history = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Hello there, what can you tell me about things?' },
    { role: 'assistant', content: 'Much.' },
    ...MESSAGES,
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: 'c1', type: 'function', function: { name: 'look', arguments: '{}' } }],
    },
    { role: 'tool', tool_call_id: 'c1', content: 'Nothing.' },
  ];
  await bench.ask({ messages: history.slice(0, 4) });
  await bench.ask({ messages: history });
  const [first, second] = bench.sent;
  assert.deepEqual(first.messages.slice(0, 3), history.slice(0, 3));
  assert.match(first.messages[3].content, /three years/);
  assert.deepEqual(second.messages.slice(0, 4), first.messages);
  assert.deepEqual(second.messages.slice(4), history.slice(4));
});

test('the same question makes the same prompt', async () => {
  const bench = new Bench({ config: WITH_KNOWLEDGE });
  await bench.knowledge.add(PUMP);
  await bench.ask();
  await bench.ask();
  assert.equal(bench.sent[0].messages[0].content, bench.sent[1].messages[0].content);
});

test('where nothing is found the request goes as it came', async () => {
  const bench = new Bench({ config: WITH_KNOWLEDGE });
  await bench.knowledge.add('Roofs are green.');
  await bench.ask();
  assert.equal(bench.lastText, QUESTION);
  assert.equal(bench.trace?.outcome, 'empty');
});

test('a brain that fails, is slow or is not there never fails a request that can do without', async () => {
  const failing = new Bench({ config: WITH_KNOWLEDGE });
  failing.knowledge.trouble = new Error('broken');
  await failing.ask();
  assert.equal(failing.lastText, QUESTION);
  assert.equal(failing.trace?.outcome, 'unavailable');

  const slow = new Bench({ config: WITH_KNOWLEDGE });
  slow.knowledge.trouble = 'hang';
  const answer = slow.ask();
  await slow.gateway.advance(299);
  assert.equal(slow.sent.length, 0);
  await slow.gateway.advance(1);
  await answer;
  assert.equal(slow.lastText, QUESTION);
  assert.equal(slow.trace?.outcome, 'late');
  assert.equal(slow.trace?.durationMs, 300);

  const gateway = new TestGateway(WITH_KNOWLEDGE, streamed('Hi'));
  await gateway.text();
  assert.equal(gateway.http.calls.length, 1);
});

test('a request that requires knowledge fails when there is none to be had', async () => {
  const bench = new Bench();
  bench.knowledge.trouble = new Error('broken');
  const failure = await failureOf(bench.ask({ knowledge: { required: true } }));
  assert.equal(failure.code, 'unavailable');
  assert.equal(bench.sent.length, 0);
});

test('a client that leaves during the search ends the request', async () => {
  const bench = new Bench({ config: WITH_KNOWLEDGE });
  bench.knowledge.trouble = 'hang';
  const failure = failureOf(bench.ask());
  await settled();
  bench.context.leave();
  assert.equal((await failure).code, 'client_closed');
  assert.equal(bench.sent.length, 0);
});

test('fields of a wrong shape are refused by name', async () => {
  const refused = async (knowledge: unknown, param: string): Promise<void> => {
    const failure = await failureOf(new Bench().ask({ knowledge }));
    assert.deepEqual([failure.code, failure.param], ['bad_request', param]);
  };
  await refused('manuals', 'knowledge');
  await refused({ collections: [1] }, 'knowledge.collections');
  await refused({ topK: 0 }, 'knowledge.topK');
  await refused({ maxTokens: '5' }, 'knowledge.maxTokens');
  await refused({ minScore: 2 }, 'knowledge.minScore');
  await refused({ required: 1 }, 'knowledge.required');
});

const keyFor = (...collections: string[]): Principal => ({ ...ANONYMOUS, tenant: 'acme', scopes: { collections } });

test('a key asks for no collection beyond its own', async () => {
  const asked = async (principal: Principal, collections?: string[]): Promise<readonly string[] | string> => {
    const bench = new Bench({ principal });
    await bench.knowledge.add(PUMP, { tenant: 'acme', collection: 'public-a' });
    try {
      await bench.ask({ knowledge: { ...(collections && { collections }) } });
    } catch (error) {
      return (error as { code: string }).code;
    }
    assert.equal(bench.knowledge.searches[0]?.tenant, 'acme');
    return bench.knowledge.searches[0]?.collections ?? 'nothing';
  };
  assert.deepEqual(await asked(keyFor('public-*'), ['public-a']), ['public-a']);
  assert.deepEqual(await asked(keyFor('public-*'), ['public-a*']), ['public-a*']);
  assert.deepEqual(await asked(keyFor('public-*')), ['public-*']);
  assert.equal(await asked(keyFor('public-*'), ['secret']), 'forbidden');
  assert.equal(await asked(keyFor('public-*'), ['pub*']), 'forbidden');
  assert.equal(await asked(keyFor('public-*'), ['*']), 'forbidden');
  assert.equal(await asked(keyFor(), ['a']), 'forbidden');
  assert.equal(await asked(keyFor()), 'forbidden');
});

test('of a chain’s collections a key gets those that it may see, without a refusal', async () => {
  const searched = async (principal: Principal, collections: string[]): Promise<readonly string[] | undefined> => {
    const knowledge = { ...CHAIN_KNOWLEDGE, collections };
    const bench = new Bench({
      principal,
      config: { ...TWO_TARGETS, chains: { main: { targets: ['a/one'], knowledge } } },
    });
    await bench.ask();
    return bench.knowledge.searches[0]?.collections;
  };
  assert.deepEqual(await searched(keyFor('a', 'b'), ['a', 'c']), ['a']);
  assert.deepEqual(await searched(keyFor('docs-a'), ['docs-*']), ['docs-a']);
  assert.deepEqual(await searched(keyFor('docs-*'), ['docs-a*']), ['docs-a*']);
  assert.equal(await searched(keyFor('x'), ['a']), undefined);
  assert.deepEqual(await searched(ANONYMOUS, []), []);
  assert.deepEqual(await searched(keyFor('x'), []), ['x']);
});

test('tenants find their own documents only', async () => {
  const bench = new Bench({ principal: { ...ANONYMOUS, tenant: 'other' }, config: WITH_KNOWLEDGE });
  await bench.knowledge.add(PUMP, { tenant: 'acme' });
  await bench.ask();
  assert.equal(bench.lastText, QUESTION);
});

const context =
  (contextLength: number): PipelineDeps['facts'] =>
  () =>
    ({ contextLength, capabilities: [] }) as unknown as ModelFacts;

test('passages leave room for the conversation and its answer where the model’s context length is known', async () => {
  const config: PartialConfig = {
    ...TWO_TARGETS,
    chains: { main: { targets: ['a/one'], knowledge: { ...CHAIN_KNOWLEDGE, maxTokens: 5_000 } } },
  };
  const passagesSent = async (contextLength: number): Promise<number> => {
    const bench = new Bench({ config, facts: context(contextLength) });
    for (const name of ['north', 'south', 'east']) {
      await bench.knowledge.add(`The warranty of the pump in the ${name}. ${'It is what it is. '.repeat(60)}`);
    }
    await bench.ask({ max_tokens: 200 });
    assert.ok(bench.lastText.endsWith(QUESTION));
    return bench.lastText.split('number="').length - 1;
  };
  assert.equal(await passagesSent(100_000), 3);
  assert.equal(await passagesSent(1_500), 2);
  assert.equal(await passagesSent(400), 0);
});

test('a fallback with a shorter context gets fewer passages under the same numbers', async () => {
  const config: PartialConfig = {
    ...TWO_TARGETS,
    chains: { main: { targets: ['a/one', 'b/two'], knowledge: { ...CHAIN_KNOWLEDGE, maxTokens: 5_000 } } },
  };
  const facts: PipelineDeps['facts'] = (_provider, model) => context(model === 'one' ? 100_000 : 1_500)('', '', '');
  const bench = new Bench({ config, facts });
  bench.gateway.http.script = (_request, index) =>
    index === 0 ? { status: 500, chunks: ['{}'] } : streamed('It is so [1][3].');
  for (const name of ['north', 'south', 'east']) {
    await bench.knowledge.add(`The warranty of the pump in the ${name}. ${'It is what it is. '.repeat(60)}`);
  }
  const { shown } = await bench.ask({ max_tokens: 200 });
  const numbers = bench.sent.map((body) =>
    [...body.messages[0].content.matchAll(/number="(\d)"/g)].map(([, n]: any) => n),
  );
  assert.deepEqual(numbers, [
    ['1', '2', '3'],
    ['1', '2'],
  ]);
  // The third passage was not shown to this target, so its number cites nothing.
  assert.equal(bench.trace?.citedCount, 1);
  assert.equal(shown.split('start_index').length - 1, 1);
});

test('citations of a streamed answer come as annotations before its finish, with their places', async () => {
  const bench = new Bench({ config: WITH_KNOWLEDGE, reply: streamed('Three years ', '[', '1', '] and [9].') });
  const documentId = await bench.knowledge.add(PUMP, { title: 'Pump manual', source: 'https://example.org/pump' });
  const { shown } = await bench.ask();
  const chunks = shown
    .split('\n\n')
    .filter((line) => line.startsWith('data: {'))
    .map((line) => JSON.parse(line.slice(6)));
  const at = chunks.findIndex(({ choices }) => choices[0]?.delta.annotations);
  assert.deepEqual(chunks[at].choices[0].delta.annotations, [
    {
      index: 0,
      type: 'url_citation',
      url_citation: { url: 'https://example.org/pump', title: 'Pump manual', start_index: 12, end_index: 15 },
    },
  ]);
  assert.equal(chunks[at + 1].choices[0].finish_reason, 'stop');
  assert.equal(bench.trace?.citedCount, 1);
  assert.deepEqual(bench.trace?.documentIds, [documentId]);
});

test('a whole answer without a citation comes through byte for byte', async () => {
  const bench = new Bench({ config: WITH_KNOWLEDGE, reply: whole('I do not know.') });
  await bench.knowledge.add(PUMP);
  const { frames } = await bench.ask({ stream: false });
  assert.equal(frames[0]?.original?.isWhole, true);
});

test('answers with tools of the provider’s own stay as they came', async () => {
  const bench = new Bench({ config: WITH_KNOWLEDGE, reply: streamed('Three years [1].') });
  await bench.knowledge.add(PUMP);
  const { frames } = await bench.ask({ tools: [{ type: 'web_search_preview' }] });
  assert.ok(frames.every(({ original }) => original?.dialect === 'openai-chat'));
  assert.match(bench.lastText, /three years/);
});

test('an answer that must be JSON is not asked for citations, and its lists are none', async () => {
  const bench = new Bench({ config: WITH_KNOWLEDGE, reply: streamed('{"years": [1]}') });
  await bench.knowledge.add(PUMP);
  const { shown } = await bench.ask({ response_format: { type: 'json_object' } });
  assert.match(bench.lastText, /three years/);
  assert.doesNotMatch(bench.lastText, /Cite each passage/);
  assert.doesNotMatch(shown, /annotations/);
});

test('a legacy completion gets passages in front of its prompt', async () => {
  const bench = new Bench({ dialect: 'openai-completions', reply: streamed('Three years [1].') });
  await bench.knowledge.add(PUMP);
  const { shown } = await bench.ask({ prompt: QUESTION, messages: undefined, knowledge: { collections: ['manuals'] } });
  assert.match(bench.lastText, /three years[\s\S]*How long/);
  assert.match(shown, /Three years \[1\]/);
  assert.equal(bench.sent[0].knowledge, undefined);
});

test('tokens for the passages are reserved with the request', async () => {
  const opened: number[] = [];
  const bench = new Bench({ config: WITH_KNOWLEDGE });
  const { accountant } = bench.gateway.deps;
  const open = accountant.open.bind(accountant);
  accountant.open = (asked) => {
    opened.push(asked.inputTokens);
    return open(asked);
  };
  await bench.ask();
  await bench.ask({ knowledge: false });
  assert.equal((opened[0] ?? 0) - (opened[1] ?? 0), 500);
});
