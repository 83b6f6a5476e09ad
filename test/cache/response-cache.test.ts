import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { CachedAnswer } from '../../src/cache/cached-answer.ts';
import { type CacheLimits, ResponseCache, type ResponseCacheOptions } from '../../src/cache/response-cache.ts';
import { ManualClock } from '../support/manual-clock.ts';

const directory = mkdtempSync(join(tmpdir(), 'flowmesh-cache-'));
after(() => rmSync(directory, { recursive: true, force: true }));

const LIMITS: CacheLimits = { bytesMax: 1_000_000, entriesMax: 1_000, entryBytesMax: 100_000 };

class Harness {
  readonly clock = new ManualClock();
  readonly failures: string[] = [];
  readonly path: string;
  limits = LIMITS;
  cache: ResponseCache;
  readonly #options: Partial<ResponseCacheOptions>;

  constructor(name: string, options: Partial<ResponseCacheOptions> = {}) {
    this.path = join(directory, name);
    this.#options = options;
    this.cache = this.opened();
  }

  opened(): ResponseCache {
    return new ResponseCache({
      path: this.path,
      clock: this.clock,
      limits: () => this.limits,
      onFailure: (error) => this.failures.push((error as Error).message),
      ...this.#options,
    });
  }

  reopen(): void {
    this.cache.close();
    this.cache = this.opened();
  }

  answer(key: string, over: Partial<CachedAnswer> = {}): CachedAnswer {
    const scope = over.scope ?? 'tenant:a';
    const namespace = over.namespace ?? 'default';
    return {
      key,
      scope,
      namespace,
      epoch: this.cache.epochOf({ scope, namespace }),
      model: 'main',
      answeredBy: { target: 'a/one', provider: 'p', account: 'a', model: 'one' },
      usage: {
        inputTokens: 1,
        cachedInputTokens: 0,
        cacheWriteTokens: 0,
        outputTokens: 1,
        reasoningTokens: 0,
        isEstimated: false,
      },
      createdAt: this.clock.now(),
      maxAgeMs: 1_000,
      events: [
        { type: 'response-start', id: '', model: 'up' },
        { type: 'text-delta', choice: 0, text: `text of ${key}` },
        { type: 'finish', choice: 0, finishReason: { unified: 'stop', raw: 'stop' } },
        { type: 'response-end' },
      ],
      ...over,
    };
  }
}

test('what was put is found, at once and after the process has started anew', () => {
  const one = new Harness('reopened.db');
  const answer = one.answer('k');
  one.cache.put(answer);
  assert.deepEqual(one.cache.find('k'), answer);
  assert.equal(one.cache.find('other'), undefined);
  one.reopen();
  assert.deepEqual(one.cache.find('k'), answer);
  assert.equal(one.cache.extent.entries, 1);
  assert.deepEqual(one.failures, []);
  one.cache.close();
});

test('an answer ends with its age, by this node’s clock', () => {
  const one = new Harness('aged.db');
  one.cache.put(one.answer('k'));
  one.clock.advance(999);
  assert.notEqual(one.cache.find('k'), undefined);
  one.clock.advance(1);
  assert.equal(one.cache.find('k'), undefined);
  one.cache.put(one.answer('future', { createdAt: one.clock.now() + 5_000 }));
  assert.notEqual(one.cache.find('future'), undefined, 'a clock that jumped back makes nothing older');
  one.cache.close();
});

test('a newer answer takes the place of an older one', () => {
  const one = new Harness('replaced.db');
  one.cache.put(one.answer('k', { model: 'old' }));
  one.cache.flush();
  one.cache.put(one.answer('k', { model: 'new' }));
  one.reopen();
  assert.equal(one.cache.find('k')?.model, 'new');
  assert.equal(one.cache.extent.entries, 1);
  one.cache.close();
});

test('of too many answers those go that were used longest ago', () => {
  const one = new Harness('evicted.db');
  one.limits = { ...LIMITS, entriesMax: 3 };
  for (const key of ['a', 'b', 'c']) {
    one.cache.put(one.answer(key));
    one.cache.flush();
    one.clock.advance(1);
  }
  one.cache.find('a');
  one.clock.advance(1);
  one.cache.put(one.answer('d'));
  one.reopen();
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].map((key) => one.cache.find(key) !== undefined),
    [true, false, true, true],
  );
  one.limits = { ...LIMITS, bytesMax: 900 };
  one.cache.put(one.answer('e'));
  one.reopen();
  assert.equal(one.cache.extent.bytes <= 900, true);
  assert.equal(one.cache.extent.entries >= 1, true);
  assert.notEqual(one.cache.find('e'), undefined);
  one.cache.close();
});

