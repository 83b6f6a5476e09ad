// Which answers are kept and served again, and how equal requests share one answer while it is being made.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Answer } from '../../src/gateway/answer.ts';
import { handle, type RequestContext } from '../../src/gateway/pipeline.ts';
import { RequestTrace } from '../../src/gateway/trace.ts';
import { ResponseCollector } from '../../src/model/collect.ts';
import type { Frame } from '../../src/model/stream.ts';
import { ANONYMOUS } from '../../src/tenancy/principal.ts';
import {
  completion,
  DONE,
  failed,
  JSON_HEADERS,
  ROLE,
  sse,
  stream,
  streamed,
  text,
  whole,
} from '../support/chat-wire.ts';
import { type FakeReply, settled } from '../support/fake-http.ts';
import type { PartialConfig } from '../support/node.ts';
import { CLIENT_LEFT, chatRequest, failureOf, framesOf, routerOf, TestGateway, TWO_TARGETS } from './support.ts';

const CACHED: PartialConfig = {
  ...TWO_TARGETS,
  chains: { main: ['a/one'] },
  cache: { isEnabled: true, requests: 'all', ttlMs: 60_000 },
};

interface Asking {
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly tenant?: string;
  readonly ownKeys?: ReadonlyMap<string, string>;
}

class Client {
  readonly trace: RequestTrace;
  readonly #leaving = new AbortController();
  readonly #gateway: TestGateway;
  readonly #asking: Asking;

  constructor(gateway: TestGateway, asking: Asking = {}) {
    this.trace = new RequestTrace('r', 'openai-chat', gateway.clock.elapsed());
    this.#gateway = gateway;
    this.#asking = asking;
  }

