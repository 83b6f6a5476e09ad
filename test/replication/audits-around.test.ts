import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AuditResult, FIRST_ROW } from '../../src/replication/audit.ts';
import { AuditsAround } from '../../src/replication/audits-around.ts';
import type { RowKey } from '../../src/replication/change-table.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { LogRecorder } from '../support/node.ts';

type Outcome = Pick<AuditResult, 'isComplete' | 'reached'>;

const END: RowKey = { kind: '~', key: '' };
const COMPLETE: Outcome = { isComplete: true, reached: END };

function rowAt(key: string): RowKey {
  return { kind: 'register', key };
}

/** Comparisons that end as the test says, and a list of when each was made, with whom, and from which row on. */
function bench(
  members: string[],
  outcome: (peer: string, from: RowKey) => Outcome | Promise<Outcome>,
  kept: readonly string[] = [],
) {
  const clock = new ManualClock(0);
  const log = new LogRecorder();
  const made: [seconds: number, peer: string, from: string][] = [];
  const connected = new Set(members);
  const around = new AuditsAround({
    name: 'test',
    members: () => members,
    connected: () => [...connected],
    random: { next: () => 0 },
    logger: log,
    owed: {
      peers: () => kept,
      keep: (peers) => {
        kept = peers;
      },
    },
    elapsed: () => clock.elapsed(),
    after: (delayMs, action) => clock.after(delayMs, action),
    audit: async (peer, from) => {
      made.push([clock.elapsed() / 1_000, peer, from.key]);
      return { compared: 0, differences: 0, ...(await outcome(peer, from)) };
    },
    isStopped: () => false,
  });
  return { clock, log, made, connected, around, owed: () => kept };
}

test('each of up to eight members is compared with once, one after the other', async () => {
  const members = Array.from({ length: 10 }, (_, index) => `m${index}`);
  const { clock, made, around } = bench(members, () => COMPLETE);
  around.begin();
  await clock.run(60_000);
  assert.deepEqual(
    made,
    members.slice(0, 8).map((peer, index) => [index + 1, peer, '']),
  );
  assert.equal(clock.timerCount, 0);
});

test('a comparison that a write ends goes on where it was, after the others', async () => {
  const { clock, made, around } = bench(['a', 'b'], (peer, from) => {
    if (peer === 'b' || from.key === 'k2') return COMPLETE;
    return { isComplete: false, reached: rowAt(from === FIRST_ROW ? 'k1' : 'k2') };
  });
  around.begin();
  await clock.run(60_000);
  assert.deepEqual(made, [
    [1, 'a', ''],
    [2, 'b', ''],
    [3, 'a', 'k1'],
    [4, 'a', 'k2'],
  ]);
});

test('in a mesh that always writes it is tried every four seconds in the end, which is told once', async () => {
  let isWriting = true;
  const { clock, log, made, around } = bench(['a'], (_peer, from) =>
    isWriting ? { isComplete: false, reached: from } : COMPLETE,
  );
  around.begin();
  await clock.run(20_000);
  assert.deepEqual(
    made.map(([seconds]) => seconds),
    [1, 3, 7, 11, 15, 19],
  );
  assert.deepEqual(
    log.lines.map(({ level, fields }) => [level, fields]),
    [['info', { log: 'test', peers: 1 }]],
  );
  isWriting = false;
  await clock.run(20_000);
  assert.equal(made.length, 7);
  assert.equal(clock.timerCount, 0);
});

test('who is away is waited for, and who is no member any more is not', async () => {
  const members = ['a', 'b'];
  const { clock, made, connected, around } = bench(members, () => COMPLETE);
  connected.clear();
  around.begin();
  await clock.run(10_000);
  assert.deepEqual(made, []);
  connected.add('b');
  members.shift();
  await clock.run(10_000);
  assert.deepEqual(made, [[11, 'b', '']]);
  assert.equal(clock.timerCount, 0);
});

test('rows that are dropped during a comparison make it begin anew', async () => {
  let finish = (_outcome: Outcome): void => undefined;
  const { clock, made, around } = bench(['a'], () => new Promise<Outcome>((resolve) => (finish = resolve)));
  around.begin();
  await clock.run(1_000);
  around.begin();
  finish(COMPLETE);
  await clock.run(1_000);
  finish(COMPLETE);
  await clock.run(20_000);
  assert.deepEqual(made, [
    [1, 'a', ''],
    [2, 'a', ''],
  ]);
});

test('what is still to be compared is kept, and a later process goes on with it', async () => {
  const before = bench(['a', 'b'], () => COMPLETE);
  before.around.begin();
  assert.deepEqual(before.owed(), ['a', 'b']);
  await before.clock.run(1_500);
  assert.deepEqual(before.owed(), ['b']);
  const after = bench(['a', 'b'], () => COMPLETE, before.owed());
  after.around.resume();
  await after.clock.run(60_000);
  assert.deepEqual(after.made, [[1, 'b', '']]);
  assert.deepEqual(after.owed(), []);
  const later = bench(['a', 'b'], () => COMPLETE, after.owed());
  later.around.resume();
  assert.equal(later.clock.timerCount, 0);
});

test('who connects within an hour after rows were dropped is compared with, once more if it was before', async () => {
  const { clock, made, around } = bench(['a', 'b'], () => COMPLETE);
  around.meet('a');
  assert.equal(clock.timerCount, 0, 'nothing was dropped');
  around.begin();
  around.meet('a');
  await clock.run(60_000);
  around.meet('b');
  await clock.run(3_600_000);
  around.meet('a');
  assert.deepEqual(made, [
    [1, 'a', ''],
    [2, 'b', ''],
    [61, 'b', ''],
  ]);
  assert.equal(clock.timerCount, 0);
});
