// Entry node and executor, joined by a transport that hands requests over.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { GatewayError } from '../../../src/errors.ts';
import { Admission } from '../../../src/gateway/admission.ts';
import type { Answer } from '../../../src/gateway/answer.ts';
import { bodyFor, type OpaqueRequest } from '../../../src/gateway/opaque-request.ts';
import type { OpaqueAnswer } from '../../../src/gateway/pass-through.ts';
import type { ForwardedChat, ForwardedEmbedding, ForwardedOpaque, ServingPeer } from '../../../src/gateway/peers.ts';
import type { RequestContext } from '../../../src/gateway/pipeline.ts';
import type { RequestTrace } from '../../../src/gateway/trace.ts';
import { Executor } from '../../../src/mesh/forward/executor.ts';
import { Forwarder, type TakingPeer } from '../../../src/mesh/forward/forwarder.ts';
import { Repetitions } from '../../../src/mesh/forward/repetitions.ts';
import { FORWARD_PATH, renderForwarded } from '../../../src/mesh/forward/wire.ts';
import type { ChatRequest } from '../../../src/model/chat.ts';
import type { EmbeddingRequest, EmbeddingResponse } from '../../../src/model/embedding.ts';
import type { Frame } from '../../../src/model/stream.ts';
import { HttpFailure, type MeshRequest, type MeshResponse, type StopSignal } from '../../../src/ports.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { seededRandom } from '../../support/seeded-random.ts';

const PEER: ServingPeer = { peer: 'executor', name: 'box', model: 'm', costMs: 1 };
const REQUEST: ChatRequest = { model: 'm', isStream: true, messages: [], tools: [], sampling: {} };
const CHAT: ForwardedChat = {
  request: REQUEST,
  requestId: 'r1',
  attempt: 1,
  principal: { tenant: 'acme', keyId: 'k', tags: {}, scopes: {}, accounts: {}, limits: [] },
  remainingMs: 10_000,
};
const EMBEDDING: ForwardedEmbedding = {
  ...CHAT,
  request: { model: 'm', inputs: ['a', [1, 2]], encoding: 'base64', dimensions: 2 },
};
const SPEECH: ForwardedOpaque = {
  ...CHAT,
  request: {
    model: 'm',
    path: '/audio/speech',
    contentType: 'application/json',
    before: Buffer.from('{"model":'),
    after: Buffer.from(',\n"input":"\u00e9"}\n'),
  },
};
const VECTORS: EmbeddingResponse = { model: 'up', vectors: [[0.1, 2], [-1e-7]], inputTokens: 3, isEstimated: false };
const TAKING: TakingPeer = {
  peer: 'executor',
  name: 'box',
  inFlight: 0,
  capacity: 10,
  models: new Map([
    ['m', { model: 'm', ttftMs: 50 }],
    ['broken', { model: 'broken', breaker: 'open' as const }],
  ]),
};
const TEXT: Frame = { events: [{ type: 'text-delta', choice: 0, text: 'Hi' }] };
const END: Frame = { events: [{ type: 'response-end' }] };

/** An answer as the pipeline hands it out. */
class ScriptedAnswer {
  readonly batches: (readonly Frame[] | GatewayError | Promise<never>)[];
  isCancelled = false;

  constructor(batches: (readonly Frame[] | GatewayError | Promise<never>)[]) {
    this.batches = batches;
  }

  async next(): Promise<readonly Frame[] | undefined> {
    const batch = await this.batches.shift();
    if (batch instanceof GatewayError) throw batch;
    return batch;
  }

  cancel(): void {
    this.isCancelled = true;
  }
}

/** An answer that is only passed on. */
class ScriptedBytes {
  readonly status = 201;
  readonly headers = { 'content-type': 'audio/mpeg', 'content-length': '5', 'x-own': 'kept to itself' };
  readonly pieces: (string | GatewayError)[];
  isCancelled = false;

  constructor(pieces: (string | GatewayError)[]) {
    this.pieces = pieces;
  }

  async next(): Promise<Uint8Array | undefined> {
    const piece = this.pieces.shift();
    if (piece instanceof GatewayError) throw piece;
    return piece === undefined ? undefined : Buffer.from(piece);
  }

  cancel(): void {
    this.isCancelled = true;
  }
}

type Handle = (request: ChatRequest, context: RequestContext) => Promise<ScriptedAnswer>;