  ask(): Promise<Answer> {
    const { body = {}, headers = {}, tenant = 'default', ownKeys = new Map() } = this.#asking;
    const context: RequestContext = {
      trace: this.trace,
      principal: { ...ANONYMOUS, tenant },
      ownKeys,
      headers: () => headers,
      isExplained: false,
      signal: this.#leaving.signal,
    };
    return handle(chatRequest(body), context, this.#gateway.deps);
  }

  leave(): void {
    this.#leaving.abort(CLIENT_LEFT);
  }
}

function textOf(frames: readonly Frame[]): string {
  return frames
    .flatMap(({ events }) => events.map((event) => (event.type === 'text-delta' ? event.text : '')))
    .join('');
}

/** What the client reads, and what the cache had to do with it. */
async function asked(gateway: TestGateway, asking: Asking = {}): Promise<[text: string, cache: string | undefined]> {
  const client = new Client(gateway, asking);
  const frames = await framesOf(await client.ask());
  return [textOf(frames), client.trace.cache];
}

describe('kept answers', () => {
  test('an equal request is answered from the cache until the answer is too old', async () => {
    const gateway = new TestGateway(CACHED, streamed('Hel', 'lo'), streamed('new'));
    assert.deepEqual(await asked(gateway), ['Hello', 'miss']);
    gateway.clock.advance(59_999);
    const client = new Client(gateway);
    assert.equal(textOf(await framesOf(await client.ask())), 'Hello');
    assert.equal(client.trace.cache, 'hit');
    assert.equal(client.trace.cacheAgeMs, 59_999);
    assert.equal(client.trace.target, 'a/one');
    assert.equal(client.trace.attemptCount, 0);
    assert.deepEqual(client.trace.usage?.outputTokens, 7);
    assert.equal(gateway.http.calls.length, 1);
    gateway.clock.advance(1);
    assert.deepEqual(await asked(gateway), ['new', 'miss']);
  });

  test('a whole answer serves a stream and a stream serves a whole one, usage and all', async () => {
    for (const [first, second, reply] of [
      [true, false, streamed('Hello')],
      [false, true, whole('Hello')],
    ] as const) {
      const gateway = new TestGateway(CACHED, reply);
      await asked(gateway, { body: { stream: first } });
      const collector = new ResponseCollector();
      for (const frame of await framesOf(await new Client(gateway, { body: { stream: second } }).ask())) {
        collector.add(frame);
      }
      const { id, createdAt, choices, usage } = collector.response();
      assert.deepEqual([id, createdAt], ['', undefined], 'an answer of its own');
      assert.deepEqual(choices, [
        { index: 0, parts: [{ type: 'text', text: 'Hello' }], finishReason: { unified: 'stop', raw: 'stop' } },
      ]);
      assert.deepEqual([usage?.inputTokens, usage?.outputTokens], [11, 7]);
      assert.equal(gateway.http.calls.length, 1);
    }
  });

  test('a picture is kept with its answer, for a stream as for a whole one, unless it is too large', async () => {
    const url = `data:image/png;base64,${'A'.repeat(2_000)}`;
    const message = { role: 'assistant', content: null, images: [{ type: 'image_url', image_url: { url } }] };
    const drawn = { ...completion(''), choices: [{ index: 0, message, finish_reason: 'stop' }] };
    const reply = { headers: JSON_HEADERS, chunks: [drawn] };
    for (const stream of [false, true]) {
      const gateway = new TestGateway(CACHED, reply);
      await asked(gateway, { body: { stream: false } });
      const frames = await framesOf(await new Client(gateway, { body: { stream } }).ask());
      assert.deepEqual(
        frames.flatMap(({ events }) => events.filter((event) => event.type === 'media-add')),
        [
          {
            type: 'media-add',
            choice: 0,
            media: {
              type: 'media',
              kind: 'image',
              mimeType: 'image/png',
              source: { type: 'base64', data: 'A'.repeat(2_000) },
            },
          },
        ],
      );
      assert.equal(gateway.http.calls.length, 1);
    }
    const small = { ...CACHED, cache: { ...CACHED.cache, entryBytesMax: 2_000 } };
    const gateway = new TestGateway(small, reply, whole('another'));
    await asked(gateway, { body: { stream: false } });
    assert.deepEqual(await asked(gateway, { body: { stream: false } }), ['another', 'miss']);
  });

  test('a long answer is replayed in pieces, a batch at a time', async () => {
    const long = 'Ten words of text that go on and on and 😀. '.repeat(200).trim();
    const gateway = new TestGateway(CACHED, streamed(long));
    await asked(gateway);
    const answer = await new Client(gateway).ask();
    const first = await answer.next();
    const rest = await framesOf(answer);
    assert.equal(first?.length, 16);
    const frames = [...(first ?? []), ...rest];
    assert.equal(textOf(frames), long);
    const lengths = frames.flatMap(({ events }) => events.map((event) => ('text' in event ? event.text.length : 0)));
    assert.equal(Math.max(...lengths) <= 200, true);
  });

  test('only requests with temperature 0 are kept, unless all are', async () => {
    for (const [body, cache] of [
      [{}, 'bypass'],
      [{ temperature: 0.5 }, 'bypass'],
      [{ temperature: 0 }, 'miss'],
    ] as const) {
      const config = { ...CACHED, cache: { isEnabled: true } };
      assert.deepEqual(await asked(new TestGateway(config, streamed('Hi')), { body }), ['Hi', cache]);
    }
  });

  test('nothing is kept unless it is switched on, for all or for a chain', async () => {
    const chains = {
      main: { targets: ['a/one'], cache: { isEnabled: true, requests: 'all' } },
      off: ['a/one'],
    } as const;
    const gateway = new TestGateway({ ...CACHED, cache: {}, chains }, streamed('Hi'));
    assert.deepEqual(await asked(gateway), ['Hi', 'miss']);
    assert.deepEqual(await asked(gateway), ['Hi', 'hit']);
    assert.deepEqual(await asked(gateway, { body: { model: 'off' } }), ['Hi', undefined]);
    assert.deepEqual(await asked(gateway, { body: { model: 'off' } }), ['Hi', undefined]);
    assert.equal(gateway.http.calls.length, 3);
  });

  test('a chain with other targets knows nothing of what was kept before', async () => {
    const gateway = new TestGateway(CACHED, streamed('one'), streamed('two'));
    await asked(gateway);
    gateway.router = routerOf({ ...CACHED, chains: { main: ['b/two'] } });
    assert.deepEqual(await asked(gateway), ['two', 'miss']);
  });

  test('requests with the client’s own keys or with tools that the provider runs are not kept', async () => {
    const gateway = new TestGateway(CACHED, streamed('Hi'));
    assert.deepEqual(await asked(gateway, { ownKeys: new Map([['openai-compatible', 'k']]) }), ['Hi', 'bypass']);
    const tools = [{ type: 'web_search', web_search: {} }];
    assert.deepEqual(await asked(gateway, { body: { tools } }), ['Hi', 'bypass']);
  });

  test('tenants never share an answer, unless the scope is shared', async () => {
    const gateway = new TestGateway(CACHED, streamed('for a'), streamed('for b'));
    assert.deepEqual(await asked(gateway, { tenant: 'a' }), ['for a', 'miss']);
    assert.deepEqual(await asked(gateway, { tenant: 'b' }), ['for b', 'miss']);
    assert.deepEqual(await asked(gateway, { tenant: 'a' }), ['for a', 'hit']);
    const cache = { ...CACHED.cache, scope: 'shared' } as const;
    const shared = new TestGateway({ ...CACHED, cache }, streamed('for all'), streamed('no'));
    assert.deepEqual(await asked(shared, { tenant: 'a' }), ['for all', 'miss']);
    assert.deepEqual(await asked(shared, { tenant: 'b' }), ['for all', 'hit']);
  });

  test('an answer that is incomplete, refused, empty or broken is not kept', async () => {
    const finish = (reason: string) =>
      sse({
        id: 'c',
        object: 'chat.completion.chunk',
        created: 1,
        model: 'up',
        choices: [{ index: 0, delta: {}, finish_reason: reason }],
      });
    const broken: readonly FakeReply[] = [
      stream([ROLE, text('Hi'), finish('content_filter'), DONE]),
      stream([ROLE, text('Hi'), finish('length'), DONE]),
      stream([ROLE, text('Hi'), finish('odd'), DONE]),
      stream([ROLE, finish('stop'), DONE]),
      stream([ROLE, text('Hi')], 'cut'),
      stream([ROLE, text('Hi'), sse({ error: { message: 'no', type: 'server_error' } })]),
      failed(400),
    ];
    for (const reply of broken) {
      const gateway = new TestGateway(CACHED, reply, streamed('whole'));
      await asked(gateway).catch(() => undefined);
      assert.deepEqual(await asked(gateway), ['whole', 'miss']);
    }
  });

  test('an answer that is cut by the client’s own bound is complete', async () => {
    const cut = {
      ...completion('Hi'),
      choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'length' }],
    };
    const gateway = new TestGateway(CACHED, { headers: JSON_HEADERS, chunks: [cut] });
    const asking = { body: { stream: false, max_tokens: 1 } };
    assert.deepEqual(await asked(gateway, asking), ['Hi', 'miss']);
    assert.deepEqual(await asked(gateway, asking), ['Hi', 'hit']);
  });
});

