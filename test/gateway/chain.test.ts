import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ErrorCode } from '../../src/errors.ts';
import { failed, streamed, whole } from '../support/chat-wire.ts';
import { settled } from '../support/fake-http.ts';
import type { PartialConfig } from '../support/node.ts';
import { failureOf, TestGateway, TWO_TARGETS } from './support.ts';

const RETRYING: PartialConfig = { ...TWO_TARGETS, retries: { max: 2, backoffMs: 100, backoffMaxMs: 1_000 } };
const KEYS = (...keys: string[]): PartialConfig => ({
  ...TWO_TARGETS,
  accounts: { a: { url: 'http://a.test', keys }, b: { url: 'http://b.test' } },
});

function keysSent(gateway: TestGateway): string[] {
  return gateway.http.calls.map(({ request }) => request.headers.authorization ?? 'none');
}

/** Moves the clock until the request has ended. */
async function patiently<T>(gateway: TestGateway, action: Promise<T>): Promise<T> {
  let isOver = false;
  const over = (): void => {
    isOver = true;
  };
  action.then(over, over);
  for (let step = 0; step < 100 && !isOver; step += 1) await gateway.advance(100);
  return action;
}

test('targets are tried in their order, and the first that answers ends the walk', async () => {
  const gateway = new TestGateway(TWO_TARGETS, streamed('Hi'));
  await gateway.text();
  assert.deepEqual(gateway.hosts, ['a']);
});

test('targets that fail are passed in order', async () => {
  const chain = {
    accounts: { a: { url: 'http://a.test' }, b: { url: 'http://b.test' }, c: { url: 'http://c.test' } },
    chains: { main: ['a/one', 'b/two', 'c/three'] },
    retries: { max: 0 },
  };
  const gateway = new TestGateway(chain, failed(500), 'refuse', streamed('Hi'));
  const context = gateway.context();
  await gateway.text({}, context);
  assert.deepEqual(gateway.hosts, ['a', 'b', 'c']);
  assert.equal(context.trace.target, 'c/three');
  assert.equal(context.trace.attemptCount, 3);
  assert.deepEqual(
    context.trace.failures.map(({ target, code }) => [target, code]),
    [
      ['a/one', 'upstream_error'],
      ['b/two', 'upstream_unreachable'],
    ],
  );
});

/** Status of the first target → hosts called, and whether the client got an answer. */
const CLASSES: readonly [status: number, hosts: string, isAnswered: boolean, code: ErrorCode][] = [
  [400, 'a', false, 'bad_request'],
  [401, 'ab', true, 'upstream_authentication'],
  [402, 'ab', true, 'upstream_quota'],
  [403, 'ab', true, 'upstream_permission'],
  [404, 'ab', true, 'upstream_not_found'],
  [408, 'ab', true, 'upstream_timeout'],
  [413, 'ab', true, 'body_too_large'],
  [422, 'a', false, 'unprocessable'],
  [429, 'ab', true, 'upstream_rate_limited'],
  [500, 'aaab', true, 'upstream_error'],
  [502, 'aaab', true, 'upstream_error'],
  [503, 'aaab', true, 'upstream_overloaded'],
  [504, 'ab', true, 'upstream_timeout'],
  [529, 'aaab', true, 'upstream_overloaded'],
];

for (const [status, hosts, isAnswered, code] of CLASSES) {
  test(`${status} is ${code}: ${isAnswered ? `answered after ${hosts}` : 'final'}`, async () => {
    const gateway = new TestGateway({ ...RETRYING, cooldown: { failures: 100 } });
    gateway.http.script = ({ url }) => (url.startsWith('http://a.') ? failed(status) : streamed('Hi'));
    const context = gateway.context();
    const outcome = patiently(gateway, gateway.text({}, context));
    if (isAnswered) await outcome;
    else assert.equal((await failureOf(outcome)).code, code);
    assert.equal(gateway.hosts.join(''), hosts);
    assert.equal(context.trace.failures[0]?.code, code);
  });
}