type Embed = (request: EmbeddingRequest, context: RequestContext) => Promise<EmbeddingResponse>;
const embedsNothing: Embed = async () => assert.fail('nobody wanted vectors');

type Pass = (request: OpaqueRequest, context: RequestContext) => Promise<ScriptedBytes>;
const passesNothing: Pass = async () => assert.fail('nobody wanted anything passed on');

function pair(
  handle: Handle,
  { max = 10, cutAfter = Number.POSITIVE_INFINITY, embed = embedsNothing, pass = passesNothing } = {},
) {
  const settled: RequestTrace[] = [];
  const suspected: string[] = [];
  const admission = new Admission(() => max);
  const clock = new ManualClock();
  const executor = new Executor({
    clock,
    admission,
    repetitions: new Repetitions(clock),
    handle: async (request, context) => {
      context.trace.target = 'openai/gpt';
      return (await handle(request, context)) as unknown as Answer;
    },
    embed: (request, context) => {
      context.trace.target = 'openai/embed';
      return embed(request, context);
    },
    pass: async (request, context) => {
      context.trace.target = 'openai/tts';
      return (await pass(request, context)) as unknown as OpaqueAnswer;
    },
    settle: (trace) => settled.push(trace),
    noteFailure: (trace, error) => {
      trace.errorCode = error.code;
    },
    principalOf: (claimed) => {
      if (claimed.keyId === 'revoked') throw new GatewayError('forbidden', 'This key was revoked.');
      return claimed;
    },
    bodyBytesMax: () => 10_000,
  });
  const request = async (_peer: string, sent: MeshRequest): Promise<MeshResponse> => {
    if (cutAfter < 0) throw new HttpFailure('connect', 'ECONNREFUSED');
    const controller = new AbortController();
    sent.signal?.addEventListener('abort', () => controller.abort(sent.signal?.reason));
    const body = (async function* () {
      yield sent.body as Uint8Array;
    })();
    const response = await executor.answer({ ...sent, from: 'entry', body, signal: controller.signal });
    let chunks = 0;
    const cut = async function* () {
      for await (const chunk of response.body) {
        if (chunks >= cutAfter) throw new HttpFailure('response', 'ECONNRESET');
        chunks += 1;
        yield chunk;
      }
    };
    return { ...response, body: cut() };
  };
  const forwarder = new Forwarder({
    transport: { request },
    clock,
    random: seededRandom(1),
    taking: () => [TAKING],
    find: () => undefined,
    isThere: () => Promise.resolve(true),
    suspect: (peer) => suspected.push(peer),
  });
  return { forwarder, settled, suspected, admission, clock, executor };
}

const NEVER = new AbortController().signal;

async function framesOf(result: Awaited<ReturnType<Forwarder['forward']>>): Promise<Frame[]> {
  assert.ok(result.ok, JSON.stringify(result));
  const frames: Frame[] = [];
  for await (const batch of result.frames) frames.push(...batch);
  return frames;
}

