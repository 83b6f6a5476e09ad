// Puts compiled code beside the bundle: of all functions that a node runs until it is whole with another one in a mesh.
// Two nodes are started on this machine's loopback for it, and one of them writes down what V8 has compiled by then.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';

const NODE_SCRIPT = join(import.meta.dirname, 'precompile-node.ts');
const MEETING_MS = 60_000;
/** Then the first heartbeats were heard, and what the two know has been compared. */
const SETTLING_MS = 1_500;

/** @param main the bundle, a CommonJS file */
export async function precompile(main: string): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'flowmesh-precompile-'));
  const nodes: ChildProcess[] = [];
  try {
    const [first, second] = [await freePort(), await freePort()];
    nodes.push(startNode(main, directory, 'a', first, second), startNode(main, directory, 'b', second, first));
    await Promise.all(nodes.map(hasMet));
    await pause(SETTLING_MS);
    nodes[0]?.send('write');
    await once(nodes[0] as ChildProcess, 'exit');
  } finally {
    for (const node of nodes) node.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

function startNode(main: string, directory: string, name: string, port: number, other: number): ChildProcess {
  const file = join(directory, `${name}.json`);
  writeFileSync(
    file,
    JSON.stringify({
      server: { host: '127.0.0.1', port: 0 },
      dataDirectory: join(directory, name),
      log: { format: 'json' },
      accounts: { own: { provider: 'local', url: 'http://127.0.0.1:9/v1', models: [`model-${name}`] } },
      mesh: {
        enabled: true,
        name,
        secret: 'known to nobody else, for a moment',
        listen: [`/ip4/127.0.0.1/tcp/${port}`],
        bootstrap: [`/ip4/127.0.0.1/tcp/${other}`],
        interfaces: ['lo'],
      },
    }),
  );
  return spawn(process.execPath, [NODE_SCRIPT, 'start', '--config', file], {
    stdio: ['ignore', 'pipe', 'ignore', 'ipc'],
    // Without what could make the code another one, such as flags in NODE_OPTIONS.
    env: { PATH: process.env.PATH, HOME: directory, FLOWMESH_MAIN: main },
  });
}

async function hasMet(node: ChildProcess): Promise<void> {
  const signal = AbortSignal.timeout(MEETING_MS);
  if (!node.stdout) throw new Error('A node without output cannot be listened to.');
  for await (const line of createInterface({ input: node.stdout, signal })) {
    if (line.includes('"to":"alive"')) return void node.stdout.resume();
  }
  throw new Error('The nodes that were started to compile the bundle did not meet.');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (typeof address !== 'object' || !address) throw new Error('No port is free.');
  return address.port;
}
