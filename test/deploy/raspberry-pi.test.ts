import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { debianTool } from '../support/debian-tools.ts';
import { DEPLOY, FILES, textOf, unitSettings, yamlOf } from './support.ts';

const userData = yamlOf('raspberry-pi/user-data');
const cloudInit = debianTool('cloud-init');

test('cloud-init accepts the user-data', { skip: cloudInit.missing }, () => {
  const { exitCode, output } = cloudInit.run(['schema', '--config-file', join(DEPLOY, 'raspberry-pi/user-data')]);
  assert.equal(exitCode, 0, output);
  assert.match(output, /Valid cloud-config/);
});

test('every command is one that cloud-init runs: text or a list', () => {
  for (const command of userData.runcmd) assert.equal(typeof command, 'string', JSON.stringify(command));
});

test('what is installed from the boot partition is what the guide puts there', () => {
  const installed = userData.runcmd.flatMap(
    (command: string) => /^install .*\/boot\/firmware\/flowmesh\/(\S+) /.exec(command)?.[1] ?? [],
  );
  const [, copied = ''] =
    /\n\s+cp (dist\/flowmesh[^$]*?)\$BOOT\/flowmesh\//.exec(textOf('raspberry-pi/README.md')) ?? [];
  const sources = copied.split(/[\s\\]+/).filter((source) => source !== '');
  assert.deepEqual(sources.map((source) => source.split('/').at(-1) ?? '').toSorted(), installed.toSorted());
  const missing = sources.filter(
    (source) => source !== 'dist/flowmesh' && !FILES.includes(source.replace(/^deploy\//, '')),
  );
  assert.deepEqual(missing, []);
});

test('secrets are private on the card and gone from the boot partition, and none stands in the user-data', () => {
  const { runcmd } = userData;
  assert.ok(runcmd.includes('install -m 0600 /boot/firmware/flowmesh/environment /etc/flowmesh/environment'));
  assert.ok(runcmd.includes('rm -f /boot/firmware/flowmesh/environment'));
  assert.ok(
    runcmd.indexOf('rm -f /boot/firmware/flowmesh/environment') >
      runcmd.findIndex((command: string) => command.includes('0600')),
  );
  assert.doesNotMatch(textOf('raspberry-pi/user-data'), /SECRET|API_KEY|\bsk-/);
});

/** What is written to the card, by its path. */
const written = new Map<string, string>(
  userData.write_files.map(({ path, content }: { path: string; content: string }) => [path, content]),
);
const UNITS = '/etc/systemd/system/';
const mounts = [...written].flatMap(([path, content]) =>
  path.endsWith('.mount') ? [{ name: path.slice(UNITS.length), settings: unitSettings(content, 'Mount') }] : [],
);

test('the data are on the disk with the label, and so is the last known time', () => {
  assert.deepEqual(
    mounts.map(({ settings }) => ['What', 'Where', 'Options'].map((key) => settings.get(key)?.[0])),
    [
      ['/dev/disk/by-label/flowmesh', '/data', 'noatime,lazytime,commit=30'],
      ['/data/flowmesh', '/var/lib/private/flowmesh', 'bind'],
      ['/data/timesync', '/var/lib/systemd/timesync', 'bind'],
    ],
  );
  // cloud-init leaves out what is no block device by its name: labels and directories.
  assert.equal(userData.mounts, undefined);
  assert.match(textOf('raspberry-pi/README.md'), /mkfs\.ext4 -L flowmesh /);
});

const analyze = debianTool('systemd-analyze');

test('systemd finds nothing wrong with the mounts', { skip: analyze.missing }, () => {
  const place = mkdtempSync(join(tmpdir(), 'flowmesh-pi-'));
  const verified = (text = (content: string) => content) =>
    analyze.run([
      'verify',
      ...mounts.map(({ name }) => {
        writeFileSync(join(place, name), text(written.get(UNITS + name) ?? ''));
        return join(place, name);
      }),
    ]);
  try {
    assert.deepEqual(verified(), { exitCode: 0, output: '' });
    assert.match(verified((content) => content.replace('Where=/data', 'Where=/date')).output, /Where= setting/);
  } finally {
    rmSync(place, { recursive: true });
  }
});

test('the service waits for the file system of its data, which is mounted before it starts', () => {
  const dropIn = written.get(`${UNITS}flowmesh.service.d/10-data.conf`) ?? '';
  assert.deepEqual(unitSettings(dropIn, 'Unit').get('RequiresMountsFor'), ['/var/lib/private/flowmesh']);
  const device = 'dev-disk-by\\x2dlabel-flowmesh.device';
  assert.deepEqual(unitSettings(dropIn, 'Install').get('WantedBy'), [device]);
  assert.ok(written.has(`${UNITS}${device}.d/10-timeout.conf`));
  const { runcmd } = userData;
  const started = runcmd.flatMap((command: string) => /^systemctl start (.*)$/.exec(command)?.[1]?.split(' ') ?? []);
  assert.deepEqual(
    started,
    mounts.map(({ name }) => name),
  );
  const isStarted = (command: string): boolean => command.includes(mounts.at(-1)?.name ?? '-');
  assert.ok(runcmd.findIndex(isStarted) < runcmd.indexOf('systemctl enable --now flowmesh.service'));
});

test('the watchdog is set to less than the fifteen seconds that the board can count', () => {
  const watchdog = userData.write_files.find(({ path }: { path: string }) => path.includes('watchdog'));
  assert.equal(unitSettings(watchdog.content, 'Manager').get('RuntimeWatchdogSec')?.[0], '14s');
});
