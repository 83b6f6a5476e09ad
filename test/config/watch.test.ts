import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ConfigWatcher, watchConfig } from '../../src/config/watch.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { PROVIDERS } from './support.ts';

describe('watchConfig', () => {
  let directory: string;
  let clock: ManualClock;
  let watcher: ConfigWatcher | undefined;
  let seen: string[];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'flowmesh-watch-'));
    clock = new ManualClock();
    seen = [];
  });

  afterEach(async () => {
    await watcher?.close();
    rmSync(directory, { recursive: true });
  });

  async function follow(file: string): Promise<ConfigWatcher> {
    watcher = watchConfig(file, {
      clock,
      env: { HOME: '/home/ada' },
      providers: PROVIDERS,
      onChange: ({ config }) => seen.push(`port ${config.server.port}`),
      onInvalid: (error) => seen.push(error.message.replace(directory, '')),
    });
    await watcher.ready;
    return watcher;
  }

  /** Waits for the file system to tell, then lets the settling time pass. */
  async function settle(): Promise<void> {
    while (clock.timerCount === 0) await sleep(5);
    await sleep(20);
    clock.advance(200);
  }

  test('a saved file is loaded once it has settled', async () => {
    const file = join(directory, 'flowmesh.yaml');
    writeFileSync(file, 'server: {port: 1}');
    await follow(file);
    writeFileSync(file, 'server: {port: 2}');
    while (clock.timerCount === 0) await sleep(5);
    assert.deepEqual(seen, []);
    await settle();
    assert.deepEqual(seen, ['port 2']);
  });

  test('a file replaced by renaming another over it is loaded, time after time', async () => {
    const file = join(directory, 'flowmesh.yaml');
    writeFileSync(file, 'server: {port: 1}');
    await follow(file);
    for (const port of [2, 3]) {
      writeFileSync(join(directory, '.flowmesh.yaml.new'), `server: {port: ${port}}`);
      renameSync(join(directory, '.flowmesh.yaml.new'), file);
      await settle();
    }
    assert.deepEqual(seen, ['port 2', 'port 3']);
  });

  test('a Kubernetes ConfigMap that swaps its symlink is loaded, time after time', async () => {
    const publish = (version: number) => {
      mkdirSync(join(directory, `..v${version}`));
      writeFileSync(join(directory, `..v${version}`, 'flowmesh.yaml'), `server: {port: ${version}}`);
      symlinkSync(`..v${version}`, join(directory, '..data_tmp'));
      renameSync(join(directory, '..data_tmp'), join(directory, '..data'));
    };
    publish(1);
    symlinkSync(join('..data', 'flowmesh.yaml'), join(directory, 'flowmesh.yaml'));
    await follow(join(directory, 'flowmesh.yaml'));
    for (const version of [2, 3]) {
      publish(version);
      await settle();
      rmSync(join(directory, `..v${version - 1}`), { recursive: true });
    }
    assert.deepEqual(seen, ['port 2', 'port 3']);
  });

  test('a change behind a symlink into another directory is loaded', async () => {
    mkdirSync(join(directory, 'real'));
    mkdirSync(join(directory, 'linked'));
    writeFileSync(join(directory, 'real', 'mine.yaml'), 'server: {port: 1}');
    symlinkSync('../real/mine.yaml', join(directory, 'linked', 'flowmesh.yaml'));
    await follow(join(directory, 'linked', 'flowmesh.yaml'));
    writeFileSync(join(directory, 'real', 'mine.yaml'), 'server: {port: 2}');
    await settle();
    assert.deepEqual(seen, ['port 2']);
  });

  test('an invalid file is reported and the next valid one is loaded', async () => {
    const file = join(directory, 'flowmesh.yaml');
    writeFileSync(file, 'server: {port: 1}');
    await follow(file);
    writeFileSync(file, 'server: {prot: 2}');
    await settle();
    writeFileSync(file, 'server: {port: 3}');
    await settle();
    assert.deepEqual(seen, ["/flowmesh.yaml:1:10 server: unknown key 'prot'. Did you mean 'port'?", 'port 3']);
  });

  test('a file that disappears is reported', async () => {
    const file = join(directory, 'flowmesh.yaml');
    writeFileSync(file, 'server: {port: 1}');
    await follow(file);
    rmSync(file);
    await settle();
    assert.deepEqual(seen, ['/flowmesh.yaml: there is no such file.']);
  });

  test('a save without a change loads nothing, and other files do not matter', async () => {
    const file = join(directory, 'flowmesh.yaml');
    writeFileSync(file, 'server: {port: 1}');
    await follow(file);
    writeFileSync(join(directory, 'other.yaml'), 'x');
    writeFileSync(file, 'server: {port: 1}');
    await settle();
    assert.deepEqual(seen, []);
  });

  test('reload reads the file at once, changed or not', async () => {
    const file = join(directory, 'flowmesh.yaml');
    writeFileSync(file, 'server: {port: 1}');
    const followed = await follow(file);
    followed.reload();
    assert.deepEqual(seen, ['port 1']);
  });
});
