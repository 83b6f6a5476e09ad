import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Usage } from '../../src/model/chat.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { FileJournal, type LineJournal, NO_JOURNAL } from '../../src/storage/line-journal.ts';
import { Ledger } from '../../src/tenancy/ledger.ts';
import type { OpenEntry } from '../../src/tenancy/ledger-row.ts';
import { TENANCY_MIGRATIONS } from '../../src/tenancy/migrations.ts';
import { ManualClock } from '../support/manual-clock.ts';

const USAGE: Usage = {
  inputTokens: 10,
  cachedInputTokens: 4,
  cacheWriteTokens: 0,
  outputTokens: 5,
  reasoningTokens: 2,
  isEstimated: false,
};
const DAY_MS = 86_400_000;
const DONE = { status: 'done', usage: USAGE, attempts: 1 } as const;

function entry(requestId: string, more: Partial<OpenEntry> = {}): OpenEntry {
  return {
    requestId,
    tenant: 'acme',
    keyId: 'k',
    tags: {},
    operation: 'openai-chat',
    model: 'gpt',
    estimatedInputTokens: 9,
    ...more,
  };
}

function ledgerOf(path = ':memory:', journal?: LineJournal) {
  const clock = new ManualClock(1_800_000_000_000);
  const database = openDatabase(path, TENANCY_MIGRATIONS);
  const failures: unknown[] = [];
  const onFailure = (error: unknown): void => void failures.push(error);
  const ledger = new Ledger({ database, clock, onFailure, ...(journal && { journal }) });
  const rows = () =>
    database
      .prepare('SELECT request_id, status, input_tokens, output_tokens, cost FROM ledger ORDER BY request_id')
      .all();
  return { clock, database, ledger, rows, failures };
}

/** A data directory whose ledger can be opened again and again, as after a crash. */
function place() {
  const directory = mkdtempSync(join(tmpdir(), 'flowmesh-ledger-'));
  const journal = join(directory, 'ledger.journal');
  return {
    journal,
    open: () => {
      const opened = ledgerOf(join(directory, 'gateway.db'), new FileJournal(journal));
      opened.ledger.flush();
      return opened;
    },
    [Symbol.dispose]: () => rmSync(directory, { recursive: true }),
  };
}

/** All that a journal has noted, line by line. */
function notesOf(text: string): readonly (readonly unknown[])[] {
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.flatMap((line) => JSON.parse(line) as readonly unknown[][]);
}

