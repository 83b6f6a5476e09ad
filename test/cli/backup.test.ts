// Backups with real processes: a node that runs, one that takes the backup's place, and a backup that is killed.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import BetterSqlite3 from 'better-sqlite3';
import { commandPlace } from '../support/command.ts';

const CONFIG =
  'accounts: {local: {provider: flowmesh}}\nchains: {main: [local/extractive]}\nserver: {anonymous: never}\n';

function ask(url: string, key: string): Promise<Response> {
  return fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'main', messages: [{ role: 'user', content: 'boiler' }] }),
  });
}

function archivesIn(directory: string): string[] {
  return readdirSync(directory).filter((name) => name.endsWith('.tar.gz'));
}

describe('flowmesh backup and restore', () => {
  test('a running node is saved; restored elsewhere it takes the same keys and knows the same usage and documents', async () => {
    using place = commandPlace();
    place.write('flowmesh.yaml', CONFIG);
    const key = (await place.run(['keys', 'create', '--tenant', 'acme', '--name', 'app'])).stdout.trim();
    place.write('boiler.md', '# Boiler\n\nThe boiler is serviced in March.\n');
    const { url, node } = await place.startNode([]);
    assert.equal((await place.run(['kb', 'add', 'boiler.md', '-C', 'house', '--url', url])).exitCode, 0);
    assert.equal((await ask(url, key)).status, 200);
    const saved = await place.run(['backup', '--output', 'saved.tar.gz']);
    assert.equal(saved.exitCode, 0, saved.stderr);
    assert.equal(saved.stdout.trim(), place.path('saved.tar.gz'));
    assert.match(
      saved.stderr,
      /Holds ledger\.journal, admin\.token, gateway\.db, .*knowledge\.db\.\nNot in it: kept answers/,
    );
    assert.equal(statSync(place.path('saved.tar.gz')).mode & 0o777, 0o600);
    assert.deepEqual(
      readdirSync(place.directory).filter((name) => name.startsWith('.flowmesh-backup')),
      [],
    );
    const busy = await place.run(['restore', 'saved.tar.gz', '--force']);
    assert.equal(busy.exitCode, 1);
    assert.match(busy.stderr, /Another flowmesh node uses the data directory .*state\. Stop it before you restore\./);
    node.signal('SIGTERM');
    await node.ended;

    const env = { FLOWMESH_HOME: place.path('restored') };
    const restored = await place.run(['restore', 'saved.tar.gz'], { env });
    assert.equal(restored.exitCode, 0, restored.stderr);
    assert.equal(
      readFileSync(place.path('restored/admin.token'), 'utf8'),
      readFileSync(place.path('state/admin.token'), 'utf8'),
    );
    const found = await place.run(['kb', 'search', '-C', 'house', 'boiler'], { env });
    assert.match(found.stdout, /serviced in March/);
    const usage = JSON.parse((await place.run(['usage', '--json'], { env })).stdout);
    assert.equal(usage.total.requests, 1);
    const again = await place.startNode([], { env });
    assert.equal((await ask(again.url, key)).status, 200);
    again.node.signal('SIGTERM');
    await again.node.ended;
  });

  test('what a directory holds is replaced only when that is wanted, and is set aside', async () => {
    using place = commandPlace();
    await place.run(['keys', 'create', '--tenant', 'old', '--name', 'app']);
    await place.run(['backup', '--output', 'old.tar.gz']);
    await place.run(['keys', 'create', '--tenant', 'new', '--name', 'app']);
    const refused = await place.run(['restore', 'old.tar.gz']);
    assert.equal(refused.exitCode, 1);
    assert.match(refused.stderr, /holds the state of a node already\. Use --force/);
    const forced = await place.run(['restore', 'old.tar.gz', '--force']);
    assert.equal(forced.exitCode, 0, forced.stderr);
    assert.match((await place.run(['tenants', 'list'])).stdout, /old/);
    assert.doesNotMatch((await place.run(['tenants', 'list'])).stdout, /new/);
    const [aside = ''] = readdirSync(place.path('state')).filter((name) => name.startsWith('before-restore-'));
    const kept = new BetterSqlite3(join(place.path('state'), aside, 'gateway.db'), { readonly: true });
    assert.deepEqual(kept.prepare('SELECT id FROM tenant ORDER BY id').pluck().all(), ['new', 'old']);
    kept.close();
    const twice = await place.run(['backup', '--output', 'old.tar.gz']);
    assert.match(twice.stderr, /old\.tar\.gz exists already\. Use --force to overwrite it\./);
  });

  test('documents alone, of a node that was never started, are saved, and not replaced without a word', async () => {
    using place = commandPlace();
    place.write('boiler.md', '# Boiler\n\nThe boiler is serviced in March.\n');
    const nothing = await place.run(['backup']);
    assert.deepEqual(
      [nothing.exitCode, nothing.stderr],
      [2, `flowmesh: There is nothing to back up: ${place.path('state')} holds no state of a node.\n`],
    );
    assert.equal((await place.run(['kb', 'add', 'boiler.md', '-C', 'house'])).exitCode, 0);
    const saved = await place.run(['backup', '--output', 'saved.tar.gz']);
    assert.match(saved.stderr, /^Holds knowledge\.db\.\n/);
    const refused = await place.run(['restore', 'saved.tar.gz']);
    assert.deepEqual([refused.exitCode, /Use --force to set it aside/.test(refused.stderr)], [1, true], refused.stderr);
    const env = { FLOWMESH_HOME: place.path('restored') };
    assert.equal((await place.run(['restore', 'saved.tar.gz', '--as-new-node'], { env })).exitCode, 0);
    assert.match((await place.run(['kb', 'search', 'boiler'], { env })).stdout, /serviced in March/);
  });

  test('as a new node it has no identity and no mesh of the old one', async () => {
    using place = commandPlace();
    place.write('flowmesh.yaml', `${CONFIG}mesh: {}\n`);
    assert.equal((await place.run(['mesh', 'init'])).exitCode, 0);
    await place.run(['backup', '--output', 'saved.tar.gz']);
    const env = { FLOWMESH_HOME: place.path('copy') };
    assert.equal((await place.run(['restore', 'saved.tar.gz', '--as-new-node'], { env })).exitCode, 0);
    assert.equal(existsSync(place.path('copy/mesh/node.key')), false);
    const members = await place.run(['mesh', 'members'], { env });
    assert.match(members.stderr, /belongs to no mesh/);
    const same = { FLOWMESH_HOME: place.path('same') };
    assert.equal((await place.run(['restore', 'saved.tar.gz'], { env: same })).exitCode, 0);
    assert.deepEqual(readFileSync(place.path('same/mesh/node.key')), readFileSync(place.path('state/mesh/node.key')));
    assert.equal((await place.run(['mesh', 'members'], { env: same })).exitCode, 0);
  });

  test('a backup that is killed leaves nothing under the final name, and the next one clears up after it', async () => {
    using place = commandPlace();
    await place.run(['keys', 'create', '--tenant', 'acme', '--name', 'app']);
    const database = new BetterSqlite3(join(place.path('state'), 'gateway.db'));
    // Random, so that it takes a while to be packed.
    database.exec('CREATE TABLE bulk (x BLOB)');
    const insert = database.prepare('INSERT INTO bulk VALUES (randomblob(1000000))');
    for (let megabytes = 0; megabytes < 60; megabytes += 1) insert.run();
    database.close();
    mkdirSync(place.path('out'));
    const killed = place.launch(['backup', '--output', 'out']);
    while (readdirSync(place.path('out')).length === 0) await sleep(2);
    killed.signal('SIGKILL');
    assert.equal((await killed.ended).signal, 'SIGKILL');
    assert.deepEqual(archivesIn(place.path('out')), []);
    assert.equal(readdirSync(place.path('out')).length, 1, 'what it had begun');
    assert.equal((await place.run(['backup', '--output', 'out'])).exitCode, 0);
    assert.equal(archivesIn(place.path('out')).length, 1);
    assert.equal(readdirSync(place.path('out')).length, 1, 'and nothing else');
  });

  test('a full disk is said, and nothing stays on it', { skip: !canMount() }, async () => {
    using place = commandPlace();
    await place.run(['keys', 'create', '--tenant', 'acme', '--name', 'app']);
    mkdirSync(place.path('small'));
    const main = join(import.meta.dirname, '../../src/main.ts');
    const script = `mount -t tmpfs -o size=100k none small && "$0" "${main}" backup --output small; echo "exit $?"; ls -A small`;
    const { stdout, stderr } = spawnSync('unshare', ['-rm', 'sh', '-c', script, process.execPath], {
      cwd: place.directory,
      encoding: 'utf8',
      env: { PATH: process.env.PATH, HOME: place.directory, FLOWMESH_HOME: place.path('state') },
    });
    assert.match(stderr, /flowmesh: .*small\/flowmesh-backup-.* cannot be written: the disk is full\./);
    assert.equal(stdout, 'exit 1\n');
  });

  test('what is no sound backup is refused before anything is touched', async () => {
    using place = commandPlace();
    await place.run(['keys', 'create', '--tenant', 'acme', '--name', 'app']);
    await place.run(['backup', '--output', 'good.tar.gz']);
    const refusal = async (file: string): Promise<string> => {
      const { exitCode, stderr } = await place.run(['restore', file, '--force']);
      assert.notEqual(exitCode, 0);
      const left = readdirSync(place.path('state')).filter((name) => !/-(wal|shm)$/.test(name));
      assert.deepEqual(left.sort(), ['gateway.db', 'lock.db']);
      return stderr;
    };
    writeFileSync(place.path('half.tar.gz'), readFileSync(place.path('good.tar.gz')));
    truncateSync(place.path('half.tar.gz'), 3_000);
    assert.match(
      await refusal('half.tar.gz'),
      /half\.tar\.gz( is damaged, or no backup|: The archive ends in the middle)/,
    );
    place.write('text.tar.gz', 'hello');
    assert.match(await refusal('text.tar.gz'), /text\.tar\.gz is damaged, or no backup/);
    assert.match(await refusal('none.tar.gz'), /none\.tar\.gz cannot be read: there is no such file/);

    const repack = (change: string): void => {
      const script = `rm -rf x; mkdir x && cd x && tar xzf ../good.tar.gz && ${change} && tar czf ../changed.tar.gz *`;
      assert.equal(spawnSync('sh', ['-c', script], { cwd: place.directory }).status, 0);
    };
    repack('echo evil > evil.sh');
    assert.match(await refusal('changed.tar.gz'), /is no backup of flowmesh: it holds 'evil\.sh'/);
    repack('rm gateway.db');
    assert.match(await refusal('changed.tar.gz'), /lacks gateway\.db/);
    repack('dd if=/dev/urandom of=gateway.db bs=4096 seek=3 count=4 conv=notrunc 2>/dev/null');
    assert.match(await refusal('changed.tar.gz'), /gateway\.db in it is damaged/);
    repack('true');
    const newer = new BetterSqlite3(join(place.path('x'), 'gateway.db'));
    newer.prepare("UPDATE schema_version SET version = 999 WHERE component = 'tenancy'").run();
    newer.close();
    assert.equal(spawnSync('sh', ['-c', 'cd x && tar czf ../changed.tar.gz *'], { cwd: place.directory }).status, 0);
    assert.match(await refusal('changed.tar.gz'), /gateway\.db was written by a newer flowmesh/);
  });
});

function canMount(): boolean {
  return spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;
}
