import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { observeAttempt } from '../../../src/gateway/routing/error-rate.ts';
import { expectedTtftMs, observeFailure, observeTtft, readTtft } from '../../../src/gateway/routing/latency.ts';
import { fastest } from '../../../src/gateway/routing/strategies/fastest.ts';
import { TargetMeasure, type Wait } from '../../../src/gateway/routing/target-measure.ts';
import { candidate, context, seeded, tally } from './support.ts';

describe('the time to first token of a target', () => {
  test('follows a slower answer at once and in full', () => {
    assert.deepEqual(observeTtft({ valueMs: 100, observedAt: 0 }, 2_000, 5), { valueMs: 2_000, observedAt: 5 });
  });

  test('follows faster answers by the time that has gone by', () => {
    const after = observeTtft({ valueMs: 1_000, observedAt: 0 }, 100, 10_000);
    assert.equal(after.valueMs.toFixed(3), (1_000 / Math.E + 100 * (1 - 1 / Math.E)).toFixed(3));
    assert.equal(observeTtft({ valueMs: 1_000, observedAt: 50 }, 100, 50).valueMs, 1_000);
  });

  test('is made worse by a failure that took long, never better by one that came at once', () => {
    const before = { valueMs: 300, observedAt: 0 };
    assert.deepEqual(observeFailure(before, 5_000, 9), { valueMs: 5_000, observedAt: 9 });
    assert.equal(observeFailure(before, 1, 9), before);
  });

  test('is half as bad after each minute without news', () => {
    const reading = readTtft({ valueMs: 800, observedAt: 1_000 }, 121_000);
    assert.deepEqual(reading, { ttftMs: 800, ageMs: 120_000 });
    assert.equal(expectedTtftMs({ ttft: reading }), 200);
    assert.equal(expectedTtftMs({}), undefined);
  });

  test('is at least as long as someone has been waiting', () => {
    const ttft = { ttftMs: 100, ageMs: 0 };
    assert.equal(expectedTtftMs({ ttft, waitingMs: 2_500 }), 2_500);
    assert.equal(expectedTtftMs({ ttft, waitingMs: 50 }), 100);
  });
});

describe('the measure of a target', () => {
  test('tells nothing before the first request', () => {
    assert.deepEqual(new TargetMeasure().read(0), { errorRate: 0 });
  });

  test('tells who has waited longest, until its answer is in', () => {
    const measure = new TargetMeasure();
    const [first, second] = [measure.begin(0), measure.begin(40)];
    assert.deepEqual(measure.read(100), { errorRate: 0, waitingMs: 100 });
    measure.answer(first, 120);
    assert.deepEqual(measure.read(150), { errorRate: 0, ttft: { ttftMs: 120, ageMs: 30 }, waitingMs: 110 });
    measure.fail(second, 440);
    assert.deepEqual(measure.read(440), { errorRate: 0.1, ttft: { ttftMs: 400, ageMs: 0 } });
  });

  test('forgets what says nothing of the target', () => {
    const measure = new TargetMeasure();
    measure.forget(measure.begin(0));
    assert.deepEqual(measure.read(9_000), { errorRate: 0 });
  });
});

test('the error rate follows the last attempts', () => {
  let rate = 0;
  for (let attempt = 0; attempt < 20; attempt += 1) rate = observeAttempt(rate, true);
  assert.equal(rate.toFixed(3), '0.878');
  assert.equal(observeAttempt(0.5, false), 0.45);
});

describe('fastest', () => {
  const measured = (ttftMs: number) => ({ ttft: { ttftMs, ageMs: 0 } });

  test('goes by time, by requests in flight and by the chance of success', () => {
    const candidates = [
      candidate('quick-but-busy', { ...measured(100), inFlight: 9 }),
      candidate('failing', { ...measured(200), errorRate: 0.75 }),
      candidate('calm', measured(700)),
    ];
    const { ordered, reasons } = fastest(candidates, context());
    assert.deepEqual(ordered, ['calm', 'failing', 'quick-but-busy']);
    assert.deepEqual(
      reasons.map(({ numbers }) => numbers.costMs),
      [1_000, 800, 700],
    );
  });

  test('tries what was never measured, with one request at a time', () => {
    const known = candidate('known', measured(100));
    assert.equal(fastest([known, candidate('new')], context()).ordered[0], 'new');
    assert.equal(fastest([known, candidate('new', { inFlight: 1 })], context()).ordered[0], 'known');
    assert.equal(fastest([known, candidate('new', { errorRate: 0.1 })], context({})).ordered[0], 'known');
  });

  test('compares two that chance draws, so the slowest is never first', () => {
    const candidates = [400, 100, 300, 200].map((ttftMs) => candidate(`${ttftMs}`, measured(ttftMs)));
    const firsts = Array.from(
      { length: 6 },
      (_, pair) => fastest(candidates, context({ random: () => pair / 6 })).ordered[0],
    );
    assert.deepEqual(firsts, ['100', '100', '100', '200', '200', '300']);
  });

  test('puts the others behind the first by their cost', () => {
    const candidates = [400, 100, 300].map((ttftMs) => candidate(`${ttftMs}`, measured(ttftMs)));
    assert.deepEqual(fastest(candidates, context({ random: () => 0.99 })).ordered, ['300', '100', '400']);
  });

  test('with one candidate has no choice', () => {
    assert.deepEqual(fastest([candidate('a')], context({ random: () => 0.99 })).ordered, ['a']);
  });
});

