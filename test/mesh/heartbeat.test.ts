import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  composeHeartbeat,
  HEARTBEAT_BYTES_MAX,
  modelHash,
  modelsDigest,
  parseHeartbeat,
  parseModels,
  renderHeartbeat,
} from '../../src/mesh/heartbeat.ts';
import { HeartbeatClock } from '../../src/mesh/heartbeat-clock.ts';
import type { LocalStatus } from '../../src/mesh/local-status.ts';
import { idle } from '../support/sim-mesh.ts';

const EXTRAS = {
  incarnation: 1_234,
  sequence: 987_654,
  intervalMs: 1_000,
  loopLagMs: 12,
  wallMs: 1_800_000_000_000,
  membershipDigest: 'abcdefghijkl',
  isLeaving: false,
};

function busy(modelCount: number): LocalStatus {
  const models = Array.from({ length: modelCount }, (_, index) => ({
    model: `some-vendor/a-rather-long-model-name-${index}-instruct-q4_k_m`,
    contextLength: 131_072,
    ttftMs: 1_234.567 + index,
    tokensPerSecond: 98.7,
    errorRate: 0.123,
    ...(index % 10 === 3 && { breaker: 'open' as const }),
  }));
  const replicationDigest = 'r'.repeat(64);
  return { state: 'overloaded', inFlight: 250, queued: 17, capacity: 256, headroom: 1_000, models, replicationDigest };
}

for (const count of [0, 1, 50, 1_000]) {
  test(`a heartbeat of ${count} models in use fits into one kilobyte, and says what it said`, () => {
    const status = busy(count);
    const bytes = renderHeartbeat(composeHeartbeat(status, EXTRAS));
    assert.ok(bytes.length <= HEARTBEAT_BYTES_MAX, `${bytes.length} bytes`);
    const heartbeat = parseHeartbeat(bytes);
    assert.ok(heartbeat);
    const { measures, ...rest } = heartbeat;
    const { isLeaving: _never, ...extras } = EXTRAS;
    assert.deepEqual(rest, {
      ...extras,
      state: 'overloaded',
      inFlight: 250,
      queued: 17,
      capacity: 256,
      headroom: 1_000,
      modelsDigest: modelsDigest(status.models),
      replicationDigest: 'r'.repeat(64),
    });
    assert.equal(measures.length, Math.min(count, 12));
  });
}

test('models with an open circuit come first', () => {
  const heartbeat = parseHeartbeat(renderHeartbeat(composeHeartbeat(busy(50), EXTRAS)));
  assert.deepEqual(heartbeat?.measures[0], {
    modelHash: modelHash('some-vendor/a-rather-long-model-name-3-instruct-q4_k_m'),
    ttftMs: 1_238,
    tokensPerSecond: 99,
    errorRate: 0.12,
    breaker: 'open',
  });
  assert.deepEqual(heartbeat?.measures.map(({ breaker }) => breaker).slice(0, 6), [
    'open',
    'open',
    'open',
    'open',
    'open',
    undefined,
  ]);
});

const UNREADABLE: readonly [what: string, text: string][] = [
  ['no JSON', 'hello'],
  ['another version', '{"v":2}'],
  ['a number that is none', '{"v":1,"i":"1","n":1,"s":0,"e":1,"f":0,"q":0,"c":1,"l":0,"w":0,"d":"","m":"","p":[]}'],
  ['a negative one', '{"v":1,"i":-1,"n":1,"s":0,"e":1,"f":0,"q":0,"c":1,"l":0,"w":0,"d":"","m":"","p":[]}'],
  ['an unknown state', '{"v":1,"i":1,"n":1,"s":9,"e":1,"f":0,"q":0,"c":1,"l":0,"w":0,"d":"","m":"","p":[]}'],
  [
    'more than a kilobyte',
    `{"v":1,"i":1,"n":1,"s":0,"e":1,"f":0,"q":0,"c":1,"l":0,"w":0,"d":"","m":"","p":[],"x":"${'x'.repeat(1_024)}"}`,
  ],
];

for (const [what, text] of UNREADABLE) {
  test(`${what} is no heartbeat`, () => assert.equal(parseHeartbeat(Buffer.from(text)), undefined));
}

test('a list of models that is none, or endless, is not taken', () => {
  assert.deepEqual(parseModels([{ model: 'a', contextLength: 5, extra: 1 }, 7, { model: 3 }], 10), [
    { model: 'a', contextLength: 5 },
  ]);
  assert.equal(parseModels('a', 10), undefined);
  assert.equal(parseModels(Array(11).fill({ model: 'a' }), 10), undefined);
});

test('heartbeats come each second while things change, every five when idle, and at once when it matters', () => {
  const clock = new HeartbeatClock();
  const sent: string[] = [];
  let status = idle(['a']);
  const run = (from: number, to: number): void => {
    for (let now = from; now < to; now += 200) {
      const intervalMs = clock.due(now, status, '', 5);
      if (intervalMs !== undefined) sent.push(`${now}: ${intervalMs}`);
    }
  };
  run(0, 15_000);
  assert.deepEqual(sent.splice(0), [
    '0: 1000',
    '1000: 1000',
    '2000: 1000',
    '3000: 1000',
    '4000: 5000',
    '9000: 5000',
    '14000: 5000',
  ]);
  status = { ...status, inFlight: 1 };
  run(15_000, 15_400);
  assert.deepEqual(sent.splice(0), ['15000: 1000']);
  status = { ...status, inFlight: 2 };
  run(15_400, 16_200);
  assert.deepEqual(sent.splice(0), ['16000: 1000'], 'ordinary changes wait for their second');
  status = { ...status, state: 'draining' };
  run(16_200, 16_400);
  assert.deepEqual(sent.splice(0), ['16200: 1000']);
});

test('in a large mesh they come less often, so that nobody hears more of them', () => {
  const clock = new HeartbeatClock();
  assert.equal(clock.due(0, idle([]), '', 320), 10_000);
  assert.equal(clock.due(5_000, idle([]), '', 320), undefined);
});