test('no connection, a reset and a cut before the first content are retried like a 500', async () => {
  for (const reply of ['refuse', 'reset', { chunks: [], ending: 'cut' }] as const) {
    const gateway = new TestGateway({ ...RETRYING, cooldown: { failures: 100 } });
    gateway.http.script = ({ url }) => (url.startsWith('http://a.') ? reply : streamed('Hi'));
    await patiently(gateway, gateway.text());
    assert.equal(gateway.hosts.join(''), 'aaab');
  }
});

test('backoff doubles from its start to its bound, and half of it is chance', async () => {
  for (const [chance, waits] of [
    [0, [50, 100, 150]],
    [1, [100, 200, 300]],
  ] as const) {
    const gateway = new TestGateway(
      {
        ...TWO_TARGETS,
        chains: { main: ['a/one'] },
        retries: { max: 3, backoffMs: 100, backoffMaxMs: 300 },
        cooldown: { failures: 100 },
      },
      failed(500),
    );
    (gateway.deps as { random: unknown }).random = { next: () => chance, uuid: () => '' };
    const outcome = failureOf(gateway.text());
    for (const [index, wait] of waits.entries()) {
      await gateway.advance(wait - 1);
      assert.equal(gateway.hosts.length, index + 1, `nothing happens before ${wait} ms`);
      await gateway.advance(1);
      assert.equal(gateway.hosts.length, index + 2);
    }
    await patiently(gateway, outcome);
  }
});

test('a Retry-After that is short is waited for instead of the backoff', async () => {
  const gateway = new TestGateway(RETRYING, failed(503, { headers: { 'retry-after': '1' } }), streamed('Hi'));
  const text = gateway.text();
  await gateway.advance(999);
  assert.deepEqual(gateway.hosts, ['a']);
  await gateway.advance(1);
  assert.deepEqual(gateway.hosts, ['a', 'a']);
  await text;
});

test('a Retry-After longer than the backoff sends the request on at once and leaves the target alone until then', async () => {
  const gateway = new TestGateway(RETRYING, failed(503, { headers: { 'retry-after': '30' } }), streamed('Hi'));
  await gateway.text();
  assert.deepEqual(gateway.hosts, ['a', 'b']);
  await gateway.text();
  assert.deepEqual(gateway.hosts, ['a', 'b', 'b']);
  gateway.clock.advance(30_000);
  await gateway.text();
  assert.deepEqual(gateway.hosts, ['a', 'b', 'b', 'a']);
});

test('a target whose circuit opens by the failure is not waited for', async () => {
  const gateway = new TestGateway({ ...RETRYING, cooldown: { failures: 1 } }, failed(500), streamed('Hi'));
  await gateway.text();
  assert.deepEqual(gateway.hosts, ['a', 'b']);
});

test('an open circuit is skipped without an attempt, and probed once when its cooldown is over', async () => {
  const gateway = new TestGateway({ ...TWO_TARGETS, cooldown: { failures: 1, baseMs: 5_000 } });
  gateway.http.script = ({ url }) => (url.startsWith('http://a.') ? failed(500) : streamed('Hi'));
  for (let count = 0; count < 3; count += 1) await gateway.text();
  assert.deepEqual(gateway.hosts, ['a', 'b', 'b', 'b']);
  gateway.clock.advance(5_000);
  gateway.http.script = ({ url }) => (url.startsWith('http://a.') ? 'hang' : streamed('Hi'));
  const context = gateway.context();
  const probe = failureOf(gateway.text({}, context));
  await settled();
  await gateway.text();
  assert.deepEqual(gateway.hosts, ['a', 'b', 'b', 'b', 'a', 'b']);
  context.leave();
  assert.equal((await probe).code, 'client_closed');
});

test('a rate limit moves to the next key of the account at once, and the next request begins there', async () => {
  const gateway = new TestGateway(KEYS('k1', 'k2'), failed(429), streamed('Hi'));
  await gateway.text();
  await gateway.text();
  assert.deepEqual(gateway.hosts, ['a', 'a', 'a']);
  assert.deepEqual(keysSent(gateway), ['Bearer k1', 'Bearer k2', 'Bearer k2']);
});