describe('what a client says of the cache', () => {
  const kept = async () => {
    const gateway = new TestGateway(CACHED, streamed('old'), streamed('new'));
    await asked(gateway);
    gateway.clock.advance(10_000);
    return gateway;
  };
  const control = (value: string) => ({ headers: { 'cache-control': value } });

  test('no-store neither reads nor keeps', async () => {
    const gateway = await kept();
    assert.deepEqual(await asked(gateway, control('no-store')), ['new', 'bypass']);
    assert.deepEqual(await asked(gateway), ['old', 'hit']);
  });

  test('no-cache asks anew and keeps that', async () => {
    const gateway = await kept();
    assert.deepEqual(await asked(gateway, control('No-Cache')), ['new', 'miss']);
    assert.deepEqual(await asked(gateway), ['new', 'hit']);
  });

  test('max-age takes no older answer', async () => {
    const gateway = await kept();
    assert.deepEqual(await asked(gateway, control('foo, max-age=10')), ['old', 'hit']);
    assert.deepEqual(await asked(gateway, control('max-age=9')), ['new', 'miss']);
    assert.deepEqual(await asked(gateway, control('max-age=0')), ['new', 'miss']);
  });

  test('only-if-cached never buys', async () => {
    const gateway = await kept();
    assert.deepEqual(await asked(gateway, control('only-if-cached')), ['old', 'hit']);
    const error = await failureOf(asked(gateway, { ...control('only-if-cached'), body: { seed: 1 } }));
    assert.deepEqual([error.code, error.status], ['not_cached', 504]);
    const bypassed = await failureOf(asked(gateway, { ...control('only-if-cached'), ownKeys: new Map([['x', 'y']]) }));
    assert.equal(bypassed.code, 'not_cached');
    assert.equal(gateway.http.calls.length, 1);
  });

  test('a namespace keeps its answers apart, and can be cleared alone', async () => {
    const gateway = new TestGateway(CACHED, streamed('plain'), streamed('mine'), streamed('again'));
    const named = { headers: { 'x-flowmesh-cache-namespace': 'run:7' } };
    assert.deepEqual(await asked(gateway), ['plain', 'miss']);
    assert.deepEqual(await asked(gateway, named), ['mine', 'miss']);
    assert.deepEqual(await asked(gateway, named), ['mine', 'hit']);
    assert.equal(gateway.store.clear({ scope: '', namespace: 'run:7' }), 1);
    assert.deepEqual(await asked(gateway, named), ['again', 'miss']);
    assert.deepEqual(await asked(gateway), ['plain', 'hit']);
    const error = await failureOf(asked(gateway, { headers: { 'x-flowmesh-cache-namespace': 'a b' } }));
    assert.deepEqual([error.code, error.param], ['bad_request', 'x-flowmesh-cache-namespace']);
  });

  test('an answer whose space is cleared while it is made is not kept', async () => {
    const gateway = new TestGateway(CACHED, streamed('old'), streamed('new'));
    const answer = await new Client(gateway).ask();
    gateway.store.clear({ scope: '', namespace: '' });
    assert.equal(textOf(await framesOf(answer)), 'old');
    assert.deepEqual(await asked(gateway), ['new', 'miss']);
  });
});