describe('a forwarded chat', () => {
  test("is answered with the other node's frames, and settled there once", async () => {
    const seen: RequestContext[] = [];
    const { forwarder, settled, admission } = pair(async (_request, context) => {
      seen.push(context);
      assert.equal(admission.running, 1);
      return new ScriptedAnswer([[TEXT], [END]]);
    });
    const result = await forwarder.forward(PEER, CHAT, NEVER);
    assert.equal(result.ok && result.target, 'openai/gpt');
    assert.deepEqual(await framesOf(result), [TEXT, END]);
    await turn();
    assert.deepEqual(
      settled.map(({ requestId, operation, errorCode }) => [requestId, operation, errorCode]),
      [['r1', 'forwarded', undefined]],
    );
    assert.equal(admission.running, 0);
    assert.deepEqual(seen[0]?.principal, CHAT.principal);
    assert.equal(seen[0]?.isForwarded, true, 'it goes no further');
  });

  test('is refused before any work by a full node, and is nobody’s death', async () => {
    const { forwarder, settled, suspected } = pair(async () => assert.fail('not admitted'), { max: 0 });
    const result = await forwarder.forward(PEER, CHAT, NEVER);
    assert.deepEqual(!result.ok && [result.failure.code, result.failure.retryAfterMs], ['unavailable', 1_000]);
    assert.deepEqual([settled.length, suspected.length], [0, 0]);
  });

  test('is refused for a key that the other node knows to be revoked', async () => {
    const { forwarder } = pair(async () => assert.fail('refused'));
    const chat = { ...CHAT, principal: { ...CHAT.principal, keyId: 'revoked' } };
    const result = await forwarder.forward(PEER, chat, NEVER);
    assert.deepEqual(!result.ok && result.failure, { code: 'unavailable', message: 'box: This key was revoked.' });
  });

  test('that fails there before its first content is a failed attempt here', async () => {
    const { forwarder, settled } = pair(async () => {
      throw new GatewayError('upstream_error', 'It broke.', { retryAfterMs: 7 });
    });
    const result = await forwarder.forward(PEER, CHAT, NEVER);
    assert.deepEqual(!result.ok && result.failure, {
      code: 'upstream_error',
      message: 'box: It broke.',
      retryAfterMs: 7,
    });
    assert.equal(settled[0]?.errorCode, 'upstream_error');
  });

  test('that breaks there after its first content ends with an error frame', async () => {
    const { forwarder, settled } = pair(
      async () => new ScriptedAnswer([[TEXT], new GatewayError('upstream_cut', 'It was cut.')]),
    );
    assert.deepEqual(await framesOf(await forwarder.forward(PEER, CHAT, NEVER)), [
      TEXT,
      { events: [{ type: 'error', error: { code: 'upstream_cut', message: 'It was cut.' } }] },
    ]);
    assert.equal(settled[0]?.errorCode, 'upstream_cut');
  });

  test('whose connection breaks is an error, casts doubt on the member, and stops its upstream', async () => {
    const answer = new ScriptedAnswer([[TEXT], [TEXT], [END]]);
    const { forwarder, suspected, settled, admission } = pair(async () => answer, { cutAfter: 1 });
    const frames = await framesOf(await forwarder.forward(PEER, CHAT, NEVER));
    assert.deepEqual(frames[0], TEXT);
    assert.match(JSON.stringify(frames[1]), /upstream_cut/);
    assert.deepEqual(suspected, ['executor']);
    await turn();
    assert.equal(answer.isCancelled, true);
    assert.deepEqual([settled[0]?.errorCode, admission.running], ['client_closed', 0]);
  });

  test('to a member that cannot be reached fails, and casts doubt on it', async () => {
    const { forwarder, suspected } = pair(async () => assert.fail('unreached'), { cutAfter: -1 });
    const result = await forwarder.forward(PEER, CHAT, NEVER);
    assert.equal(!result.ok && result.failure.code, 'upstream_unreachable');
    assert.deepEqual(suspected, ['executor']);
  });

  test('whose reader leaves stops the upstream there', async () => {
    const answer = new ScriptedAnswer([[TEXT], [TEXT], [END]]);
    const { forwarder, settled } = pair(async () => answer);
    const result = await forwarder.forward(PEER, CHAT, NEVER);
    assert.ok(result.ok);
    for await (const _batch of result.frames) break;
    await turn();
    assert.equal(answer.isCancelled, true);
    assert.equal(settled[0]?.errorCode, 'client_closed');
  });

  // Found by the simulator, seeds 8 and 44: its place was given back twice.
  for (const ending of ['breaks', 'ends'] as const) {
    test(`whose reader leaves while a piece is waited for ends once, also when the piece then ${ending}`, async () => {
      let finish = (): void => undefined;
      const piece = new Promise<never>((resolve, reject) => {
        finish = () =>
          ending === 'breaks' ? reject(new GatewayError('client_closed', 'Gone.')) : resolve(undefined as never);
      });
      const { executor, settled, admission } = pair(async () => new ScriptedAnswer([[TEXT], piece]));
      const sent = async function* (): AsyncGenerator<Uint8Array> {
        yield renderForwarded(CHAT);
      };
      const incoming = { path: FORWARD_PATH, headers: {}, from: 'entry', body: sent(), signal: NEVER };
      const lines = (await executor.answer(incoming)).body[Symbol.asyncIterator]();
      await lines.next();
      const waiting = lines.next();
      await lines.return?.();
      finish();
      assert.deepEqual(await waiting, { done: true, value: undefined });
      assert.deepEqual([settled.length, admission.running], [1, 0]);
    });
  }

  test('that is aborted before its head aborts the work there', async () => {
    const client = new AbortController();
    let inner: StopSignal | undefined;
    const { forwarder, settled } = pair((_request, context) => {
      inner = context.signal;
      return new Promise((_resolve, reject) => {
        context.signal.addEventListener('abort', () => reject(context.signal.reason));
      });
    });
    const result = forwarder.forward(PEER, CHAT, client.signal);
    await turn();
    client.abort(new GatewayError('client_closed', 'Gone.'));
    await assert.rejects(result, /Gone/);
    assert.equal(inner?.aborted, true);
    assert.equal(settled[0]?.errorCode, 'client_closed');
  });

  test('ends when the time of its request is over', async () => {
    const { forwarder, clock } = pair(
      (_request, context) =>
        new Promise((_resolve, reject) => {
          context.signal.addEventListener('abort', () => reject(context.signal.reason));
        }),
    );
    const result = forwarder.forward(PEER, CHAT, NEVER);
    await turn();
    clock.advance(10_000);
    const { ok, failure } = (await result) as { ok: false; failure: { code: string } };
    assert.deepEqual([ok, failure.code], [false, 'upstream_timeout']);
  });

  test('that is sent twice is executed once: refused while it runs, played again when it is done', async () => {
    let executed = 0;
    let go = (): void => undefined;
    const { forwarder } = pair(async () => {
      executed += 1;
      await new Promise<void>((resolve) => {
        go = resolve;
      });
      return new ScriptedAnswer([[TEXT], [END]]);
    });
    const first = forwarder.forward(PEER, CHAT, NEVER);
    await turn();
    const running = await forwarder.forward(PEER, CHAT, NEVER);
    assert.equal(!running.ok && running.failure.code, 'unavailable');
    go();
    assert.deepEqual(await framesOf(await first), [TEXT, END]);
    await turn();
    assert.deepEqual(await framesOf(await forwarder.forward(PEER, CHAT, NEVER)), [TEXT, END]);
    assert.equal(executed, 1);
  });

  // Found by the simulator, seed 2000054: the repetition came 10 ms after its client had left, and was bought again.
  test('whose reader has left is not executed again when a repetition of it comes', async () => {
    let executed = 0;
    const { forwarder } = pair(async () => {
      executed += 1;
      return new ScriptedAnswer([[TEXT], [END]]);
    });
    const result = await forwarder.forward(PEER, CHAT, NEVER);
    assert.ok(result.ok);
    for await (const _batch of result.frames) break;
    await turn();
    const repetition = await forwarder.forward(PEER, CHAT, NEVER);
    assert.equal(!repetition.ok && repetition.failure.code, 'unavailable');
    assert.equal(executed, 1);
  });

  test('that failed may be sent again', async () => {
    let executed = 0;
    const { forwarder } = pair(async () => {
      executed += 1;
      if (executed === 1) throw new GatewayError('upstream_error', 'It broke.');
      return new ScriptedAnswer([[END]]);
    });
    await forwarder.forward(PEER, CHAT, NEVER);
    assert.deepEqual(await framesOf(await forwarder.forward(PEER, CHAT, NEVER)), [END]);
  });

  test('is not asked of a member whose circuit for the model is open', () => {
    const { forwarder } = pair(async () => assert.fail());
    assert.deepEqual(forwarder.serving(['broken'], undefined), []);
    assert.deepEqual(
      forwarder.serving(['broken', 'm'], undefined).map(({ model }) => model),
      ['m'],
    );
    assert.deepEqual([forwarder.serves('m'), forwarder.serves('other')], [true, false]);
    assert.deepEqual(forwarder.models(), [
      { model: 'm', names: ['box'] },
      { model: 'broken', names: ['box'] },
    ]);
  });
});