test('a rate limit of one model leaves the key to the others', async () => {
  const gateway = new TestGateway(KEYS('k1'), failed(429, { headers: { 'retry-after': '60' } }), streamed('Hi'));
  await gateway.text();
  await gateway.text({ model: 'a/other' });
  assert.deepEqual(gateway.hosts, ['a', 'b', 'a']);
});

for (const status of [401, 402, 403]) {
  test(`a key refused with ${status} is set aside for every model, and the next one is tried`, async () => {
    const gateway = new TestGateway(KEYS('k1', 'k2'), failed(status), streamed('Hi'));
    await gateway.text();
    await gateway.text({ model: 'a/other' });
    assert.deepEqual(keysSent(gateway), ['Bearer k1', 'Bearer k2', 'Bearer k2']);
    gateway.clock.advance(60_000);
    await gateway.text();
    assert.deepEqual(keysSent(gateway).at(-1), 'Bearer k2');
  });
}

test('when every key is set aside the request goes on to the next target', async () => {
  const gateway = new TestGateway(KEYS('k1', 'k2'), failed(429), failed(401), streamed('Hi'));
  await gateway.text();
  assert.deepEqual(gateway.hosts, ['a', 'a', 'b']);
  await gateway.text();
  assert.deepEqual(gateway.hosts, ['a', 'a', 'b', 'b']);
});

test('rate limits and refused keys do not count on the circuit', async () => {
  const gateway = new TestGateway({ ...KEYS('k1', 'k2', 'k3'), cooldown: { failures: 1 } }, failed(429), failed(401));
  await gateway.failure();
  assert.equal(gateway.health.state('a/one'), 'closed');
});

test('a Retry-After of a rate limit is kept to', async () => {
  const gateway = new TestGateway(KEYS('k1'), failed(429, { headers: { 'retry-after': '20' } }), streamed('Hi'));
  await gateway.text();
  gateway.clock.advance(19_999);
  await gateway.text();
  gateway.clock.advance(1);
  await gateway.text();
  assert.deepEqual(gateway.hosts, ['a', 'b', 'b', 'a']);
});

const DETOURS: PartialConfig = {
  accounts: {
    a: { url: 'http://a.test' },
    b: { url: 'http://b.test' },
    long: { url: 'http://long.test' },
    free: { url: 'http://free.test' },
  },
  retries: { max: 0 },
};
const TOO_LONG = failed(400, { message: 'maximum context length is 10', code: 'context_length_exceeded' });
const FILTERED = failed(400, { message: 'content management policy', code: 'content_filter' });

test('a prompt that is too long goes to its own list instead of the rest of the chain', async () => {
  const chains = { main: { targets: ['a/one', 'b/two'], onContextLength: ['long/one', 'long/two'] } };
  const gateway = new TestGateway({ ...DETOURS, chains }, TOO_LONG, failed(500), streamed('Hi'));
  await gateway.text();
  assert.deepEqual(gateway.hosts, ['a', 'long', 'long']);
});

test('without a list of its own, a prompt that is too long goes on in the chain', async () => {
  const gateway = new TestGateway({ ...DETOURS, chains: { main: ['a/one', 'b/two'] } }, TOO_LONG, streamed('Hi'));
  await gateway.text();
  assert.deepEqual(gateway.hosts, ['a', 'b']);
});

test('a prompt too long everywhere ends with that message, having gone round once', async () => {
  const chains = { main: { targets: ['a/one', 'b/two'], onContextLength: ['long/one'] } };
  const gateway = new TestGateway({ ...DETOURS, chains }, TOO_LONG);
  const error = await gateway.failure();
  assert.equal(error.code, 'context_length_exceeded');
  assert.equal(error.status, 400);
  assert.deepEqual(gateway.hosts, ['a', 'long']);
});

test('a refusal by content policy goes to its own list', async () => {
  const chains = { main: { targets: ['a/one', 'b/two'], onContentFilter: ['free/one'] } };
  const gateway = new TestGateway({ ...DETOURS, chains }, FILTERED, streamed('Hi'));
  await gateway.text();
  assert.deepEqual(gateway.hosts, ['a', 'free']);
});