/** Targets that answer after a time of their own, asked by clients that come at a steady pace. */
class Simulation {
  #now = 0;
  readonly #ttftMs: Map<string, number>;
  readonly #measures: ReadonlyMap<string, TargetMeasure>;
  #running: { readonly id: string; readonly wait: Wait; readonly endsAt: number }[] = [];
  readonly #random: () => number;

  constructor(ttftMs: Readonly<Record<string, number>>, seed: number) {
    this.#ttftMs = new Map(Object.entries(ttftMs));
    this.#measures = new Map(Object.keys(ttftMs).map((id) => [id, new TargetMeasure()]));
    this.#random = seeded(seed);
  }

  change(id: string, ttftMs: number): void {
    this.#ttftMs.set(id, ttftMs);
  }

  /** So many requests, one each `everyMs`; or each after the last has been answered. Returns whom they went to. */
  run(requests: number, everyMs: number | 'after-answer'): string[] {
    return Array.from({ length: requests }, () => {
      this.#settle();
      const id = this.#choose();
      const endsAt = this.#now + (this.#ttftMs.get(id) ?? 0) * (0.9 + 0.2 * this.#random());
      this.#running.push({ id, wait: this.#measure(id).begin(this.#now), endsAt });
      this.#now = everyMs === 'after-answer' ? endsAt : this.#now + everyMs;
      return id;
    });
  }

  #measure(id: string): TargetMeasure {
    return this.#measures.get(id) ?? new TargetMeasure();
  }

  #settle(): void {
    for (const { id, wait, endsAt } of this.#running) {
      if (endsAt <= this.#now) this.#measure(id).answer(wait, endsAt);
    }
    this.#running = this.#running.filter(({ endsAt }) => endsAt > this.#now);
  }

  #choose(): string {
    const candidates = [...this.#ttftMs.keys()].map((id) =>
      candidate(id, {
        ...this.#measure(id).read(this.#now),
        inFlight: this.#running.filter((run) => run.id === id).length,
      }),
    );
    return fastest(candidates, context({ random: this.#random })).ordered[0] ?? '';
  }
}

describe('a target that slows down', () => {
  const paces: readonly (readonly [string, number | 'after-answer'])[] = [
    ['one request after the other', 'after-answer'],
    ['one request a second', 1_000],
    ['ten requests a second', 100],
    ['a hundred requests a second', 10],
  ];
  for (const [name, pace] of paces) {
    test(`is asked less than 10 more times at ${name}, and then not for a while`, () => {
      for (let seed = 1; seed <= 30; seed += 1) {
        const simulation = new Simulation({ a: 100, b: 130, c: 160 }, seed);
        const share = (tally(simulation.run(300, pace)).a ?? 0) / 300;
        assert.ok(share > 0.3, `a had ${share} before, seed ${seed}`);
        simulation.change('a', 3_000);
        const after = simulation.run(130, pace);
        const asked = after.flatMap((id, index) => (id === 'a' ? [index] : []));
        assert.ok(asked.length < 10, `a was asked at ${asked}, seed ${seed}`);
        assert.ok(!after.slice(30).includes('a'), `a was asked at ${asked}, seed ${seed}`);
      }
    });
  }

  test('gets its traffic back after it has recovered', () => {
    const simulation = new Simulation({ a: 100, b: 150 }, 3);
    simulation.run(50, 200);
    simulation.change('a', 3_000);
    assert.ok((tally(simulation.run(50, 200)).a ?? 0) <= 3);
    simulation.change('a', 100);
    simulation.run(3_000, 200);
    assert.ok((tally(simulation.run(100, 200)).a ?? 0) > 40);
  });
});
