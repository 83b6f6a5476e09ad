import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { affineCandidate, affinityInUse, affinityKeyOf, isOverloaded } from '../../../src/gateway/routing/affinity.ts';
import { costOptimal } from '../../../src/gateway/routing/strategies/cost-optimal.ts';
import { fastest } from '../../../src/gateway/routing/strategies/fastest.ts';
import { leastLoad } from '../../../src/gateway/routing/strategies/least-load.ts';
import { roundRobin } from '../../../src/gateway/routing/strategies/round-robin.ts';
import type { ChatRequest, Message } from '../../../src/model/chat.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { candidate, context, tally } from './support.ts';

const says = (role: Message['role'], text: string): Message => ({ role, parts: [{ type: 'text', text }] });

function request(body: JsonObject = {}, messages: readonly Message[] = [says('user', 'hi')]): ChatRequest {
  return {
    model: 'm',
    isStream: false,
    messages,
    tools: [],
    sampling: {},
    ...(typeof body.user === 'string' && { endUser: body.user }),
    original: { dialect: 'openai-chat', body },
  };
}

describe('the key of a conversation', () => {
  const keyValue = (...given: Parameters<typeof affinityKeyOf>) => affinityKeyOf(...given)?.value;

  test('is taken from the header, then prompt_cache_key, then the user, then the beginning', () => {
    const body = { prompt_cache_key: 'p', user: 'u' };
    const kinds = [
      affinityKeyOf(request(body), { 'x-session-affinity': 's', 'x-session-id': 't' }),
      affinityKeyOf(request(body), { 'x-session-id': 't' }),
      affinityKeyOf(request(body), {}),
      affinityKeyOf(request({ user: 'u' }), {}),
      affinityKeyOf(request({ metadata: { user_id: 'u' } }), {}),
      affinityKeyOf(request(), {}),
    ];
    assert.deepEqual(
      kinds.map((key) => key?.kind),
      ['session', 'session', 'session', 'user', 'user', 'prefix'],
    );
    const values = kinds.map((key) => key?.value);
    assert.equal(new Set(values).size, 5);
    assert.equal(values[3], values[4]);
  });

  test('does not show what the client sent', () => {
    assert.match(keyValue(request(), { 'x-session-id': 'secret' }) ?? '', /^[0-9a-f]{32}$/);
  });

  test('by the beginning stays the same from turn to turn', () => {
    const first = [says('system', 'Be kind.'), says('user', 'hi')];
    const second = [...first, says('assistant', 'hello'), says('user', 'and now?')];
    assert.equal(keyValue(request({}, first), {}), keyValue(request({}, second), {}));
    assert.notEqual(keyValue(request({}, first), {}), keyValue(request({}, [says('user', 'hi')]), {}));
  });

  test('is missing where there is nothing to go by', () => {
    assert.equal(affinityKeyOf(request({}, [says('system', 'x')]), {}), undefined);
  });

  test('counts as the chain says, and guessed ones only where a provider would cache', () => {
    const session = { kind: 'session', value: 's' } as const;
    const prefix = { kind: 'prefix', value: 'p' } as const;
    assert.equal(affinityInUse(session, 'auto', 10), 's');
    assert.equal(affinityInUse(session, 'session', 10), 's');
    assert.equal(affinityInUse(session, 'off', 5_000), undefined);
    assert.equal(affinityInUse(prefix, 'auto', 1_023), undefined);
    assert.equal(affinityInUse(prefix, 'auto', 1_024), 'p');
    assert.equal(affinityInUse(prefix, 'session', 5_000), undefined);
    assert.equal(affinityInUse(undefined, 'auto', 5_000), undefined);
  });
});