test('without such a list a refusal by content policy is final', async () => {
  const gateway = new TestGateway({ ...DETOURS, chains: { main: ['a/one', 'b/two'] } }, FILTERED);
  assert.equal((await gateway.failure()).code, 'content_filtered');
  assert.deepEqual(gateway.hosts, ['a']);
});

test('when all fail, the failure that says most is told, with every attempt in order', async () => {
  const gateway = new TestGateway(TWO_TARGETS, failed(429, { message: 'slow down' }), 'refuse');
  const error = await gateway.failure();
  assert.equal(error.code, 'upstream_rate_limited');
  assert.equal(error.status, 429);
  assert.equal(error.message, 'slow down');
  assert.deepEqual(error.attempts, [
    { target: 'a/one', code: 'upstream_rate_limited', message: 'slow down', durationMs: 0 },
    {
      target: 'b/two',
      code: 'upstream_unreachable',
      message: 'No connection to the upstream could be made (ECONNREFUSED).',
      durationMs: 0,
    },
  ]);
});

test('an overload says more than a missing connection, wherever in the chain it was', async () => {
  const gateway = new TestGateway(TWO_TARGETS, 'refuse', failed(529));
  const error = await gateway.failure();
  assert.equal(error.code, 'upstream_overloaded');
  assert.equal(error.status, 529);
});

test('when every target names a time, the client is told the soonest', async () => {
  const limited = (seconds: string) => failed(429, { headers: { 'retry-after': seconds } });
  const gateway = new TestGateway(TWO_TARGETS, limited('30'), limited('12'));
  assert.equal((await gateway.failure()).retryAfterMs, 12_000);
});

test('of several keys the one that is usable soonest is told', async () => {
  const limited = (seconds: string) => failed(429, { headers: { 'retry-after': seconds } });
  const gateway = new TestGateway({ ...KEYS('k1', 'k2'), chains: { main: ['a/one'] } }, limited('7'), limited('30'));
  assert.equal((await gateway.failure()).retryAfterMs, 7_000);
});

test('a rate limit without a time is told with the time that flowmesh itself waits', async () => {
  const gateway = new TestGateway(
    { ...KEYS('k1'), chains: { main: ['a/one'] }, cooldown: { baseMs: 5_000 } },
    failed(429),
  );
  assert.equal((await gateway.failure()).retryAfterMs, 5_000);
});

test('when one target names no time, only the told failure’s own time counts', async () => {
  const gateway = new TestGateway(TWO_TARGETS, failed(429, { headers: { 'retry-after': '30' } }), failed(500));
  assert.equal((await gateway.failure()).retryAfterMs, 30_000);
  const other = new TestGateway(TWO_TARGETS, failed(500), failed(401));
  assert.equal((await other.failure()).retryAfterMs, undefined);
});

test('while all targets are cooling down nobody is called, and the wait goes down', async () => {
  const config: PartialConfig = { ...TWO_TARGETS, cooldown: { failures: 1, baseMs: 5_000 } };
  const gateway = new TestGateway(config, failed(500));
  await gateway.failure();
  gateway.clock.advance(2_000);
  const error = await gateway.failure();
  assert.equal(gateway.hosts.length, 2);
  assert.equal(error.code, 'unavailable');
  assert.equal(error.status, 503);
  assert.equal(error.retryAfterMs, 3_000);
  assert.equal(error.message, 'a/one is cooling down after failing.');
});

test('while the only key is rate-limited the status stays 429', async () => {
  const config: PartialConfig = { ...KEYS('k1'), chains: { main: ['a/one'] } };
  const gateway = new TestGateway(config, failed(429, { headers: { 'retry-after': '20' } }));
  await gateway.failure();
  gateway.clock.advance(5_000);
  const error = await gateway.failure();
  assert.equal(gateway.hosts.length, 1);
  assert.equal(error.status, 429);
  assert.equal(error.retryAfterMs, 15_000);
});

test('an upstream’s own error body goes along, unless it speaks of our account', async () => {
  const gateway = new TestGateway(TWO_TARGETS, failed(400, { message: 'temperature is too high' }));
  const error = await gateway.failure();
  assert.equal(error.message, 'temperature is too high');
  assert.deepEqual(error.original?.body, {
    error: { message: 'temperature is too high', type: 'error', param: null, code: null },
  });
  const refused = new TestGateway(TWO_TARGETS, failed(401, { message: 'Incorrect API key provided: sk-secret' }));
  const other = await refused.failure();
  assert.equal(other.original, undefined);
  assert.doesNotMatch(JSON.stringify(other), /sk-secret/);
});