describe('the ledger', () => {
  test('what is settled is entered a moment later, everything of that moment in one row', () => {
    const { clock, database, ledger, rows } = ledgerOf();
    ledger.open(entry('a')).settle(DONE);
    ledger.open(entry('b')).settle(DONE);
    ledger.open(entry('running'));
    assert.deepEqual(rows(), []);
    clock.advance(100);
    assert.deepEqual(
      rows().map((row) => (row as { request_id: string }).request_id),
      ['a', 'b'],
    );
    assert.equal(database.prepare('SELECT count FROM ledger_block').pluck().all().join(), '2');
    assert.equal(clock.timerCount, 0);
  });

  test('many settled entries do not wait for the moment to be over', async () => {
    const { clock, ledger, rows } = ledgerOf();
    for (let index = 0; index < 260; index += 1) ledger.open(entry(String(index))).settle(DONE);
    assert.equal(rows().length, 0);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(rows().length, 260);
    assert.equal(clock.timerCount, 0);
  });

  test('an entry is settled once, with the truth', () => {
    const { ledger, rows } = ledgerOf();
    const opened = ledger.open(entry('a', { estimatedCost: 1 }));
    opened.settle({ ...DONE, cost: 0.25 });
    opened.settle({ status: 'error', cost: 99, attempts: 2 });
    ledger.flush();
    opened.settle({ status: 'error', cost: 99, attempts: 2 });
    ledger.flush();
    assert.deepEqual(rows(), [{ request_id: 'a', status: 'done', input_tokens: 10, output_tokens: 5, cost: 0.25 }]);
  });

  test('an unknown price stays unknown', () => {
    const { ledger, rows } = ledgerOf();
    ledger.open(entry('a')).settle(DONE);
    ledger.flush();
    assert.equal((rows()[0] as { cost: number | null }).cost, null);
  });

  test('an entry is in the journal when it is sent; its settlement before the next events are looked at', async () => {
    using directory = place();
    const { ledger } = directory.open();
    const notes = () => notesOf(readFileSync(directory.journal, 'utf8'));
    const ids = () => notes().map((note) => (note.includes('done') ? `${note[1]}: done` : note[1]));
    const first = ledger.open(entry('a'));
    const second = ledger.open(entry('b'));
    assert.deepEqual(ids(), []);
    first.noteSent();
    first.noteSent();
    assert.deepEqual(ids(), ['a']);
    first.settle(DONE);
    assert.deepEqual(ids(), ['a']);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(ids(), ['a', 'a: done']);
    const third = ledger.open(entry('c'));
    third.noteSent();
    third.settle(DONE);
    second.noteSent();
    assert.deepEqual(ids(), ['a', 'a: done', 'c', 'b', 'c: done']);
    second.settle(DONE);
    ledger.flush();
    assert.deepEqual(notes(), []);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(notes(), []);
  });

  test('all settlements of one turn are one write', async () => {
    const writes: string[] = [];
    const { ledger } = ledgerOf(':memory:', { ...NO_JOURNAL, append: (lines) => void writes.push(lines) });
    const entries = Array.from({ length: 20 }, (_, index) => ledger.open(entry(String(index))));
    for (const opened of entries) opened.noteSent();
    assert.equal(writes.length, 20);
    for (const opened of entries) opened.settle(DONE);
    assert.equal(writes.length, 20);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(writes.length, 21);
    assert.equal(notesOf(writes.at(-1) ?? '').length, 20);
  });

  test('what was never sent is forgotten by a crash: no upstream has seen it', () => {
    using directory = place();
    const before = directory.open();
    before.ledger.open(entry('waiting'));
    before.ledger.open(entry('moved')).moveTo('claude');
    before.ledger.open(entry('sent')).noteSent();
    before.database.close();
    const after = directory.open();
    assert.deepEqual(
      after.rows().map((row) => (row as { request_id: string }).request_id),
      ['sent'],
    );
  });

  test('what a crash left open is recovered with its estimate, what was settled with the truth, both once', () => {
    using directory = place();
    const before = directory.open();
    const kept = before.ledger.open(entry('kept'));
    const entered = before.ledger.open(entry('entered'));
    entered.settle(DONE);
    before.ledger.flush();
    kept.settle({ ...DONE, cost: 0.25 });
    before.ledger.open(entry('lost', { estimatedOutputTokens: 7, estimatedCost: 0.5, tags: { team: 'x' } })).noteSent();
    before.database.close();
    const expected = [
      { request_id: 'entered', status: 'done', input_tokens: 10, output_tokens: 5, cost: null },
      { request_id: 'kept', status: 'done', input_tokens: 10, output_tokens: 5, cost: 0.25 },
      { request_id: 'lost', status: 'recovered', input_tokens: 9, output_tokens: 7, cost: 0.5 },
    ];
    for (const _ of ['first start', 'second start']) {
      const after = directory.open();
      assert.deepEqual(after.rows(), expected);
      assert.deepEqual(after.failures, []);
      after.database.close();
    }
  });

  test('what was recovered is told to others when the node asks for it, not while it is built', () => {
    using directory = place();
    const before = directory.open();
    before.ledger.open(entry('lost')).noteSent();
    before.database.close();
    const told: (readonly number[])[] = [];
    const { clock, database } = ledgerOf();
    const ledger = new Ledger({
      database,
      clock,
      journal: new FileJournal(directory.journal),
      shards: { add: (entries) => void told.push(entries.map(({ id }) => id)) },
      onFailure: assert.ifError,
    });
    assert.deepEqual(told, []);
    ledger.flush();
    assert.deepEqual(told, [[1]]);
  });

  test('a new entry never takes the place of a recovered one', () => {
    using directory = place();
    const before = directory.open();
    before.ledger.open(entry('lost')).noteSent();
    before.database.close();
    const after = directory.open();
    after.ledger.open(entry('new')).settle(DONE);
    after.ledger.flush();
    assert.deepEqual(
      after.rows().map((row) => (row as { request_id: string }).request_id),
      ['lost', 'new'],
    );
  });

  test('an entry that went on under another model name is entered under that one, also after a crash', () => {
    using directory = place();
    const before = directory.open();
    const settled = before.ledger.open(entry('settled'));
    settled.moveTo('claude');
    settled.settle(DONE);
    const lost = before.ledger.open(entry('lost'));
    lost.noteSent();
    lost.moveTo('claude');
    before.database.close();
    const after = directory.open();
    assert.deepEqual(after.database.prepare('SELECT model, status FROM ledger ORDER BY id').all(), [
      { model: 'claude', status: 'done' },
      { model: 'claude', status: 'recovered' },
    ]);
  });

  test('a line cut short by the crash is passed over; one that is damaged is told of', () => {
    using directory = place();
    const before = directory.open();
    before.ledger.open(entry('whole')).noteSent();
    before.database.close();
    appendFileSync(directory.journal, '[1,"damaged\n[77,"cut');
    const after = directory.open();
    assert.equal(after.rows().length, 1);
    assert.match(String(after.failures), /1 lines of the ledger's journal cannot be read/);
  });

  test('a journal of an earlier version, with a note a line, is recovered', () => {
    using directory = place();
    const opening = (id: number, requestId: string) => [id, requestId, 1, 'acme', 'k', null, 'o', null, 'gpt'];
    const ending = ['done', null, null, null, 10, 4, 0, 5, 2, 0, 0.25, 0, null, 1, null, null, null];
    const notes = [
      [...opening(1, 'kept'), 9, null],
      [...opening(2, 'lost'), 9, 0.5],
      [1, ...ending],
      [...opening(3, 'whole'), ...ending],
    ];
    writeFileSync(directory.journal, notes.map((note) => `${JSON.stringify(note)}\n`).join(''));
    assert.deepEqual(directory.open().rows(), [
      { request_id: 'kept', status: 'done', input_tokens: 10, output_tokens: 5, cost: 0.25 },
      { request_id: 'lost', status: 'recovered', input_tokens: 9, output_tokens: 0, cost: 0.5 },
      { request_id: 'whole', status: 'done', input_tokens: 10, output_tokens: 5, cost: 0.25 },
    ]);
  });

  test('requests that are open together leave the journal in any order', () => {
    using directory = place();
    const { ledger } = directory.open();
    const opened = ['a', 'b', 'c', 'd'].map((id) => ledger.open(entry(id)));
    for (const one of opened) one.noteSent();
    for (const place of [0, 3, 1]) opened[place]?.settle(DONE);
    for (let index = 0; index < 250; index += 1) {
      const long = ledger.open(entry('x'.repeat(20_000)));
      long.noteSent();
      long.settle(DONE);
    }
    ledger.flush();
    assert.deepEqual(
      notesOf(readFileSync(directory.journal, 'utf8')).map(([, id]) => id),
      ['c'],
    );
  });

  test('a table that cannot be written is tried again, and nothing is lost', () => {
    const { clock, database, ledger, rows, failures } = ledgerOf();
    ledger.open(entry('a')).settle(DONE);
    database.pragma('query_only = 1');
    clock.advance(100);
    assert.match(String(failures), /readonly/);
    database.pragma('query_only = 0');
    clock.advance(5_000);
    assert.equal(rows().length, 1);
  });

  test('a commit that succeeded although it seemed to fail enters nothing twice', () => {
    const { clock, database, ledger, rows, failures } = ledgerOf();
    const transaction = database.transaction.bind(database);
    database.transaction = ((work: () => void) => () => {
      transaction(work)();
      throw new Error('the disk went away');
    }) as unknown as typeof transaction;
    ledger.open(entry('a')).settle({ ...DONE, cost: 1 });
    clock.advance(100);
    assert.deepEqual(failures.map(String), ['Error: the disk went away']);
    database.transaction = transaction;
    ledger.open(entry('b')).settle({ ...DONE, cost: 2 });
    clock.advance(5_000);
    assert.deepEqual(
      rows().map((row) => (row as { request_id: string }).request_id),
      ['a', 'b'],
    );
    assert.deepEqual(ledger.spent('tenant:acme').day, { tokens: 30, cost: 3 });
  });

  test('a journal that cannot be written is told of, and the line after it is whole', () => {
    using directory = place();
    const file = new FileJournal(directory.journal);
    let isFull = true;
    const journal: LineJournal = {
      get length() {
        return file.length;
      },
      read: () => file.read(),
      append(lines) {
        if (!isFull) return file.append(lines);
        file.append(lines.slice(0, 5));
        throw new Error('ENOSPC');
      },
      replace: (lines) => file.replace(lines),
      close: () => file.close(),
    };
    const { ledger, failures } = ledgerOf(':memory:', journal);
    const cut = ledger.open(entry('torn'));
    cut.noteSent();
    isFull = false;
    ledger.open(entry('whole')).noteSent();
    assert.deepEqual(failures.map(String), ['Error: ENOSPC']);
    // How it ended says all of it, so that its first line is not missed.
    cut.settle(DONE);
    ledger.open(entry('next')).noteSent();
    const [torn, ...lines] = readFileSync(directory.journal, 'utf8').trim().split('\n');
    assert.equal(torn?.length, 5);
    assert.deepEqual(
      notesOf(lines.join('\n')).map(([, id]) => id),
      ['whole', 'next', 'torn'],
    );
  });

  test('a long journal is written anew with what is still open', () => {
    using directory = place();
    const { ledger } = directory.open();
    ledger.open(entry('running')).noteSent();
    ledger.open(entry('waiting'));
    for (let index = 0; index < 250; index += 1) {
      const long = ledger.open(entry('x'.repeat(20_000)));
      long.noteSent();
      long.settle(DONE);
    }
    ledger.flush();
    const notes = () => notesOf(readFileSync(directory.journal, 'utf8'));
    assert.deepEqual(
      notes().map(([, id]) => id),
      ['running'],
    );
    ledger.open(entry('next')).noteSent();
    assert.equal(notes().length, 2);
  });

  test('spending since a moment is that of the rest of its day and of all days after it, of the running month', () => {
    const { clock, ledger } = ledgerOf();
    const hour = 3_600_000;
    const start = clock.now();
    for (let count = 0; count < 8; count += 1) {
      ledger.open(entry(String(count))).settle({ ...DONE, cost: 2 ** count });
      clock.advance(12 * hour);
    }
    clock.advance(-12 * hour);
    const since = (hours: number) => ledger.spentSince('tenant:acme', start + hours * hour);
    const both = ledger.spent('tenant:acme');
    assert.equal(both.month.cost, 255);
    assert.deepEqual(since(-1_000), both);
    assert.deepEqual(since(12), { day: both.day, month: { tokens: 105, cost: 254 } });
    assert.deepEqual(since(12.001), { day: both.day, month: { tokens: 90, cost: 252 } });
    assert.deepEqual(since(84), { day: { tokens: 15, cost: 128 }, month: { tokens: 15, cost: 128 } });
    assert.deepEqual(ledger.spentSince('tenant:other', start).month, { tokens: 0, cost: 0 });
  });

  test('spending is summed by tenant, key and model over the running day and month', () => {
    const { clock, ledger } = ledgerOf();
    const record = (requestId: string, more: Partial<OpenEntry>, cost: number): void =>
      ledger.open(entry(requestId, more)).settle({ ...DONE, cost });
    record('yesterday', {}, 1);
    clock.advance(24 * 3_600_000);
    record('today', {}, 2);
    record('other key', { keyId: 'k2' }, 4);
    record('other tenant', { tenant: 'b', keyId: 'k3' }, 8);
    record('other model', { model: 'claude' }, 16);
    assert.deepEqual(ledger.spent('tenant:acme'), {
      day: { tokens: 45, cost: 22 },
      month: { tokens: 60, cost: 23 },
    });
    assert.deepEqual(ledger.spent('key:k model:g*').day, { tokens: 15, cost: 2 });
    assert.deepEqual(ledger.spentSince('tenant:acme', clock.now() - 1).month, { tokens: 45, cost: 22 });
    assert.deepEqual(ledger.spent('key:k model:claude').day, { tokens: 15, cost: 16 });
  });

  test('spending is known without reading entries, after a crash and of entries from before, too', () => {
    using directory = place();
    const { ledger, database } = directory.open();
    ledger.open(entry('settled')).settle({ ...DONE, cost: 0.5 });
    ledger.flush();
    ledger.open(entry('lost', { estimatedCost: 0.25, model: 'claude' })).noteSent();
    database.close();
    for (const _ of ['first start', 'second start']) {
      const after = directory.open();
      after.database.exec("UPDATE ledger_block SET entries = '[]'");
      assert.deepEqual(after.ledger.spent('tenant:acme').month, { tokens: 15 + 9, cost: 0.75 });
      assert.deepEqual(after.ledger.spent('key:k model:cl*').day, { tokens: 9, cost: 0.25 });
      after.database.close();
    }
  });

  test('what was spent is kept as long as the entries', () => {
    const { clock, database, ledger } = ledgerOf();
    const days = () => database.prepare('SELECT COUNT(*) FROM ledger_day').pluck().get();
    for (let day = 0; day < 3; day += 1) {
      ledger.open(entry(String(day))).settle(DONE);
      ledger.flush();
      ledger.prune(40 * DAY_MS);
      clock.advance(DAY_MS);
    }
    assert.equal(days(), 3);
    clock.advance(38 * DAY_MS);
    while (ledger.prune(40 * DAY_MS) > 0);
    assert.equal(days(), 1);
  });

  test('what was entered while the clock was ahead is no spending of today', () => {
    const { clock, ledger } = ledgerOf();
    clock.setForward(40 * 24 * 3_600_000);
    ledger.open(entry('ahead')).settle(DONE);
    clock.setForward(-40 * 24 * 3_600_000);
    ledger.open(entry('now')).settle(DONE);
    assert.deepEqual(ledger.spent('tenant:acme'), { day: { tokens: 15, cost: 0 }, month: { tokens: 15, cost: 0 } });
  });

  test('in a model’s name only a star at the end means more than itself', () => {
    const { ledger } = ledgerOf();
    const models = ['a[1]', 'a1', 'a[1]-x', 'b?c', 'bxc', 'm*n', 'mxn', 'ünïc-1'];
    for (const [index, model] of models.entries()) {
      ledger.open(entry(model, { model })).settle({ status: 'done', cost: 2 ** index, attempts: 1 });
    }
    ledger.flush();
    const costOf = (pattern: string) => ledger.spent(`tenant:acme model:${pattern}`).day.cost;
    assert.equal(costOf('a[1]'), 1);
    assert.equal(costOf('a[1]*'), 1 + 4);
    assert.equal(costOf('b?c'), 8);
    assert.equal(costOf('b?*'), 8);
    assert.equal(costOf('m*n'), 32);
    assert.equal(costOf('ünï*'), 128);
    assert.equal(costOf('*'), 255);
    assert.equal(costOf('A1'), 0);
  });

  test('what a model has spent is found under whichever name it was asked for', () => {
    const database = openDatabase(':memory:', TENANCY_MIGRATIONS);
    const clock = new ManualClock(1_800_000_000_000);
    const aliases: Readonly<Record<string, string>> = { nick: 'gpt-5', other: 'gpt-4' };
    const namesOf = (asked: string): string[] => [asked, aliases[asked] ?? asked];
    const ledger = new Ledger({ database, clock, namesOf, onFailure: (error) => assert.fail(String(error)) });
    for (const model of ['nick', 'gpt-5', 'other', 'claude']) {
      ledger.open(entry(model, { model })).settle({ ...DONE, cost: 1 });
    }
    const cost = (model: string): number => ledger.spent(`key:k model:${model}`).day.cost;
    assert.deepEqual(['gpt-5', 'gpt-*', 'nick', 'none'].map(cost), [2, 3, 1, 0]);
    assert.equal(ledger.spentSince('key:k model:gpt-5', clock.now()).day.cost, 2);
  });

  test('entries are forgotten in slices, the oldest first, when they are older than the retention by hours at most', () => {
    const { clock, ledger, rows } = ledgerOf();
    const prune = (entriesMax?: number) => ledger.prune(40 * DAY_MS, entriesMax);
    for (const requestId of ['c', 'b', 'a']) {
      ledger.open(entry(requestId)).settle(DONE);
      ledger.flush();
    }
    assert.equal(prune(), 0);
    clock.advance(10 * DAY_MS);
    ledger.open(entry('later')).settle(DONE);
    ledger.flush();
    assert.equal(prune(), 0);
    clock.advance(30 * DAY_MS - 1);
    assert.equal(prune(2), 0);
    clock.advance(1);
    assert.equal(prune(2), 2);
    assert.equal(prune(2), 1);
    assert.equal(prune(2), 0);
    assert.deepEqual(
      rows().map((row) => (row as { request_id: string }).request_id),
      ['later'],
    );
    clock.advance(10 * DAY_MS);
    assert.equal(prune(), 1);
  });

  test('entries that were entered together are forgotten together, when all of them are old enough', () => {
    const { clock, ledger, rows } = ledgerOf();
    const long = ledger.open(entry('long'));
    for (const requestId of ['a', 'b', 'c']) ledger.open(entry(requestId)).settle(DONE);
    ledger.flush();
    assert.equal(ledger.prune(40 * DAY_MS), 0);
    clock.advance(DAY_MS);
    ledger.open(entry('later')).settle(DONE);
    long.settle(DONE);
    ledger.flush();
    assert.equal(ledger.prune(40 * DAY_MS), 0);
    clock.advance(39 * DAY_MS);
    assert.equal(ledger.prune(40 * DAY_MS, 2), 3);
    assert.equal(ledger.prune(40 * DAY_MS, 2), 0);
    assert.equal(rows().length, 2);
    clock.advance(DAY_MS);
    assert.equal(ledger.prune(40 * DAY_MS), 2);
  });

  test('a wall clock that is set forward, once or at each start, makes nothing older', () => {
    const YEARS_MS = 56 * 365 * DAY_MS;
    using directory = place();
    for (let start = 0; start < 5; start += 1) {
      const { clock, database, ledger } = directory.open();
      clock.setForward(start * DAY_MS - YEARS_MS);
      assert.equal(ledger.prune(32 * DAY_MS), 0);
      ledger.open(entry(`${start} before the time is known`)).settle(DONE);
      clock.setForward(YEARS_MS);
      assert.equal(ledger.prune(32 * DAY_MS), 0);
      ledger.open(entry(`${start} after`)).settle(DONE);
      clock.advance(3_600_000);
      assert.equal(ledger.prune(32 * DAY_MS), 0);
      clock.setForward(YEARS_MS);
      assert.equal(ledger.prune(32 * DAY_MS), 0);
      ledger.close();
      database.close();
    }
    assert.equal(directory.open().rows().length, 10);
  });

  test('time counts also while no process runs, but for a gap of more than a week', () => {
    using directory = place();
    let lifeMs = 0;
    const life = (offMs: number): number => {
      lifeMs += offMs;
      const { clock, database, ledger } = directory.open();
      clock.setForward(lifeMs);
      if (lifeMs === 0) ledger.open(entry('old')).settle(DONE);
      ledger.flush();
      const pruned = ledger.prune(32 * DAY_MS);
      ledger.close();
      database.close();
      return pruned;
    };
    assert.equal(life(0), 0);
    assert.equal(life(100 * DAY_MS), 0);
    for (let week = 1; week <= 4; week += 1) assert.equal(life(7 * DAY_MS), 0);
    assert.equal(life(4 * DAY_MS - 1), 0);
    assert.equal(life(1), 1);
  });

  test('an entry made after all others were forgotten is not taken for one of them', () => {
    using directory = place();
    const before = directory.open();
    before.ledger.open(entry('old')).settle(DONE);
    before.ledger.flush();
    before.ledger.prune(32 * DAY_MS);
    before.clock.advance(31 * DAY_MS);
    before.ledger.prune(32 * DAY_MS);
    before.clock.advance(DAY_MS);
    assert.equal(before.ledger.prune(32 * DAY_MS), 1);
    assert.equal(before.ledger.prune(32 * DAY_MS), 0);
    before.database.close();
    const after = directory.open();
    after.clock.advance(32 * DAY_MS);
    after.ledger.open(entry('new')).settle(DONE);
    after.ledger.flush();
    after.ledger.prune(32 * DAY_MS);
    after.clock.setForward(DAY_MS);
    for (let turn = 0; turn < 3; turn += 1) after.ledger.prune(32 * DAY_MS);
    assert.equal(after.rows().length, 1);
  });
});