describe('equal requests at once', () => {
  test('a hundred of them make one call, and one of them pays', async () => {
    const gateway = new TestGateway(CACHED, streamed('Hel', 'lo'));
    const clients = Array.from(
      { length: 100 },
      (_, index) => new Client(gateway, { body: { stream: index % 2 === 0 } }),
    );
    const texts = await Promise.all(clients.map(async (client) => textOf(await framesOf(await client.ask()))));
    assert.deepEqual(new Set(texts), new Set(['Hello']));
    assert.equal(gateway.http.calls.length, 1);
    const outcomes = clients.map(({ trace }) => trace.cache);
    assert.deepEqual(
      [outcomes.filter((one) => one === 'miss').length, outcomes.filter((one) => one === 'shared').length],
      [1, 99],
    );
    assert.deepEqual(new Set(clients.map(({ trace }) => trace.usage?.outputTokens)), new Set([7]));
    assert.deepEqual(new Set(clients.map(({ trace }) => trace.target)), new Set(['a/one']));
    assert.equal(gateway.health.inFlight('a/one'), 0);
    assert.equal(gateway.clock.timerCount, 0);
  });

  test('only the first gets the upstream’s own words, in which its own fields may be repeated', async () => {
    const gateway = new TestGateway(CACHED, streamed('Hello'));
    const answers = await Promise.all([1, 2].map(async () => framesOf(await new Client(gateway).ask())));
    const starts = answers.map((frames) => frames.flatMap(({ events }) => events)[0]);
    assert.deepEqual(
      starts.map((event) => event?.type === 'response-start' && [event.id, event.createdAt]),
      [
        ['chatcmpl-1', 1_700_000_000],
        ['', undefined],
      ],
    );
    assert.deepEqual(
      answers.map((frames) => frames.some(({ original }) => original !== undefined)),
      [true, false],
    );
  });

  test('tenants never join each other', async () => {
    const gateway = new TestGateway(CACHED, streamed('one'), streamed('two'));
    const results = await Promise.all(['a', 'b'].map((tenant) => asked(gateway, { tenant })));
    assert.deepEqual(results, [
      ['one', 'miss'],
      ['two', 'miss'],
    ]);
  });

  test('whoever wants a fresh answer gets one of its own', async () => {
    const gateway = new TestGateway(CACHED, streamed('one'), streamed('two'));
    const fresh = { headers: { 'cache-control': 'no-cache' } };
    const results = await Promise.all([asked(gateway), asked(gateway, fresh)]);
    assert.deepEqual(
      results.map(([, cache]) => cache),
      ['miss', 'miss'],
    );
    assert.equal(gateway.http.calls.length, 2);
  });

  test('who comes in the middle reads from the beginning, and a slow reader holds nobody up', async () => {
    const gateway = new TestGateway(CACHED, streamed('a', 'b', 'c'));
    const slow = await new Client(gateway).ask();
    await slow.next();
    assert.deepEqual(await asked(gateway), ['abc', 'shared']);
    assert.equal(textOf(await framesOf(slow)), 'bc');
  });

  test('the upstream goes on when the first client leaves, and another one pays', async () => {
    const gateway = new TestGateway(CACHED, streamed('a', 'b'));
    const [first, second] = [new Client(gateway), new Client(gateway)];
    const leaving = await first.ask();
    const staying = await second.ask();
    await leaving.next();
    first.leave();
    assert.equal((await failureOf(framesOf(leaving))).code, 'client_closed');
    assert.equal(textOf(await framesOf(staying)), 'ab');
    assert.deepEqual([first.trace.cache, second.trace.cache], ['shared', 'miss']);
    assert.equal(gateway.http.calls[0]?.isAborted, false);
    assert.deepEqual(await asked(gateway), ['ab', 'hit']);
  });

  test('a client that leaves before the first content leaves the others alone', async () => {
    const gateway = new TestGateway(CACHED, stream([ROLE], 'hang'));
    const [first, second] = [new Client(gateway), new Client(gateway)];
    const answers = [failureOf(first.ask()), failureOf(second.ask())];
    await settled();
    first.leave();
    assert.equal((await answers[0])?.code, 'client_closed');
    await settled();
    assert.equal(gateway.http.calls[0]?.isAborted, false);
    assert.equal(first.trace.cache, 'shared', 'the one who waits on pays');
    second.leave();
    assert.equal((await answers[1])?.code, 'client_closed');
    await settled();
    assert.equal(gateway.http.calls[0]?.isAborted, true);
    assert.equal(gateway.health.inFlight('a/one'), 0);
    assert.equal(gateway.clock.timerCount, 0);
  });

  test('when the last reader has left, the upstream is stopped', async () => {
    const gateway = new TestGateway(CACHED, stream([ROLE, text('a')], 'hang'), streamed('new'));
    const clients = [new Client(gateway), new Client(gateway)];
    const answers = await Promise.all(clients.map((client) => client.ask()));
    const reading = answers.map((answer) => failureOf(framesOf(answer)));
    await settled();
    for (const client of clients) client.leave();
    assert.deepEqual(
      (await Promise.all(reading)).map(({ code }) => code),
      ['client_closed', 'client_closed'],
    );
    await settled();
    assert.equal(gateway.http.openCount, 0);
    assert.equal(gateway.health.inFlight('a/one'), 0);
    assert.equal(gateway.clock.timerCount, 0);
    assert.deepEqual(await asked(gateway), ['new', 'miss']);
  });

  test('a failure before the first content is everybody’s, for the chain has been tried for all of them', async () => {
    const gateway = new TestGateway(CACHED, failed(503), streamed('later'));
    const errors = await Promise.all([1, 2, 3].map(() => failureOf(new Client(gateway).ask())));
    assert.deepEqual(
      errors.map(({ code }) => code),
      ['upstream_overloaded', 'upstream_overloaded', 'upstream_overloaded'],
    );
    assert.equal(gateway.http.calls.length, 1);
    assert.deepEqual(await asked(gateway), ['later', 'miss']);
  });

  test('a failure in the middle reaches everybody after what came before it', async () => {
    const gateway = new TestGateway(
      { ...CACHED, cooldown: { failures: 1 } },
      stream([ROLE, text('a'), text('b')], 'cut'),
    );
    const answers = await Promise.all([1, 2].map(() => new Client(gateway).ask()));
    for (const answer of answers) {
      const seen: Frame[] = [];
      const error = await failureOf(
        (async () => {
          for (let batch = await answer.next(); batch; batch = await answer.next()) seen.push(...batch);
        })(),
      );
      assert.equal(error.code, 'upstream_cut');
      assert.equal(textOf(seen), 'ab');
    }
    assert.equal(gateway.health.inFlight('a/one'), 0);
    assert.equal(gateway.health.state('a/one'), 'open');
  });

  test('past what may wait in memory nobody may join, and the slowest reader sets the pace', async () => {
    const piece = 'x'.repeat(1_000_000);
    const gateway = new TestGateway(CACHED, streamed(...Array.from({ length: 12 }, () => piece)), streamed('other'));
    const [slow, fast] = await Promise.all([new Client(gateway).ask(), new Client(gateway).ask()]);
    await slow?.next();
    let length = 0;
    const reading = (async () => {
      for (let batch = await fast?.next(); batch; batch = await fast?.next()) length += textOf(batch).length;
    })();
    await settled();
    assert.equal(length, 6_000_000, 'held up by the slow one');
    assert.deepEqual(await asked(gateway), ['other', 'miss']);
    assert.equal(textOf(await framesOf(slow as Answer)).length, 11_000_000);
    await reading;
    assert.equal(length, 12_000_000);
  });
});

test('usage that the upstream did not tell is estimated for a kept answer, too', async () => {
  const gateway = new TestGateway(
    CACHED,
    stream([
      ROLE,
      text('Hello there'),
      sse({
        id: 'c',
        object: 'chat.completion.chunk',
        created: 1,
        model: 'up',
        choices: [{ index: 0, delta: {}, finish_reason: 'stop' }],
      }),
      DONE,
    ]),
  );
  await asked(gateway);
  const client = new Client(gateway);
  await framesOf(await client.ask());
  assert.equal(client.trace.cache, 'hit');
  assert.equal(client.trace.usage?.isEstimated, true);
});
