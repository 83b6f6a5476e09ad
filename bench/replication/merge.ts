// How fast are changes recorded, sent and merged? One thread, SQLite in a file, no signatures verified. Rates are for a
// second of processor time, so that a busy machine does not count as slow code.
//
//   node bench/replication/merge.ts [changes]

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChangeLog } from '../../src/replication/change-log.ts';
import { registerKind } from '../../src/replication/kinds/register.ts';
import { parseReply, renderReply } from '../../src/replication/messages.ts';
import { PullSession } from '../../src/replication/pull-session.ts';
import { Replica } from '../../src/replication/replica.ts';
import { answer } from '../../src/replication/responder.ts';
import { REPLICATION_MIGRATIONS } from '../../src/replication/schema.ts';
import { openDatabase } from '../../src/storage/database.ts';

const count = Number(process.argv[2] ?? 50_000);
const directory = mkdtempSync(join(tmpdir(), 'flowmesh-bench-replication-'));
const SCHEMA = ['CREATE TABLE setting (key TEXT PRIMARY KEY, body TEXT NOT NULL)', ...REPLICATION_MIGRATIONS];

function open(origin: string) {
  const database = openDatabase(join(directory, `${origin}.db`), SCHEMA);
  const log = new ChangeLog(
    {
      database,
      kinds: [registerKind({ name: 'setting', table: 'setting', capability: 'config:write' })],
      clock: { now: () => Date.now() },
      random: { next: () => Math.random() },
    },
    { name: 'bench', origin },
  );
  return { database, log, replica: new Replica(log) };
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function report(what: string, usedMs: number): void {
  console.log(`${what}: ${Math.round((count / usedMs) * 1000).toLocaleString('en')} /s`);
}

const source = open('source');
let startedAt = cpuMs();
for (let written = 0; written < count; written += 100) {
  source.database.transaction(() => {
    for (let index = written; index < written + 100; index += 1) {
      source.log.put('setting', `key-${index}`, { value: index, text: 'a small value' });
    }
  })();
}
report('recorded, 100 in a transaction', cpuMs() - startedAt);
source.database.transaction(() => {
  for (const change of source.log.changes.unsigned(count)) source.log.changes.sign(change, new Uint8Array(64));
})();

const target = open('target');
const session = new PullSession({ ...target, mayVouch: () => true }, 'source');
let mergeMs = 0;
startedAt = cpuMs();
for (let request = session.next; request !== undefined; request = session.next) {
  const reply = parseReply(renderReply(answer(source.log, request)));
  if (!reply) throw new Error('The reply cannot be read');
  const began = cpuMs();
  session.receive(reply, { now: Date.now(), meshNow: Date.now() });
  mergeMs += cpuMs() - began;
}
report('pulled, both sides in one thread', cpuMs() - startedAt);
report('merged', mergeMs);
for (const { database } of [source, target]) database.close();
rmSync(directory, { recursive: true });