describe('the candidate of a conversation', () => {
  const keys = Array.from({ length: 20_000 }, (_, index) => `conversation ${index}`);
  const group = [candidate('a', { weight: 6 }), candidate('b', { weight: 3 }), candidate('c')];

  test('is shared out by the weights', () => {
    const counts = tally(keys.map((key) => affineCandidate(key, group)?.id));
    const shares = ['a', 'b', 'c'].map((id) => Math.round((counts[id] ?? 0) / 200));
    assert.deepEqual(shares, [60, 30, 10]);
  });

  test('stays when another comes or goes', () => {
    const without = group.filter(({ id }) => id !== 'b');
    for (const key of keys.slice(0, 2_000)) {
      const before = affineCandidate(key, group)?.id;
      if (before !== 'b') assert.equal(affineCandidate(key, without)?.id, before);
    }
  });

  test('is left when it has much more to do than its share, and found again afterwards', () => {
    const equal = (inFlight: number) => [candidate('a', { inFlight }), candidate('b'), candidate('c')];
    const key = keys.find((name) => affineCandidate(name, equal(0))?.id === 'a') ?? '';
    assert.equal(affineCandidate(key, equal(2))?.id, 'a');
    assert.notEqual(affineCandidate(key, equal(8))?.id, 'a');
    assert.equal(affineCandidate(key, equal(1))?.id, 'a');
  });

  test('alone is never too busy', () => {
    assert.equal(isOverloaded(candidate('a', { inFlight: 10_000 }), [candidate('a', { inFlight: 10_000 })]), false);
  });
});

describe('affinity', () => {
  const group = [candidate('a'), candidate('b'), candidate('c')];
  const keyFor = (id: string) =>
    Array.from({ length: 100 }, (_, index) => `k${index}`).find((key) => affineCandidate(key, group)?.id === id) ?? '';

  test('keeps a conversation at its target, where round-robin and least-load would move it', () => {
    const affinityKey = keyFor('b');
    for (let index = 0; index < 10; index += 1) {
      const wheel = new Map([['a', index]]);
      const turn = roundRobin(group, context({ affinityKey, wheel }));
      assert.equal(turn.ordered[0], 'b');
      assert.ok(turn.isAffine);
      const load = leastLoad(
        [candidate('a'), candidate('b', { inFlight: 2 }), candidate('c')],
        context({ affinityKey }),
      );
      assert.equal(load.ordered[0], 'b');
    }
  });

  test('does not turn the wheel, so that new conversations are still spread evenly', () => {
    assert.equal(roundRobin(group, context({ affinityKey: keyFor('b') })).wheel, undefined);
  });

  test('with fastest holds only while the target is about as fast as the best', () => {
    const at = (ttftMs: number) => ({ ttft: { ttftMs, ageMs: 0 } });
    const timed = (b: number) => [candidate('a', at(400)), candidate('b', at(b)), candidate('c', at(500))];
    const affinityKey = keyFor('b');
    assert.equal(fastest(timed(590), context({ affinityKey })).ordered[0], 'b');
    assert.equal(fastest(timed(610), context({ affinityKey })).ordered[0] === 'b', false);
  });

  test('with cost-optimal decides among equals only', () => {
    const priced = (input: number) => ({ price: { input, output: 1 } });
    const affinityKey = keyFor('b');
    const equals = [candidate('a', priced(1)), candidate('b', priced(1)), candidate('c', priced(1))];
    assert.equal(costOptimal(equals, context({ affinityKey })).ordered[0], 'b');
    const others = [candidate('a', priced(1)), candidate('b', priced(1.01)), candidate('c', priced(1))];
    assert.equal(costOptimal(others, context({ affinityKey })).ordered.indexOf('b'), 2);
  });

  test('never leads to a target that cools down', () => {
    const affinityKey = keyFor('b');
    const cooling = [candidate('a'), candidate('b', { isCoolingDown: true }), candidate('c')];
    for (const strategy of [roundRobin, leastLoad, fastest]) {
      assert.equal(strategy(cooling, context({ affinityKey })).ordered.at(-1), 'b');
    }
  });

  test('keeps nine in ten of the requests of ten-turn conversations at a warm target, round-robin alone one in three', () => {
    const warm = (isKept: boolean): number => {
      const lastOf = new Map<number, string>();
      let hits = 0;
      let wheel = new Map() as ReadonlyMap<string, number>;
      for (let turn = 0; turn < 10; turn += 1) {
        for (let conversation = 0; conversation < 100; conversation += 1) {
          const affinityKey = isKept ? `conversation ${conversation}` : undefined;
          const ordering = roundRobin(group, context({ affinityKey, wheel }));
          wheel = ordering.wheel ?? wheel;
          const id = ordering.ordered[0] ?? '';
          if (lastOf.get(conversation) === id) hits += 1;
          lastOf.set(conversation, id);
        }
      }
      return hits;
    };
    assert.equal(warm(true), 900);
    assert.ok(warm(false) < 400);
  });
});
