import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GatewayError } from '../../src/errors.ts';
import { type Migrations, openDatabase } from '../../src/storage/database.ts';
import { type LineJournal, NO_JOURNAL } from '../../src/storage/line-journal.ts';
import { StorageTroubleLog } from '../../src/telemetry/storage-trouble-log.ts';
import { completion, JSON_HEADERS } from '../support/chat-wire.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { LogRecorder, startNode } from '../support/node.ts';
import { startRawUpstream } from '../support/raw-upstream.ts';

const MESSAGE = 'the ledger cannot be written';

function failure(code: string): Error {
  return Object.assign(new Error(`${code}: of the disk`), { code });
}

function setUp(): { clock: ManualClock; told: () => unknown[]; log: StorageTroubleLog } {
  const clock = new ManualClock();
  const recorder = new LogRecorder();
  const told = (): unknown[] => recorder.lines.splice(0).map(({ level, fields, message }) => [level, message, fields]);
  return { clock, told, log: new StorageTroubleLog(recorder, clock) };
}

test('a full disk is told once with its error, then counted once a minute, and its end is told once', () => {
  const { clock, told, log } = setUp();
  const full = failure('ENOSPC');
  for (let request = 0; request < 1_000; request += 1) log.error({ err: full }, MESSAGE);
  assert.deepEqual(told(), [['error', MESSAGE, { err: full }]]);
  clock.advance(60_000);
  assert.deepEqual(told(), [['error', `${MESSAGE} (again)`, { code: 'ENOSPC', repeats: 999 }]]);
  log.error({ err: full }, MESSAGE);
  clock.advance(60_000);
  assert.deepEqual(told(), [['error', `${MESSAGE} (again)`, { code: 'ENOSPC', repeats: 1 }]]);
  clock.advance(60_000);
  assert.deepEqual(told(), [['info', `over for a minute: ${MESSAGE}`, { code: 'ENOSPC', times: 1_001 }]]);
  assert.equal(clock.timerCount, 0);
  log.error({ err: full }, MESSAGE);
  assert.deepEqual(told(), [['error', MESSAGE, { err: full }]]);
});

test('a failure that was a moment ago is not over', () => {
  const { clock, told, log } = setUp();
  log.warn({ err: failure('SQLITE_FULL') }, 'one thing');
  clock.advance(30_000);
  log.warn({ err: failure('SQLITE_FULL') }, 'another thing');
  told();
  clock.advance(30_000);
  assert.deepEqual(told(), [['info', 'over for a minute: one thing', { code: 'SQLITE_FULL', times: 1 }]]);
  clock.advance(60_000);
  assert.deepEqual(told(), [['info', 'over for a minute: another thing', { code: 'SQLITE_FULL', times: 1 }]]);
});

test('failures of different kinds are each told', () => {
  const { told, log } = setUp();
  const errors = [
    failure('ENOSPC'),
    failure('SQLITE_FULL'),
    failure('SQLITE_IOERR_WRITE'),
    new GatewayError('disk_full', 'In another thread.'),
    new Error('of a replica', { cause: failure('EDQUOT') }),
  ];
  for (const err of [...errors, ...errors]) log.error({ err }, MESSAGE);
  log.warn({ err: errors[0] }, 'kept answers cannot be read or written');
  assert.deepEqual(told(), [
    ...errors.map((err) => ['error', MESSAGE, { err }]),
    ['warn', 'kept answers cannot be read or written', { err: errors[0] }],
  ]);
});

test('what the disk has nothing to do with is told each time', () => {
  const { told, log } = setUp();
  const lines = [
    { err: new Error('a defect') },
    { err: new GatewayError('internal', 'A defect.') },
    { requestId: 'r' },
  ];
  for (const fields of lines) for (let time = 0; time < 2; time += 1) log.error(fields, 'request failed');
  assert.equal(told().length, 6);
});

test('a node whose ledger has no space answers its clients, and says so once', async () => {
  await using upstream = await startRawUpstream((response) =>
    response.writeHead(200, JSON_HEADERS).end(JSON.stringify(completion('Hello'))),
  );
  const journal: LineJournal = {
    ...NO_JOURNAL,
    append: () => {
      throw failure('ENOSPC');
    },
  };
  const disk = { open: (_file: string, migrations: Migrations) => openDatabase(':memory:', migrations), journal };
  await using node = await startNode({ accounts: { a: { url: upstream.url } }, chains: { main: ['a/one'] } }, { disk });
  for (let request = 0; request < 5; request += 1) assert.equal((await node.chat()).status, 200);
  const lines = node.log.lines.filter(({ message }) => message.startsWith(MESSAGE));
  assert.deepEqual(
    lines.map(({ level, message, fields }) => [level, message, String(fields.err)]),
    [['error', MESSAGE, 'Error: ENOSPC: of the disk']],
  );
});
