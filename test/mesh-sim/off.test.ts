// Off means off: a node without a mesh loads not one module of libp2p and listens nowhere but for its clients.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { freePort } from '../../mesh-sim/demo/cables.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const RECORD = `
  import { registerHooks } from 'node:module';
  import { appendFileSync } from 'node:fs';
  registerHooks({ load: (url, context, next) => {
    if (url.includes('libp2p') || url.includes('multiformats')) appendFileSync(process.env.LOADED, url + '\\n');
    return next(url, context);
  } });
`;

for (const isOn of [false, true]) {
  const what = isOn ? 'with the mesh on they are there, so this test can fail' : 'with the mesh off';
  test(`modules and sockets of the mesh: ${what}`, {
    timeout: 60_000,
    skip: process.platform !== 'linux',
  }, async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'flowmesh-off-'));
    t.after(() => rmSync(directory, { recursive: true, force: true }));
    const [port, meshPort] = [await freePort(), await freePort()];
    const config = join(directory, 'flowmesh.yaml');
    const loaded = join(directory, 'loaded');
    writeFileSync(loaded, '');
    const mesh = { enabled: isOn, secret: 'a secret of this test', listen: [`/ip4/127.0.0.1/tcp/${meshPort}`] };
    writeFileSync(
      config,
      JSON.stringify({
        server: { port },
        dataDirectory: join(directory, 'data'),
        log: { format: 'json' },
        mesh: { ...mesh, interfaces: ['none'] },
      }),
    );
    const hook = `data:text/javascript,${encodeURIComponent(RECORD)}`;
    const child = spawn(process.execPath, ['--import', hook, MAIN, 'start', '--config', config], {
      env: { PATH: process.env.PATH, HOME: directory, LOADED: loaded },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    t.after(() => child.kill('SIGKILL'));
    for await (const line of createInterface(child.stdout)) if (line.includes('flowmesh is ready')) break;
    const sockets = socketsOf(child.pid ?? 0);
    assert.deepEqual(sockets, { listening: isOn ? 2 : 1, datagram: 0 });
    assert.equal(readFileSync(loaded, 'utf8') !== '', isOn);
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  });
}

const LISTENING = '0A';

/** Of a process, by what the kernel knows. */
function socketsOf(pid: number): { readonly listening: number; readonly datagram: number } {
  const inodes = new Set<string>();
  for (const name of readdirSync(`/proc/${pid}/fd`)) {
    const inode = /^socket:\[(\d+)\]$/.exec(readlink(`/proc/${pid}/fd/${name}`))?.[1];
    if (inode !== undefined) inodes.add(inode);
  }
  const own = (table: string): readonly string[][] =>
    readFileSync(`/proc/${pid}/net/${table}`, 'utf8')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => inodes.has(fields[9] ?? ''));
  return {
    listening: ['tcp', 'tcp6'].flatMap(own).filter((fields) => fields[3] === LISTENING).length,
    datagram: ['udp', 'udp6'].flatMap(own).length,
  };
}

function readlink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    // It was closed meanwhile.
    return '';
  }
}