test('an answer that is too large is not kept', () => {
  const one = new Harness('large.db');
  const text = 'x'.repeat(LIMITS.entryBytesMax);
  one.cache.put(one.answer('k', { events: [{ type: 'text-delta', choice: 0, text }] }));
  assert.equal(one.cache.find('k'), undefined);
  one.cache.close();
});

test('clearing forgets all, a tenant, a namespace, or a namespace of a tenant', () => {
  const spaces = ['tenant:a', 'tenant:b'].flatMap((scope) => ['x', 'y'].map((namespace) => ({ scope, namespace })));
  const keyOf = ({ scope, namespace }: { scope: string; namespace: string }) => `${scope} ${namespace}`;
  for (const [pattern, left] of [
    [{ scope: '', namespace: '' }, []],
    [{ scope: 'tenant:a', namespace: '' }, ['tenant:b x', 'tenant:b y']],
    [{ scope: '', namespace: 'x' }, ['tenant:a y', 'tenant:b y']],
    [{ scope: 'tenant:a', namespace: 'x' }, ['tenant:a y', 'tenant:b x', 'tenant:b y']],
  ] as const) {
    const one = new Harness('cleared.db');
    const before = spaces.map((space) => one.answer(keyOf(space), space));
    for (const answer of before) one.cache.put(answer);
    assert.equal(one.cache.clear(pattern), 4 - left.length);
    const found = () => spaces.map(keyOf).filter((key) => one.cache.find(key) !== undefined);
    assert.deepEqual(found(), left);
    assert.equal(one.cache.extent.entries, left.length);
    // Answers that were being made then are late, also when the process has started anew.
    one.reopen();
    for (const answer of before) one.cache.put(answer);
    assert.deepEqual(found(), left);
    for (const space of spaces) one.cache.put(one.answer(keyOf(space), space));
    assert.deepEqual(found(), spaces.map(keyOf));
    one.cache.close();
    rmSync(one.path);
  }
});

test('expired answers leave the file', () => {
  const one = new Harness('expired.db');
  one.cache.put(one.answer('k'));
  one.cache.flush();
  one.clock.advance(2_000);
  for (let count = 0; count < 50; count += 1) {
    one.cache.put(one.answer('other', { maxAgeMs: 60_000 }));
    one.cache.flush();
  }
  assert.equal(one.cache.extent.entries, 1);
  one.cache.close();
});

test('a damaged file is replaced by an empty one, and somebody is told', () => {
  const one = new Harness('damaged.db');
  one.cache.close();
  writeFileSync(one.path, 'This is no database. '.repeat(500));
  one.cache = one.opened();
  assert.equal(one.failures.length, 1);
  assert.match(one.failures[0] ?? '', /damaged/);
  one.cache.put(one.answer('k'));
  one.reopen();
  assert.notEqual(one.cache.find('k'), undefined);
  one.cache.close();
});

test('a file that breaks while it is in use is replaced, too', () => {
  const one = new Harness('breaking.db');
  for (let index = 0; index < 200; index += 1) one.cache.put(one.answer(`k${index}`));
  one.reopen();
  one.cache.close();
  truncateSync(one.path, 8_192);
  one.cache = one.opened();
  for (let index = 0; index < 200; index += 1) assert.doesNotThrow(() => one.cache.find(`k${index}`));
  one.cache.put(one.answer('new'));
  one.cache.flush();
  assert.equal(one.failures.length > 0, true);
  one.reopen();
  assert.notEqual(one.cache.find('new'), undefined);
  one.cache.close();
});

test('where no file can be had, memory keeps the answers', () => {
  const one = new Harness('file.db');
  one.cache.close();
  writeFileSync(join(directory, 'no-directory'), '');
  one.cache = new ResponseCache({
    path: join(directory, 'no-directory', 'cache.db'),
    clock: one.clock,
    limits: () => LIMITS,
    onFailure: (error) => one.failures.push((error as Error).message),
  });
  one.cache.put(one.answer('k'));
  one.cache.flush();
  assert.notEqual(one.cache.find('k'), undefined);
  assert.equal(one.failures.length, 1);
  one.cache.close();
});

