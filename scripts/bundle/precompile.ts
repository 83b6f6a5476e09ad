// Puts compiled code beside a script of the bundle: of all functions that a node runs until it is whole with another one
// in a mesh. Two nodes are started on this machine's loopback for it, and one of them writes down what V8 has compiled.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { compiledScript } from './run-script.ts';

const WRITER = join(import.meta.dirname, 'compiled-code-writer.ts');
const MEETING_MS = 60_000;
/** Then the first heartbeats were heard, and what the two know has been compared. */
const SETTLING_MS = 1_500;

/**
 * @param launcher starts the bundle
 * @param script a CommonJS file of it
 * @throws Error where no two nodes can meet; the bundle works without
 */
export async function precompile(launcher: string, script: string): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'flowmesh-precompile-'));
  const nodes: ChildProcess[] = [];
  try {
    const [first, second] = [await freePort(), await freePort()];
    const [writing] = [startNode('a', first, second), startNode('b', second, first)];
    await Promise.all(nodes.map(hasMet));
    await pause(SETTLING_MS);
    writing.send('write');
    const [code] = await once(writing, 'exit');
    if (code !== 0) throw new Error(`The compiled code of ${script} could not be written.`);
    if (compiledScript(script).cachedDataRejected) throw new Error(`V8 does not take the compiled code of ${script}.`);
  } finally {
    for (const node of nodes) node.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }

  function startNode(name: string, port: number, other: number): ChildProcess {
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
    const node = spawn(process.execPath, ['--import', WRITER, launcher, 'start', '--config', file], {
      stdio: ['ignore', 'pipe', 'ignore', 'ipc'],
      // Without what could make the code another one, such as flags in NODE_OPTIONS.
      env: { PATH: process.env.PATH, HOME: directory, FLOWMESH_COMPILED_SCRIPT: script },
    });
    nodes.push(node);
    return node;
  }
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
