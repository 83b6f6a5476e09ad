// Other nodes as places to go: which ones are tried, when, and what becomes of the request's account.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type {
  EmbeddingForwardResult,
  ForwardedChat,
  ForwardResult,
  OpaqueForwardResult,
  Peers,
  ServingPeer,
} from '../../src/gateway/peers.ts';
import type { PipelineDeps } from '../../src/gateway/pipeline.ts';
import { settleAccount } from '../../src/gateway/settle.ts';
import type { Frame } from '../../src/model/stream.ts';
import { failed, streamed } from '../support/chat-wire.ts';
import type { FakeReply } from '../support/fake-http.ts';
import type { PartialConfig } from '../support/node.ts';
import { TestContext, TestGateway, TWO_TARGETS } from './support.ts';

const USAGE = {
  inputTokens: 5,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 2,
  reasoningTokens: 0,
  isEstimated: false,
};

const FRAMES: readonly Frame[] = [
  { events: [{ type: 'text-delta', choice: 0, text: 'from afar' }] },
  { events: [{ type: 'usage', usage: USAGE }] },
  { events: [{ type: 'finish', choice: 0, finishReason: { unified: 'stop', raw: 'stop' } }, { type: 'response-end' }] },
];

class ScriptedPeers implements Peers {
  /** By node name: the models it serves. */
  nodes: Record<string, readonly string[]> = { box: ['main'] };
  costMs = 10;
  readonly asked: { readonly name: string; readonly chat: ForwardedChat }[] = [];
  readonly wanted: (readonly string[])[] = [];
  result: (name: string) => ForwardResult = () => ({ ok: true, target: 'gpt', frames: batches(FRAMES) });

  find(): undefined {
    return undefined;
  }

  serves(model: string): boolean {
    return Object.values(this.nodes).some((models) => models.includes(model));
  }

  serving(names: readonly string[]): readonly ServingPeer[] {
    this.wanted.push(names);
    return Object.entries(this.nodes).flatMap(([name, models]) => {
      const model = names.find((one) => models.includes(one));
      return model === undefined ? [] : [{ peer: name, name, model, costMs: this.costMs }];
    });
  }

  models() {
    return [];
  }

  async embed(): Promise<EmbeddingForwardResult> {
    assert.fail('nobody wants vectors');
  }

  async pass(): Promise<OpaqueForwardResult> {
    assert.fail('nobody wants anything else');
  }

  async forward({ name }: ServingPeer, chat: ForwardedChat): Promise<ForwardResult> {
    this.asked.push({ name, chat });
    return this.result(name);
  }
}

async function* batches(frames: readonly Frame[]): AsyncGenerator<readonly Frame[]> {
  for (const frame of frames) yield [frame];
}

function meshed(replies: Readonly<Record<string, FakeReply>>, config: PartialConfig = TWO_TARGETS) {
  const gateway = new TestGateway(config);
  gateway.http.script = ({ url }) => replies[new URL(url).hostname[0] ?? ''] ?? 'refuse';
  const peers = new ScriptedPeers();
  const builtin: PipelineDeps['builtin'] = () =>
    batches([{ events: [{ type: 'text-delta', choice: 0, text: 'quoted' }] }, ...FRAMES.slice(1)]);
  Object.assign(gateway.deps, { peers, builtin });
  return { gateway, peers };
}

class ContextWith extends TestContext {
  readonly isForwarded: boolean;
  readonly isSpilledOver: boolean;

  constructor({ isForwarded = false, isSpilledOver = false }) {
    super(1_800_000_000_000);
    this.isForwarded = isForwarded;
    this.isSpilledOver = isSpilledOver;
  }
}

const namesOf = (peers: ScriptedPeers) => peers.asked.map(({ name }) => name);

