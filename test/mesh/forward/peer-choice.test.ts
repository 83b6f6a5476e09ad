import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type PeerCandidate, rankPeers } from '../../../src/mesh/forward/peer-choice.ts';
import { seededRandom } from '../../support/seeded-random.ts';

function candidate(peer: string, more: Partial<PeerCandidate> = {}): PeerCandidate {
  return { peer, name: peer, model: 'm', inFlight: 0, unanswered: 0, capacity: 100, ttftMs: 100, ...more };
}

const names = (peers: readonly { readonly peer: string }[]) => peers.map(({ peer }) => peer);

describe('the order of members', () => {
  test('the better of two drawn members is first, the others follow by their cost', () => {
    const peers = [candidate('slow', { ttftMs: 900 }), candidate('fast'), candidate('busy', { inFlight: 3 })];
    const draws =
      (...values: number[]) =>
      () =>
        values.shift() ?? 0;
    assert.deepEqual(names(rankPeers(peers, undefined, draws(0.99, 0.99))), ['busy', 'fast', 'slow']);
    assert.deepEqual(names(rankPeers(peers, undefined, draws(0, 0.99))), ['fast', 'busy', 'slow']);
  });

  test('load is spread in proportion, though everybody sees it late', () => {
    const random = seededRandom(7);
    const counts = new Map<string, number>();
    const peers = ['a', 'b', 'c', 'd'].map((name) => candidate(name));
    for (let i = 0; i < 4_000; i += 1) {
      const [first] = rankPeers(peers, undefined, () => random.next());
      counts.set(first?.peer ?? '', (counts.get(first?.peer ?? '') ?? 0) + 1);
    }
    // Of four equal members the worst by name never wins a draw of two; none takes more than half.
    assert.ok(
      [...counts.values()].every((count) => count <= 2_100),
      JSON.stringify([...counts]),
    );
  });

  test('requests that a member has not counted yet count already', () => {
    const [first] = rankPeers(
      [candidate('told', { unanswered: 9 }), candidate('other', { inFlight: 1 })],
      undefined,
      () => 0,
    );
    assert.equal(first?.peer, 'other');
  });

  test('a full member is the last', () => {
    const peers = rankPeers(
      [candidate('full', { inFlight: 2, capacity: 2, ttftMs: 1 }), candidate('slow', { ttftMs: 900 })],
      undefined,
      () => 0,
    );
    assert.deepEqual(names(peers), ['slow', 'full']);
  });

  test('a conversation stays with its member while that is about as good, and moves alone when it is not', () => {
    const peers = ['a', 'b', 'c', 'd'].map((name) => candidate(name));
    const favourite = (affinity: string, from: readonly PeerCandidate[]) =>
      rankPeers(from, affinity, () => 0.5)[0]?.peer;
    const homes = new Map(Array.from({ length: 100 }, (_, i) => [`talk ${i}`, favourite(`talk ${i}`, peers)]));
    assert.equal(new Set(homes.values()).size, 4, 'conversations are spread over all');
    for (const [talk, home] of homes) {
      assert.equal(favourite(talk, peers), home);
      const without = peers.filter(({ peer }) => peer !== 'a');
      if (home !== 'a') assert.equal(favourite(talk, without), home, 'losing a member moves only its conversations');
      const loaded = peers.map((peer) => (peer.peer === home ? { ...peer, inFlight: 5 } : peer));
      assert.notEqual(favourite(talk, loaded), home, 'warmth is not worth any wait');
    }
  });
});
