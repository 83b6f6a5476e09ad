import assert from 'node:assert/strict';
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
  assert.doesNotMatch(textOf('raspberry-pi/user-data'), /SECRET|API_KEY|sk-/);
});

test('the service waits for the file system of its data, which is mounted before it starts', () => {
  const dropIn = userData.write_files.find(({ path }: { path: string }) => path.includes('flowmesh.service.d'));
  const [waitsFor] = unitSettings(dropIn.content, 'Unit').get('RequiresMountsFor') ?? [];
  const targets = userData.mounts.map(([, target]: string[]) => target);
  assert.deepEqual([waitsFor, targets.includes(waitsFor)], ['/var/lib/private/flowmesh', true]);
  const { runcmd } = userData;
  assert.ok(runcmd.indexOf('mount --all') < runcmd.indexOf('systemctl enable --now flowmesh.service'));
  for (const [, , , options] of userData.mounts) assert.match(options, /nofail/);
});

test('the watchdog is set to less than the fifteen seconds that the board can count', () => {
  const watchdog = userData.write_files.find(({ path }: { path: string }) => path.includes('watchdog'));
  assert.equal(unitSettings(watchdog.content, 'Manager').get('RuntimeWatchdogSec')?.[0], '14s');
});