test('a client that leaves while its request backs off ends it there', async () => {
  const gateway = new TestGateway(RETRYING, failed(500));
  const context = gateway.context();
  const outcome = gateway.failure({}, context);
  await settled();
  assert.deepEqual(gateway.hosts, ['a']);
  context.leave();
  assert.equal((await outcome).code, 'client_closed');
  await gateway.advance(60_000);
  assert.deepEqual(gateway.hosts, ['a']);
  assert.equal(gateway.clock.timerCount, 0);
});

test('a client that leaves while the upstream is silent ends the call, and nothing else is tried', async () => {
  const gateway = new TestGateway(TWO_TARGETS, 'hang');
  const context = gateway.context();
  const outcome = gateway.failure({}, context);
  await settled();
  assert.equal(gateway.health.inFlight('a/one'), 1);
  context.leave();
  assert.equal((await outcome).code, 'client_closed');
  assert.equal(gateway.http.calls[0]?.isAborted, true);
  assert.deepEqual(gateway.hosts, ['a']);
  assert.equal(gateway.health.inFlight('a/one'), 0);
  assert.equal(gateway.clock.timerCount, 0);
});

test('the total deadline ends the walk wherever it is, and the attempts are told', async () => {
  const gateway = new TestGateway({ ...TWO_TARGETS, timeouts: { totalMs: 1_000 } }, failed(500), 'hang');
  const outcome = gateway.failure();
  await gateway.advance(1_000);
  const error = await outcome;
  assert.equal(error.code, 'upstream_timeout');
  assert.equal(error.message, 'The answer was not complete within 1000 ms.');
  assert.deepEqual(
    error.attempts.map(({ target, code }) => [target, code]),
    [['a/one', 'upstream_error']],
  );
  assert.equal(gateway.http.openCount, 0);
  assert.equal(gateway.health.inFlight('b/two'), 0);
  assert.equal(gateway.clock.timerCount, 0);
});

test('the total deadline says nothing of the target it struck at', async () => {
  const gateway = new TestGateway({ ...TWO_TARGETS, timeouts: { totalMs: 1_000 }, cooldown: { failures: 1 } }, 'hang');
  const outcome = gateway.failure();
  await gateway.advance(1_000);
  await outcome;
  assert.equal(gateway.health.state('a/one'), 'closed');
});

test('waiting for upstreams and for retries is not our overhead', async () => {
  const gateway = new TestGateway({ ...RETRYING, cooldown: { failures: 100 } }, failed(500), whole('Hi'));
  const context = gateway.context();
  const text = gateway.text({ stream: false }, context);
  await gateway.advance(75);
  await text;
  assert.equal(context.trace.waitedMs, 75);
  assert.equal(context.trace.ttftMs, 75);
});

test('the request reaches each target under its own model name, headers and extra fields', async () => {
  const config: PartialConfig = {
    ...TWO_TARGETS,
    accounts: { a: { url: 'http://a.test', headers: { 'x-account': '1' } }, b: { url: 'http://b.test' } },
    chains: {
      main: ['a/one', { account: 'b', model: 'two', headers: { 'x-target': '2' }, extraBody: { temperature: 0 } }],
    },
  };
  const gateway = new TestGateway(config, failed(500), streamed('Hi'));
  await gateway.text({ temperature: 1 });
  const [first, second] = gateway.http.calls.map(({ request }) => ({
    headers: request.headers,
    body: JSON.parse(String(request.body)),
  }));
  assert.deepEqual([first?.body.model, first?.body.temperature, first?.headers['x-account']], ['one', 1, '1']);
  assert.deepEqual([second?.body.model, second?.body.temperature, second?.headers['x-target']], ['two', 0, '2']);
  assert.equal(second?.headers['x-account'], undefined);
  assert.equal(gateway.http.calls[0]?.request.connectTimeoutMs, 5_000);
});