describe('other nodes', () => {
  test('are not asked while a target here answers', async () => {
    const { gateway, peers } = meshed({ a: streamed('from a') });
    assert.match(await gateway.text(), /from a/);
    assert.deepEqual([peers.asked, peers.wanted], [[], []], 'nor even looked for');
  });

  test('answer when every target here has failed, under the client’s word or the model’s own name', async () => {
    const { gateway, peers } = meshed({ a: failed(500), b: failed(500) });
    peers.nodes = { strange: ['other'], box: ['two'] };
    assert.match(await gateway.text(), /from afar/);
    assert.deepEqual(peers.wanted, [['main', 'one', 'two']]);
    assert.deepEqual(
      peers.asked.map(({ name, chat }) => [name, chat.request.model, chat.attempt, chat.requestId]),
      [['box', 'two', 3, 'request-1']],
    );
  });

  test('are tried one after the other', async () => {
    const { gateway, peers } = meshed({});
    peers.nodes = { one: ['main'], two: ['main'], three: ['main'] };
    const failure = { code: 'unavailable', message: 'busy' } as const;
    peers.result = (name) =>
      name === 'three' ? { ok: true, target: 'gpt', frames: batches(FRAMES) } : { ok: false, failure };
    const context = gateway.context();
    assert.match(await gateway.text({}, context), /from afar/);
    assert.deepEqual(namesOf(peers), ['one', 'two', 'three']);
    assert.equal(context.trace.target, 'three/gpt');
  });

  test('come before the answerer that only quotes', async () => {
    const accounts = { ...TWO_TARGETS.accounts, flowmesh: { provider: 'flowmesh' } };
    const config = { ...TWO_TARGETS, accounts, chains: { main: ['a/one', 'flowmesh/extractive'] } };
    const { gateway, peers } = meshed({}, config);
    assert.match(await gateway.text(), /from afar/);
    peers.nodes = {};
    assert.match(await gateway.text(), /quoted/);
  });

  test('serve what nobody here does', async () => {
    const { gateway, peers } = meshed({});
    peers.nodes = { box: ['elsewhere'] };
    assert.match(await gateway.text({ model: 'elsewhere' }), /from afar/);
    assert.equal((await gateway.failure({ model: 'nowhere' })).code, 'model_not_found');
    peers.serves = () => true;
    peers.nodes = {};
    assert.equal((await gateway.failure({ model: 'just gone' })).code, 'unavailable');
  });

  test('are not asked in place of a target that the client’s own key pays: they would pay with ours', async () => {
    const { gateway, peers } = meshed({ a: failed(500), b: failed(500) });
    const context = Object.assign(gateway.context(), { ownKeys: new Map([['openai-compatible', 'own']]) });
    assert.equal((await gateway.failure({}, context)).code, 'upstream_error');
    assert.deepEqual(peers.asked, []);
    const other = Object.assign(gateway.context(), { ownKeys: new Map([['openai', 'own']]) });
    assert.match(await gateway.text({}, other), /from afar/);
  });

  test('are left alone where the chain says so', async () => {
    const config = { ...TWO_TARGETS, chains: { main: { targets: ['a/one'], peers: 'never' as const } } };
    const { gateway, peers } = meshed({}, config);
    assert.equal((await gateway.failure()).code, 'upstream_unreachable');
    assert.deepEqual(peers.wanted, []);
  });

  test('are equals where the chain says so, and first when they are clearly sooner', async () => {
    const config = { ...TWO_TARGETS, chains: { main: { targets: ['a/one'], peers: 'equal' as const } } };
    const answerAt = async (costMs: number): Promise<string> => {
      const { gateway, peers } = meshed({ a: streamed('from a') }, config);
      peers.costMs = costMs;
      return gateway.text();
    };
    // Nothing is known of the target here: a second is assumed.
    assert.match(await answerAt(900), /from a"/, 'a rough measure is no reason for a hop');
    assert.match(await answerAt(100), /from afar/);
  });

  test('get no request that came from one of them', async () => {
    const { gateway, peers } = meshed({});
    peers.nodes = { box: ['main', 'elsewhere'] };
    const context = () => new ContextWith({ isForwarded: true });
    assert.equal((await gateway.failure({}, context())).code, 'upstream_unreachable');
    assert.equal((await gateway.failure({ model: 'elsewhere' }, context())).code, 'model_not_found');
    assert.deepEqual(peers.asked, []);
  });

  test('alone answer what this node is too full for', async () => {
    const { gateway, peers } = meshed({ a: streamed('from a') });
    const context = () => new ContextWith({ isSpilledOver: true });
    assert.match(await gateway.text({}, context()), /from afar/);
    peers.nodes = {};
    const { code, message } = await gateway.failure({}, context());
    assert.deepEqual([code, /This node is busy/.test(message), gateway.hosts], ['unavailable', true, []]);
  });

  test('bill what they answer: here it stands as forwarded, without tokens', async () => {
    const { gateway } = meshed({});
    const context = gateway.context();
    await gateway.text({}, context);
    settleAccount(context.trace, gateway.clock);
    const [entry] = gateway.entries();
    assert.deepEqual(
      [entry?.status, entry?.target, entry?.input_tokens, entry?.output_tokens],
      ['forwarded', 'box/gpt', 0, 0],
    );
  });
});
