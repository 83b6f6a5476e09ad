import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { debianTool } from '../support/debian-tools.ts';
import { DEPLOY, textOf, unitSettings } from './support.ts';

const UNIT = textOf('systemd/flowmesh.service');
const PROGRAM = '/usr/local/bin/flowmesh';
/** systemd's scale goes from 0 (locked in) to 100 (may do everything). */
const EXPOSURE_MAX = 15;

const analyze = debianTool('systemd-analyze');
const place = mkdtempSync(join(tmpdir(), 'flowmesh-unit-'));
after(() => rmSync(place, { recursive: true, force: true }));

/** systemd-analyze looks whether the program exists: here another one stands in for it. */
function unitFile(text = UNIT): string {
  const path = join(place, 'flowmesh.service');
  writeFileSync(path, text.replaceAll(PROGRAM, '/bin/true'));
  return path;
}

test('systemd finds nothing wrong with the unit', { skip: analyze.missing }, () => {
  assert.deepEqual(analyze.run(['verify', unitFile()]), { exitCode: 0, output: '' });
  const misspelt = analyze.run(['verify', unitFile(UNIT.replace('MemoryMax=', 'MemoryMost='))]);
  assert.match(misspelt.output, /Unknown key (name )?'MemoryMost'/);
});

test('systemd rates the unit as well locked in', { skip: analyze.missing }, () => {
  const args = ['security', '--offline=yes', `--threshold=${EXPOSURE_MAX}`];
  const { exitCode, output } = analyze.run([...args, unitFile()]);
  assert.equal(exitCode, 0, output);
  const open = analyze.run([
    ...args,
    unitFile(UNIT.replaceAll(/^(Protect|Private|Restrict|SystemCall|Dynamic).*$/gm, '')),
  ]);
  assert.notEqual(open.exitCode, 0);
});

test('the control script runs commands as the service does', () => {
  const systemdRun = join(place, 'systemd-run');
  writeFileSync(systemdRun, '#!/bin/sh\nfor arg; do printf "%s\\n" "$arg"; done\n');
  chmodSync(systemdRun, 0o755);
  const { stdout, status } = spawnSync(
    'sh',
    [join(DEPLOY, 'systemd/flowmeshctl'), 'keys', 'create', '--tenant', 'two words'],
    {
      encoding: 'utf8',
      cwd: place,
      env: { ...process.env, PATH: `${place}:${process.env.PATH}` },
    },
  );
  assert.equal(status, 0);
  const args = stdout.trimEnd().split('\n');
  assert.deepEqual(args.slice(args.indexOf(PROGRAM)), [PROGRAM, 'keys', 'create', '--tenant', 'two words']);
  const service = unitSettings(UNIT, 'Service');
  const properties = args.flatMap((arg) => /^--property=(.*)$/.exec(arg)?.[1] ?? []);
  // Paths that a person writes are seen from where the person is. `-`: unless only that person may be there.
  const here = `WorkingDirectory=-${realpathSync(place)}`;
  assert.ok(properties.includes(here), stdout);
  for (const property of properties.filter((each) => each !== here)) {
    const [, name = '', value] = /^(\w+)=(.*)$/.exec(property) ?? [];
    assert.deepEqual([name, service.get(name)], [name, [value]]);
  }
  const environment = args.flatMap((arg) => /^--setenv=(.*)$/.exec(arg)?.[1] ?? []);
  assert.deepEqual(environment.slice(0, 2), service.get('Environment')?.[0]?.split(' '));
  assert.ok(service.get('ExecStart')?.[0]?.endsWith(environment[2]?.replace('FLOWMESH_CONFIG=', '') ?? '-'));
});

test('state, cache and what may be executed are the same directory names everywhere', () => {
  const service = unitSettings(UNIT, 'Service');
  assert.deepEqual(
    ['StateDirectory', 'CacheDirectory', 'User', 'ExecPaths'].map((name) => service.get(name)?.[0]),
    ['flowmesh', 'flowmesh', 'flowmesh', '-/var/cache/flowmesh -/var/cache/private/flowmesh'],
  );
  assert.match(textOf('raspberry-pi/user-data'), /^ +Where=\/var\/lib\/private\/flowmesh$/m);
});
