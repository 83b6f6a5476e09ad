import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { debianTool } from '../support/debian-tools.ts';
import { DEPLOY, textOf } from './support.ts';

const caddy = debianTool('caddy');
const keepalived = debianTool('keepalived');
const place = mkdtempSync(join(tmpdir(), 'flowmesh-addresses-'));
after(() => rmSync(place, { recursive: true, force: true }));

test('Caddy accepts its configuration', { skip: caddy.missing }, () => {
  const { exitCode, output } = caddy.run(
    ['validate', '--adapter', 'caddyfile', '--config', join(DEPLOY, 'caddy/Caddyfile')],
    {
      env: { HOME: place },
    },
  );
  assert.equal(exitCode, 0, output);
  assert.match(output, /Valid configuration/);
});

test('Caddy asks what a draining node answers with 503, and buffers nothing', { skip: caddy.missing }, () => {
  const { output } = caddy.run(['adapt', '--adapter', 'caddyfile', '--config', join(DEPLOY, 'caddy/Caddyfile')], {
    env: { HOME: place },
  });
  const proxy = JSON.stringify(JSON.parse(output.slice(output.indexOf('{"apps"'))));
  assert.match(proxy, /"active":\{[^}]*"uri":"\/readyz"/);
  assert.match(proxy, /"flush_interval":-1/);
  assert.match(proxy, /"policy":"ip_hash"/);
});

test('keepalived accepts its configuration', { skip: keepalived.missing }, () => {
  const { exitCode, output } = keepalived.run([
    '--config-test',
    '--use-file',
    keepalivedFile(textOf('keepalived/keepalived.conf')),
  ]);
  assert.deepEqual([exitCode, output], [0, '']);
  const misspelt = textOf('keepalived/keepalived.conf').replace('nopreempt', 'neverpreempt');
  assert.notEqual(keepalived.run(['--config-test', '--use-file', keepalivedFile(misspelt)]).exitCode, 0);
});

test('the address leaves a node that drains, and nothing takes it from a node that serves', () => {
  const text = textOf('keepalived/keepalived.conf');
  assert.match(text, /script "[^"]*http:\/\/127\.0\.0\.1:2402\/readyz"/);
  assert.match(text, /\n {4}nopreempt\n/);
  // With a weight, a node that is not ready would only have a lower priority, which `nopreempt` makes useless.
  assert.doesNotMatch(text, /^\s*weight/m);
  assert.match(text, /state BACKUP/);
});

/**
 * The machine of the test has another interface than the example, and perhaps no curl. Its own user for scripts cannot be
 * tested: keepalived 2.2 ends its own config test by a signal when it looks at scripts as somebody else.
 */
function keepalivedFile(text: string): string {
  const path = join(place, 'keepalived.conf');
  const [network] =
    Object.entries(networkInterfaces()).find(([, addresses]) => !addresses?.some(({ internal }) => internal)) ?? [];
  const adapted = text
    .replace('interface eth0', `interface ${network ?? 'eth0'}`)
    .replace('/usr/bin/curl', '/bin/true')
    .replace('script_user nobody', 'script_user root');
  writeFileSync(path, adapted, { mode: 0o600 });
  return path;
}