const noChat: Handle = async () => assert.fail('no chat was sent');

describe('forwarded texts', () => {
  test("come back as the other node's vectors, and are settled there once, as embeddings", async () => {
    const seen: [EmbeddingRequest, RequestContext][] = [];
    const embed: Embed = async (request, context) => {
      seen.push([request, context]);
      return VECTORS;
    };
    const { forwarder, settled, admission } = pair(noChat, { embed });
    assert.deepEqual(await forwarder.embed(PEER, EMBEDDING, NEVER), {
      ok: true,
      answer: VECTORS,
      target: 'openai/embed',
    });
    assert.deepEqual(seen[0]?.[0], EMBEDDING.request);
    assert.deepEqual([seen[0]?.[1].principal, seen[0]?.[1].isForwarded], [CHAT.principal, true]);
    assert.deepEqual(
      settled.map(({ requestId, operation, errorCode }) => [requestId, operation, errorCode]),
      [['r1', 'embeddings/forwarded', undefined]],
    );
    assert.equal(admission.running, 0);
  });

  test('that are sent twice are embedded once', async () => {
    let embedded = 0;
    const embed: Embed = async () => {
      embedded += 1;
      return VECTORS;
    };
    const { forwarder, settled } = pair(noChat, { embed });
    const first = await forwarder.embed(PEER, EMBEDDING, NEVER);
    assert.deepEqual(await forwarder.embed(PEER, EMBEDDING, NEVER), first);
    assert.deepEqual([embedded, settled.length], [1, 1]);
  });

  test('that fail there are a failed attempt here, and may be sent again', async () => {
    let embedded = 0;
    const embed: Embed = async () => {
      embedded += 1;
      if (embedded === 1) throw new GatewayError('rate_limited', 'Too many.', { retryAfterMs: 7 });
      return VECTORS;
    };
    const { forwarder, settled, admission } = pair(noChat, { embed });
    assert.deepEqual(await forwarder.embed(PEER, EMBEDDING, NEVER), {
      ok: false,
      failure: { code: 'rate_limited', message: 'box: Too many.', retryAfterMs: 7 },
    });
    assert.deepEqual([settled[0]?.errorCode, admission.running], ['rate_limited', 0]);
    assert.equal((await forwarder.embed(PEER, EMBEDDING, NEVER)).ok, true);
  });

  test('whose connection breaks are a failed attempt, and cast doubt on the member', async () => {
    const { forwarder, suspected } = pair(noChat, { embed: async () => VECTORS, cutAfter: 0 });
    assert.deepEqual(await forwarder.embed(PEER, EMBEDDING, NEVER), {
      ok: false,
      failure: { code: 'upstream_cut', message: 'box: it ended its answer before it was complete.' },
    });
    assert.deepEqual(suspected, ['executor']);
  });

  test('whose client leaves stop the work there', async () => {
    const client = new AbortController();
    const embed: Embed = (_request, { signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    const { forwarder, settled } = pair(noChat, { embed });
    const result = forwarder.embed(PEER, EMBEDDING, client.signal);
    await turn();
    client.abort(new GatewayError('client_closed', 'Gone.'));
    await assert.rejects(result, /Gone/);
    assert.equal(settled[0]?.errorCode, 'client_closed');
  });
});

describe('what is only passed on', () => {
  async function bytesOf(result: Awaited<ReturnType<Forwarder['pass']>>): Promise<string> {
    assert.ok(result.ok, JSON.stringify(result));
    let text = '';
    for await (const bytes of result.response.body) text += Buffer.from(bytes).toString();
    return text;
  }

  test("is answered with the bytes, status and type of the other node's upstream, settled there once", async () => {
    const seen: [OpaqueRequest, RequestContext][] = [];
    const pass: Pass = async (request, context) => {
      seen.push([request, context]);
      return new ScriptedBytes(['so', 'und']);
    };
    const { forwarder, settled, admission } = pair(noChat, { pass });
    const result = await forwarder.pass(PEER, SPEECH, NEVER);
    assert.ok(result.ok);
    const { status, headers } = result.response;
    const { 'x-flowmesh-target': target, ...shown } = headers;
    assert.deepEqual([status, shown, target], [201, { 'content-type': 'audio/mpeg' }, 'openai/tts']);
    assert.equal(admission.running, 1);
    assert.equal(await bytesOf(result), 'sound');
    const [request, context] = seen[0] ?? assert.fail();
    assert.equal(String(bodyFor(request, 'tts')), '{"model":"tts",\n"input":"\u00e9"}\n');
    assert.deepEqual([request.path, context.isForwarded], ['/audio/speech', true]);
    assert.deepEqual(
      settled.map(({ operation, errorCode }) => [operation, errorCode]),
      [['audio/speech/forwarded', undefined]],
    );
    assert.equal(admission.running, 0);
  });

  test('that is sent twice is executed once', async () => {
    let executed = 0;
    const pass: Pass = async () => {
      executed += 1;
      return new ScriptedBytes(['sound']);
    };
    const { forwarder } = pair(noChat, { pass });
    assert.equal(await bytesOf(await forwarder.pass(PEER, SPEECH, NEVER)), 'sound');
    const again = await forwarder.pass(PEER, SPEECH, NEVER);
    assert.deepEqual([executed, !again.ok && again.failure.code], [1, 'unavailable']);
  });

  test('breaks here when it breaks there', async () => {
    const cut = new GatewayError('upstream_cut', 'It was cut.');
    const { forwarder, settled } = pair(noChat, { pass: async () => new ScriptedBytes(['so', cut]) });
    await assert.rejects(bytesOf(await forwarder.pass(PEER, SPEECH, NEVER)), /It was cut/);
    assert.equal(settled[0]?.errorCode, 'upstream_cut');
  });

  test('whose connection breaks is no short answer, and casts doubt on the member', async () => {
    const answer = new ScriptedBytes(['so', 'und']);
    const { forwarder, suspected, settled } = pair(noChat, { pass: async () => answer, cutAfter: 1 });
    await assert.rejects(bytesOf(await forwarder.pass(PEER, SPEECH, NEVER)), HttpFailure);
    await turn();
    assert.deepEqual([suspected, answer.isCancelled, settled[0]?.errorCode], [['executor'], true, 'client_closed']);
  });

  test('whose reader leaves stops the upstream there', async () => {
    const answer = new ScriptedBytes(['so', 'und']);
    const { forwarder, settled } = pair(noChat, { pass: async () => answer });
    const result = await forwarder.pass(PEER, SPEECH, NEVER);
    assert.ok(result.ok);
    for await (const _bytes of result.response.body) break;
    await turn();
    assert.deepEqual([answer.isCancelled, settled[0]?.errorCode], [true, 'client_closed']);
  });

  test('goes to the endpoints that clients have, and nowhere else', async () => {
    const { forwarder } = pair(noChat);
    const path = '/../admin' as OpaqueRequest['path'];
    const result = await forwarder.pass(PEER, { ...SPEECH, request: { ...SPEECH.request, path } }, NEVER);
    assert.deepEqual(!result.ok && result.failure, {
      code: 'bad_request',
      message: 'box: This is not a forwarded request.',
    });
  });
});

test('a node that is asked for what it does not know says so, and another one may know it', async () => {
  const { executor } = pair(noChat);
  const body = (async function* () {
    yield renderForwarded(CHAT);
  })();
  const incoming = { path: '/forward/songs', headers: {}, from: 'entry', body, signal: NEVER };
  assert.equal((await executor.answer(incoming)).status, 404);
});

describe('a member that is out of reach, though its connection is open', () => {
  function silentMember() {
    const asked: MeshRequest[] = [];
    const forwarder = new Forwarder({
      // As a connection over a cut cable: nothing comes, and only whoever asked can end it.
      transport: {
        request: (_peer, sent) =>
          new Promise((_resolve, reject) => {
            asked.push(sent);
            sent.signal?.addEventListener('abort', () => reject(sent.signal?.reason));
          }),
      },
      clock: new ManualClock(),
      random: seededRandom(1),
      taking: () => [TAKING],
      find: () => undefined,
      isThere: () => Promise.resolve(true),
      suspect: () => undefined,
    });
    return { forwarder, asked };
  }

  test('is waited for no longer: the request may go elsewhere', async () => {
    const { forwarder } = silentMember();
    const waiting = forwarder.forward(PEER, CHAT, NEVER);
    forwarder.giveUp('executor');
    assert.deepEqual(await waiting, {
      ok: false,
      failure: { code: 'upstream_cut', message: 'The connection to the node box broke.' },
    });
  });

  test('takes only its own requests with it', async () => {
    const { forwarder, asked } = silentMember();
    void forwarder.forward({ ...PEER, peer: 'other' }, CHAT, NEVER);
    forwarder.giveUp('executor');
    assert.equal(asked[0]?.signal?.aborted, false);
  });

  test('a client that leaves is not taken for a failure of the member', async () => {
    const { forwarder } = silentMember();
    const client = new AbortController();
    const waiting = forwarder.forward(PEER, CHAT, client.signal);
    client.abort(new GatewayError('client_closed', 'The client left.'));
    await assert.rejects(waiting, { code: 'client_closed' });
  });
});
