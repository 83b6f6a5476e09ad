// Who is compared, how each is started as a process of its own, and how it is stopped again.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CACHED_CHAIN, type Endpoint, MODEL, wholeBody } from './protocol.ts';

const ROOT = join(import.meta.dirname, '..');
const PORTKEY = join(ROOT, 'bench', 'node_modules', '@portkey-ai', 'gateway', 'build', 'start-server.js');
const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 5_000;
/** Between two looks at a starting process. */
const LOOK_PERIOD_MS = 4;

const LIMIT_NEVER_REACHED = '900000000000';

export type ContestantName = 'direct' | 'bare' | 'flowmesh' | 'portkey';

export const LABELS: Readonly<Record<ContestantName, string>> = {
  direct: 'direct to the upstream',
  bare: 'bare fastify + undici proxy',
  flowmesh: 'flowmesh',
  portkey: 'Portkey gateway',
};

export interface Contestant {
  readonly name: ContestantName;
  readonly endpoint: Endpoint;
  readonly pid: number;
  /** Where flowmesh keeps its files. */
  readonly dataDirectory?: string;
  stop(): Promise<void>;
}

export type Accounted = 'a client without a key' | 'a key with five limits';

/** A node whose ledger and limits can be switched. */
export interface Switchable extends Contestant {
  /** Resolves when requests that come from now on are treated so. */
  switchTo(way: 'with' | 'without'): Promise<void>;
}

export interface StartOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** flowmesh then has a document, and so the thread that keeps and searches documents. */
  readonly hasKnowledge?: boolean;
}

/** The gateways that could be installed. */
export function availableGateways(): ContestantName[] {
  return existsSync(PORTKEY) ? ['bare', 'flowmesh', 'portkey'] : ['bare', 'flowmesh'];
}

/** Starts processes, keeps their files in one place, and leaves nothing behind. */
export class Arena {
  readonly directory = mkdtempSync(join(tmpdir(), 'flowmesh-bench-'));
  readonly #running = new Set<ChildProcess>();
  #upstream: Contestant | undefined;
  #logCount = 0;