test('a deleted file costs the answers and nothing else', () => {
  const one = new Harness('deleted.db');
  one.cache.put(one.answer('k'));
  one.cache.close();
  for (const suffix of ['', '-wal', '-shm']) rmSync(one.path + suffix, { force: true });
  one.cache = one.opened();
  assert.equal(one.cache.find('k'), undefined);
  assert.equal(existsSync(one.path), true);
  assert.deepEqual(one.failures, []);
  one.cache.close();
});

test('whoever replicates is told of each answer and of each clearing', () => {
  const told: [string, string, unknown][] = [];
  const one = new Harness(':memory:', {
    path: ':memory:',
    changes: { put: (kind, key, body) => told.push([kind, key, body]), remove: () => undefined },
  });
  const answer = one.answer('k');
  one.cache.put(answer);
  one.cache.clear({ scope: 'tenant:a', namespace: '' });
  assert.deepEqual(told, [
    ['cached-answer', 'k', answer],
    ['cache-epoch', '["tenant:a",""]', { scope: 'tenant:a', namespace: '', epoch: one.clock.now() }],
  ]);
  one.cache.close();
});

test('an answer of a node whose clock is years ahead grows old here like any other', () => {
  const one = new Harness('ahead.db');
  one.cache.accept(one.answer('k', { createdAt: one.clock.now() + 10 * 365 * 86_400_000 }));
  one.clock.advance(999);
  assert.ok(one.cache.find('k'));
  one.clock.advance(1);
  assert.equal(one.cache.find('k'), undefined);
});

const DAY_MS = 86_400_000;

test('a wall clock that leaps years ahead makes no answer old, neither while the node runs nor after a restart', () => {
  const one = new Harness('leap.db');
  one.cache.put(one.answer('k', { maxAgeMs: 3_600_000 }));
  one.clock.setForward(10 * 365 * DAY_MS);
  one.clock.advance(1_000);
  assert.notEqual(one.cache.find('k'), undefined);
  one.reopen();
  one.clock.setForward(10 * 365 * DAY_MS);
  one.reopen();
  assert.notEqual(one.cache.find('k'), undefined);
  one.clock.setForward(-25 * 365 * DAY_MS);
  assert.notEqual(one.cache.find('k'), undefined);
  one.clock.advance(3_600_000);
  assert.equal(one.cache.find('k'), undefined, 'an hour has surely passed');
  one.cache.close();
});

test('answers grow old while a node is switched off for some days', () => {
  const one = new Harness('off.db');
  one.cache.put(one.answer('k', { maxAgeMs: 3 * DAY_MS }));
  one.cache.close();
  one.clock.setForward(2 * DAY_MS);
  one.cache = one.opened();
  assert.notEqual(one.cache.find('k'), undefined);
  one.cache.close();
  one.clock.setForward(DAY_MS);
  one.cache = one.opened();
  assert.equal(one.cache.find('k'), undefined);
  one.cache.close();
});

test('between nodes the age goes by the clock that they share, however wrong their own ones are', () => {
  const told: unknown[] = [];
  const atMs = 1_800_000_000_000;
  const one = new Harness('shared.db', {
    changes: { put: (_kind, _key, body) => told.push(body), remove: () => undefined },
    meshNow: () => atMs,
  });
  one.clock.setForward(10 * 365 * DAY_MS);
  one.cache.put(one.answer('mine', { createdAt: one.cache.now() }));
  one.cache.flush();
  assert.deepEqual(
    (told as CachedAnswer[]).map(({ createdAt }) => createdAt),
    [atMs],
  );
  one.cache.accept(one.answer('theirs', { createdAt: atMs - 1_000, maxAgeMs: 3_000 }));
  assert.equal(one.cache.find('theirs')?.createdAt, one.cache.now() - 1_000);
  one.cache.accept(one.answer('old', { createdAt: atMs - 5_000, maxAgeMs: 3_000 }));
  assert.equal(one.cache.find('old'), undefined);
  one.cache.close();
});
