// Off means off: what stands beside the transport loads not one module of libp2p.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

const SRC = join(import.meta.dirname, '../../../src');

test('discovery, identity and the port of HTTP over streams load no libp2p', () => {
  const files = [
    'mesh/discovery/mdns-discovery.ts',
    'mesh/identity.ts',
    'system/stream-http-client.ts',
    'system/udp-network.ts',
  ];
  const script = `
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context); } });
    for (const file of ${JSON.stringify(files.map((file) => join(SRC, file)))}) await import(file);
    console.log(JSON.stringify(loaded.filter((url) => /libp2p/.test(url))));
  `;
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  assert.deepEqual(JSON.parse(output), []);
});
