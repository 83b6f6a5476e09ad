// Other nodes in a chain: when they are asked, and what becomes of a request that only they can serve.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { PeerUse } from '../../src/config/routing.ts';
import type { OpaqueRequest } from '../../src/gateway/opaque-request.ts';
import { handleEmbeddings, handleTokenCount } from '../../src/gateway/operations.ts';
import { handlePassThrough, type OpaqueAnswer } from '../../src/gateway/pass-through.ts';
import type {
  EmbeddingForwardResult,
  ForwardedChat,
  ForwardedEmbedding,
  ForwardedOpaque,
  ForwardResult,
  OpaqueForwardResult,
  Peers,
  ServingPeer,
} from '../../src/gateway/peers.ts';
import { handle, type PipelineDeps } from '../../src/gateway/pipeline.ts';
import { settleAccount } from '../../src/gateway/settle.ts';
import { RequestTrace } from '../../src/gateway/trace.ts';
import { HttpFailure } from '../../src/ports.ts';
import { streamed } from '../support/chat-wire.ts';
import type { FakeReply } from '../support/fake-http.ts';
import { chatRequest, failureOf, framesOf, TestContext, TestGateway } from './support.ts';

/** Of a target that was never measured, the wait is taken for 1,000 ms. */
const SOON = 100;
const NOT_CLEARLY_SOONER = 900;

class FakePeers implements Peers {
  readonly asked: string[] = [];
  readonly chats: ForwardedChat[] = [];
  readonly embeddings: ForwardedEmbedding[] = [];
  readonly passed: ForwardedOpaque[] = [];
  readonly #costMs: number;
  readonly #failing: readonly string[];
  readonly #breaking: readonly string[];

  constructor({ costMs = SOON, failing = [], breaking = [] }: Setup) {
    this.#costMs = costMs;
    this.#failing = failing;
    this.#breaking = breaking;
  }

  find(): undefined {
    return undefined;
  }

  serves(model: string): boolean {
    return model === 'far';
  }