  constructor() {
    process.on('exit', () => {
      for (const child of this.#running) child.kill('SIGKILL');
      rmSync(this.directory, { recursive: true, force: true });
    });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));
  }

  /** Bundles flowmesh as it is released; what is measured is that. */
  build(): void {
    execFileSync(process.execPath, [join(ROOT, 'scripts', 'build.ts'), '--out', join(this.directory, 'dist')], {
      cwd: ROOT,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  }

  async startUpstream(): Promise<Contestant> {
    const port = await freePort();
    this.#upstream = this.#spawn('direct', { port, headers: {} }, ['bench/mock-upstream.ts', String(port)], {});
    await firstAnswer(this.#upstream.endpoint);
    return this.#upstream;
  }

  /** Resolves with the first answered request. */
  async start(name: ContestantName, options: StartOptions = {}): Promise<Contestant> {
    const contestant = await this.launch(name, options);
    await firstAnswer(contestant.endpoint);
    return contestant;
  }

  /** Begins to start it. */
  async launch(name: ContestantName, { env = {}, hasKnowledge = false }: StartOptions = {}): Promise<Contestant> {
    const upstream = this.#upstream;
    if (!upstream) throw new Error('The upstream comes first');
    if (name === 'direct') return { ...upstream, stop: () => Promise.resolve() };
    const port = await freePort();
    const contestant = this.#spawn(
      name,
      endpointOf(name, port, upstream),
      this.#command(name, port, upstream, hasKnowledge),
      env,
    );
    return name === 'flowmesh' ? { ...contestant, dataDirectory: join(this.#homeOf(port), 'data') } : contestant;
  }

  /** From its sources: only these can be switched. */
  async startSwitchable(client: Accounted): Promise<Switchable> {
    const upstream = this.#upstream;
    if (!upstream) throw new Error('The upstream comes first');
    const port = await freePort();
    const config = this.#writeConfig(port, upstream, `prices: [{ model: ${MODEL}, input: 1, output: 4 }]\n`);
    const headers = client === 'a key with five limits' ? { authorization: `Bearer ${this.#createKey(config)}` } : {};
    const program = 'bench/switchable-node.ts';
    const { child, ...contestant } = this.#spawn(
      'flowmesh',
      { port, headers },
      [program, 'start', '--config', config, '--port', String(port)],
      {},
      ['ipc'],
    );
    await firstAnswer(contestant.endpoint);
    return {
      ...contestant,
      switchTo: async (way) => {
        child.send(way);
        await once(child, 'message');
      },
    };
  }

  /** None of its limits is ever reached. */
  #createKey(config: string): string {
    const limits = ['--rpm', '--tpm', '--concurrent', '--cost-per-day', '--tokens-per-month'];
    const args = ['src/main.ts', 'keys', 'create', '--tenant', 'bench', '--config', config];
    const text = execFileSync(process.execPath, [...args, ...limits.flatMap((limit) => [limit, LIMIT_NEVER_REACHED])], {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: this.#environment({}),
    });
    return text.trim();
  }

  /** A directory of its own: flowmesh watches it for changes, and the logs of all grow in the other one. */
  #homeOf(port: number): string {
    return join(this.directory, `flowmesh-${port}`);
  }

  #command(
    name: Exclude<ContestantName, 'direct'>,
    port: number,
    upstream: Contestant,
    hasKnowledge: boolean,
  ): string[] {
    switch (name) {
      case 'bare':
        return ['bench/bare-proxy.ts', String(port), String(upstream.endpoint.port)];
      case 'portkey':
        return [PORTKEY, '--headless', `--port=${port}`];
      case 'flowmesh': {
        const config = this.#writeConfig(port, upstream);
        const program = join(this.directory, 'dist', 'flowmesh.mjs');
        if (hasKnowledge) {
          const document = join(this.#homeOf(port), 'pumps.md');
          writeFileSync(document, 'Pumps are oiled weekly.\n');
          execFileSync(
            process.execPath,
            [program, 'kb', 'add', document, '--collection', 'notes', '--config', config],
            {
              stdio: 'ignore',
              env: this.#environment({}),
            },
          );
        }
        return [program, 'start', '--config', config, '--port', String(port)];
      }
    }
  }

  #writeConfig(port: number, upstream: Contestant, more = ''): string {
    const home = this.#homeOf(port);
    const config = join(home, 'flowmesh.yaml');
    mkdirSync(home);
    writeFileSync(config, `${flowmeshConfig(upstream.endpoint.port, join(home, 'data'))}${more}`);
    return config;
  }

  #environment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
    return { PATH: process.env.PATH, HOME: this.directory, NODE_ENV: 'production', ...env };
  }

  #spawn(
    name: ContestantName,
    endpoint: Endpoint,
    args: string[],
    env: NodeJS.ProcessEnv,
    channels: readonly 'ipc'[] = [],
  ): Contestant & { readonly child: ChildProcess } {
    this.#logCount += 1;
    const log = openSync(join(this.directory, `${name}-${this.#logCount}.log`), 'a');
    const child = spawn(process.execPath, args, {
      cwd: ROOT,
      stdio: ['ignore', log, log, ...channels],
      env: this.#environment(env),
    });
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    this.#running.add(child);
    return {
      name,
      endpoint,
      child,
      pid: child.pid ?? 0,
      stop: async () => {
        child.kill('SIGTERM');
        const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
        await exited;
        clearTimeout(timer);
        this.#running.delete(child);
      },
    };
  }
}

/** Metrics are always on; logs are JSON lines, one a request. */
function flowmeshConfig(upstreamPort: number, dataDirectory: string): string {
  return `
accounts:
  mock:
    provider: openai-compatible
    url: http://127.0.0.1:${upstreamPort}/v1
    key: bench
    models: [${MODEL}]
chains:
  default: [mock/${MODEL}]
  ${CACHED_CHAIN}: {targets: [mock/${MODEL}], cache: {requests: all}}
log: { level: info, format: json }
dataDirectory: ${dataDirectory}
`;
}

function endpointOf(name: ContestantName, port: number, upstream: Contestant): Endpoint {
  if (name !== 'portkey') return { port, headers: {} };
  return {
    port,
    headers: {
      'x-portkey-provider': 'openai',
      'x-portkey-custom-host': `http://127.0.0.1:${upstream.endpoint.port}/v1`,
      authorization: 'Bearer bench',
    },
  };
}

/** Asks until there is an answer with status 200. */
export async function firstAnswer({ port, headers }: Endpoint): Promise<void> {
  const givesUpAt = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    try {
      const response = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: wholeBody(),
      });
      const text = await response.text();
      if (response.ok) return;
      throw new Error(`It answers ${response.status}: ${text.slice(0, 200)}`);
    } catch (error) {
      // Refused connections are the normal case while it starts.
      if (!(error instanceof TypeError) || performance.now() > givesUpAt) throw error;
      await new Promise((resolve) => setTimeout(resolve, LOOK_PERIOD_MS));
    }
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