  serving(names: readonly string[]): readonly ServingPeer[] {
    const model = names.find((name) => name === 'one' || name === 'far');
    if (model === undefined) return [];
    return ['attic', 'shed'].map((name) => ({ peer: `id of ${name}`, name, model, costMs: this.#costMs }));
  }

  models(): ReturnType<Peers['models']> {
    return [];
  }

  async embed({ name }: ServingPeer, asked: ForwardedEmbedding): Promise<EmbeddingForwardResult> {
    this.asked.push(name);
    this.embeddings.push(asked);
    if (this.#failing.includes(name)) return { ok: false, failure: { code: 'upstream_unreachable', message: 'gone' } };
    return { ok: true, target: 'openai/one', answer: { model: 'up', vectors: [[1, 0]], inputTokens: 4 } };
  }

  async pass({ name }: ServingPeer, asked: ForwardedOpaque): Promise<OpaqueForwardResult> {
    this.asked.push(name);
    this.passed.push(asked);
    if (this.#failing.includes(name)) return { ok: false, failure: { code: 'upstream_unreachable', message: 'gone' } };
    const isBreaking = this.#breaking.includes(name);
    const body = (async function* () {
      yield Buffer.from('so');
      if (isBreaking) throw new HttpFailure('response', 'ECONNRESET');
      yield Buffer.from('und');
    })();
    return {
      ok: true,
      target: 'openai/one',
      response: { status: 200, headers: { 'content-type': 'audio/mpeg' }, body },
    };
  }

  async forward({ name }: ServingPeer, chat: ForwardedChat): Promise<ForwardResult> {
    this.asked.push(name);
    this.chats.push(chat);
    if (this.#failing.includes(name)) return { ok: false, failure: { code: 'upstream_unreachable', message: 'gone' } };
    const broken = { events: [{ type: 'error', error: { code: 'upstream_cut', message: 'cut' } }] };
    const frames = this.#breaking.includes(name)
      ? [broken]
      : [{ events: [{ type: 'text-delta', choice: 0, text: 'From afar' }] }, { events: [{ type: 'response-end' }] }];
    return {
      ok: true,
      target: 'openai/one',
      frames: (async function* () {
        for (const frame of frames) yield [frame] as Awaited<ReturnType<typeof framesOf>>;
      })(),
    };
  }
}

interface Setup {
  readonly use?: PeerUse;
  readonly reply?: FakeReply;
  readonly costMs?: number;
  readonly failing?: readonly string[];
  /** They take the request, and fail before the first content. */
  readonly breaking?: readonly string[];
  readonly context?: { readonly isForwarded?: boolean; readonly isSpilledOver?: boolean };
}

function setUp(setup: Setup) {
  const { use, reply = streamed('Hi'), context: extra = {} } = setup;
  const gateway = new TestGateway(
    {
      accounts: { a: { url: 'http://a.test' } },
      chains: { main: { targets: ['a/one'], ...(use && { peers: use }) } },
      retries: { max: 0 },
    },
    reply,
  );
  const peers = new FakePeers(setup);
  const deps: PipelineDeps = { ...gateway.deps, peers };
  const context = Object.assign(new TestContext(0), extra);
  const ask = async (model = 'main'): Promise<void> => {
    await framesOf(await handle(chatRequest({ model }), context, deps));
  };
  return { gateway, peers, deps, context, ask };
}

describe('a chain', () => {
  const cases: readonly [what: string, setup: Setup, hosts: readonly string[], asked: readonly string[]][] = [
    ['asks nobody else while its own target answers', {}, ['a'], []],
    ['that overflows asks other nodes when its own have failed', { reply: 'refuse' }, ['a'], ['attic']],
    ['asks the next node when one fails', { reply: 'refuse', failing: ['attic'] }, ['a'], ['attic', 'shed']],
    ['among equals asks a node first that is clearly sooner', { use: 'equal' }, [], ['attic']],
    ['among equals stays here when others are hardly sooner', { use: 'equal', costMs: NOT_CLEARLY_SOONER }, ['a'], []],
    [
      'among equals goes elsewhere all the same when its own have failed',
      { use: 'equal', costMs: NOT_CLEARLY_SOONER, reply: 'refuse' },
      ['a'],
      ['attic'],
    ],
    [
      'among equals comes back when the others fail',
      { use: 'equal', failing: ['attic', 'shed'] },
      ['a'],
      ['attic', 'shed'],
    ],
    ['of a full node is asked elsewhere only', { context: { isSpilledOver: true } }, [], ['attic']],
  ];
  for (const [what, setup, hosts, asked] of cases) {
    test(what, async () => {
      const { gateway, peers, ask } = setUp(setup);
      await ask();
      assert.deepEqual([gateway.hosts, peers.asked], [hosts, asked]);
    });
  }

  test('has in its ledger what its own target answered after another node broke off', async () => {
    const { gateway, peers, context, ask } = setUp({ use: 'equal', breaking: ['attic', 'shed'] });
    await ask();
    settleAccount(context.trace, gateway.clock);
    assert.deepEqual([gateway.hosts, peers.asked], [['a'], ['attic', 'shed']]);
    assert.deepEqual(
      gateway.entries().map(({ target, output_tokens }) => [target, Number(output_tokens) > 0]),
      [['a/one', true]],
    );
  });

  test('that never uses other nodes fails with its own', async () => {
    const { peers, ask } = setUp({ use: 'never', reply: 'refuse' });
    assert.equal((await failureOf(ask())).code, 'upstream_unreachable');
    assert.deepEqual(peers.asked, []);
  });

  test('of a full node that never uses others says when to come again', async () => {
    const { gateway, ask } = setUp({ use: 'never', context: { isSpilledOver: true } });
    const { code, retryAfterMs } = await failureOf(ask());
    assert.deepEqual([code, retryAfterMs, gateway.hosts], ['unavailable', 1_000, []]);
  });

  test('is not left by what another node has sent', async () => {
    const { gateway, peers, ask } = setUp({ reply: 'refuse', context: { isForwarded: true } });
    assert.equal((await failureOf(ask())).code, 'upstream_unreachable');
    assert.deepEqual([gateway.hosts, peers.asked], [['a'], []]);
  });
});

test('a model that only other nodes serve is asked there, under its name and in the client’s', async () => {
  const { gateway, peers, context, ask } = setUp({});
  await ask('far');
  assert.deepEqual(gateway.hosts, []);
  const [{ request, requestId, attempt, principal } = assert.fail()] = peers.chats;
  assert.deepEqual([request.model, requestId, attempt, principal.tenant], ['far', 'request-1', 1, 'default']);
  assert.equal(context.trace.target, 'attic/openai/one');
});

test('a model that nobody serves is unknown, also to what another node has sent', async () => {
  assert.equal((await failureOf(setUp({}).ask('nothing'))).code, 'model_not_found');
  assert.equal((await failureOf(setUp({ context: { isForwarded: true } }).ask('far'))).code, 'model_not_found');
});

function during(operation: string, extra: Setup['context'] = {}): TestContext {
  return Object.assign(new TestContext(0), { trace: new RequestTrace('request-1', operation, 0) }, extra);
}

test('the tokens of a chat that will go to another node are counted', async () => {
  const { deps } = setUp({});
  const count = await handleTokenCount(chatRequest({ model: 'far' }), during('count-tokens'), deps);
  assert.equal(count.isEstimated, true);
});

describe('embeddings', () => {
  const EMBEDDING = { model: 'main', inputs: ['Hello'], encoding: 'float' } as const;

  test('of a model that only other nodes serve are asked there, and this node says whose vectors they are', async () => {
    const { deps, peers } = setUp({ failing: ['attic'] });
    const context = during('embeddings');
    const answer = await handleEmbeddings({ ...EMBEDDING, model: 'far' }, context, deps);
    assert.deepEqual(answer, { model: 'up', vectors: [[1, 0]], inputTokens: 4, isEstimated: false });
    assert.deepEqual(peers.asked, ['attic', 'shed']);
    assert.deepEqual(
      peers.embeddings.map(({ request, requestId, attempt }) => [request.model, requestId, attempt]),
      [
        ['far', 'request-1', 1],
        ['far', 'request-1', 2],
      ],
    );
    assert.deepEqual([context.trace.target, context.trace.isForwarded], ['shed/openai/one', true]);
  });

  test('go elsewhere when the own targets have failed', async () => {
    const { deps, gateway, peers } = setUp({ reply: 'refuse' });
    assert.equal((await handleEmbeddings(EMBEDDING, during('embeddings'), deps)).model, 'up');
    assert.deepEqual([gateway.hosts, peers.asked], [['a'], ['attic']]);
  });

  test('that another node has sent go no further', async () => {
    const { deps, peers } = setUp({ reply: 'refuse' });
    const forwarded = () => during('embeddings', { isForwarded: true });
    const failed = await failureOf(handleEmbeddings(EMBEDDING, forwarded(), deps));
    assert.equal(failed.code, 'upstream_unreachable');
    const far = await failureOf(handleEmbeddings({ ...EMBEDDING, model: 'far' }, forwarded(), deps));
    assert.deepEqual([far.code, peers.asked], ['model_not_found', []]);
  });

  test('of a full node are asked elsewhere only', async () => {
    const { deps, gateway, peers } = setUp({});
    await handleEmbeddings(EMBEDDING, during('embeddings', { isSpilledOver: true }), deps);
    assert.deepEqual([gateway.hosts, peers.asked], [[], ['attic']]);
  });

  test('whose client leaves are waited for no longer', async () => {
    const { deps, peers } = setUp({});
    const forever: Peers['embed'] = (_peer, _asked, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    Object.assign(peers, { embed: forever });
    const context = during('embeddings');
    const outcome = failureOf(handleEmbeddings({ ...EMBEDDING, model: 'far' }, context, deps));
    await turn();
    context.leave();
    assert.equal((await outcome).code, 'client_closed');
  });
});

describe('what is only passed on', () => {
  const SPEECH: OpaqueRequest = {
    model: 'far',
    path: '/audio/speech',
    contentType: 'application/json',
    before: Buffer.from('{"model":'),
    after: Buffer.from('}'),
  };

  async function bytesOf(answer: OpaqueAnswer): Promise<string> {
    let text = '';
    for (let bytes = await answer.next(); bytes; bytes = await answer.next()) text += Buffer.from(bytes).toString();
    return text;
  }

  test('goes to other nodes where only they serve the model, to the next one when one fails', async () => {
    const { deps, peers } = setUp({ failing: ['attic'] });
    const context = during('audio/speech');
    const answer = await handlePassThrough(SPEECH, context, deps);
    assert.deepEqual([answer.status, answer.headers], [200, { 'content-type': 'audio/mpeg' }]);
    assert.equal(await bytesOf(answer), 'sound');
    assert.deepEqual(peers.asked, ['attic', 'shed']);
    assert.deepEqual([context.trace.target, context.trace.isForwarded], ['shed/openai/one', true]);
    assert.deepEqual(peers.passed[1]?.request, { ...SPEECH, model: 'far' });
  });

  test('goes elsewhere when the own targets have failed, and no further from there', async () => {
    const { deps, gateway, peers } = setUp({ reply: 'refuse' });
    const asked = { ...SPEECH, model: 'main' };
    assert.equal(await bytesOf(await handlePassThrough(asked, during('audio/speech'), deps)), 'sound');
    assert.deepEqual([gateway.hosts, peers.asked], [['a'], ['attic']]);
    const forwarded = during('audio/speech/forwarded', { isForwarded: true });
    assert.equal((await failureOf(handlePassThrough(asked, forwarded, deps))).code, 'upstream_unreachable');
    assert.deepEqual(peers.asked, ['attic']);
  });

  test('that breaks on its way is an error, and never a short answer', async () => {
    const { deps } = setUp({ breaking: ['attic'] });
    const answer = await handlePassThrough(SPEECH, during('audio/speech'), deps);
    assert.equal((await failureOf(bytesOf(answer))).code, 'upstream_cut');
  });
});
