// A machine with a flowmesh node and, mostly, an upstream of its own: started, killed, frozen and looked at from outside.

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { cpuMs, type Memory, memory } from '../../bench/process-facts.ts';
import type { UpstreamMood } from '../topologies.ts';
import { moment } from './moment.ts';
import type { UpstreamNews, UpstreamOptions, UpstreamOrder } from './upstream-process.ts';
import { type Place, Worker } from './worker.ts';

const ROOT = join(import.meta.dirname, '..', '..');
export const CLIENT_KEY = 'sk-flowmesh-mesh-sim';
/** The model that every upstream has; each has one of its own besides. */
export const SHARED_MODEL = 'shared';
/** In a machine of its own every node can have the same ones. */
const CLIENT_PORT = 2402;
const UPSTREAM_PORT = 9_000;
const READY_MS = 60_000;
/** The last lines of a node's log, for the message of a failure. */
const LOG_LINES_KEPT = 2_000;

export interface MeshNodeOptions {
  readonly name: string;
  readonly place: Place;
  /** How the node is reached by clients and observers. */
  readonly host: string;
  /** Where it listens for them; default: everywhere, as its machine is apart from the real network. */
  readonly listenHost?: string;
  readonly clientPort?: number;
  readonly upstreamPort?: number;
  readonly directory: string;
  readonly hasUpstream: boolean;
  readonly upstreamTtftMs: number;
  /** Program and first parameters; node's own flags go between. */
  readonly program: readonly string[];
  /** Of the configuration, over what stands here. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly hasOwnClock: boolean;
}

export interface LogLine {
  /** Moment. */
  readonly at: number;
  readonly text: string;
}

export class MeshNode {
  readonly name: string;
  readonly url: string;
  readonly log: LogLine[] = [];
  readonly dataDirectory: string;
  #upstream: Worker<UpstreamOrder, UpstreamNews> | undefined;
  readonly #options: MeshNodeOptions;
  #child: ChildProcess | undefined;
  /** Of processes that have ended. */
  #cpuMsBefore = 0;
  #peakMb = 0;

  constructor(options: MeshNodeOptions) {
    const { name, host, directory, clientPort = CLIENT_PORT } = options;
    this.#options = options;
    this.name = name;
    this.url = `http://${host}:${clientPort}`;
    this.dataDirectory = join(directory, 'data');
    mkdirSync(this.dataDirectory, { recursive: true });
    writeFileSync(join(directory, 'clock-offset'), '0');
    writeFileSync(this.#configFile, JSON.stringify(this.#config(), null, 2));
  }

  get upstream(): Worker<UpstreamOrder, UpstreamNews> | undefined {
    return this.#upstream;
  }

  get ownModel(): string | undefined {
    return this.#options.hasUpstream ? `only-${this.name}` : undefined;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get isRunning(): boolean {
    return this.#child !== undefined;
  }

  async startUpstream(): Promise<void> {
    const { hasUpstream, place, upstreamTtftMs, upstreamPort = UPSTREAM_PORT } = this.#options;
    if (!hasUpstream) return;
    const models = [SHARED_MODEL, `only-${this.name}`];
    const options: UpstreamOptions = { port: upstreamPort, models, ttftMs: upstreamTtftMs };
    this.#upstream = new Worker(place, 'upstream-process.ts', options);
    await this.#upstream.told('ready');
  }

  killUpstream(): void {
    this.#upstream?.kill();
    this.#upstream = undefined;
  }

  setMood(mood: UpstreamMood): void {
    this.#upstream?.order({ mood });
  }

  setClock(offsetMs: number): void {
    writeFileSync(join(this.#options.directory, 'clock-offset'), String(offsetMs));
  }

  /** Resolves when it is ready to serve. */
  async boot(): Promise<void> {
    const { place, program, directory, hasOwnClock } = this.#options;
    const shift = hasOwnClock ? ['--import', join(import.meta.dirname, 'shifted-clock.ts')] : [];
    const [node = process.execPath, ...rest] = program;
    const child = place.spawn(node, [...shift, ...rest, 'start', '--config', this.#configFile], {
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: directory,
      env: {
        PATH: process.env.PATH,
        HOME: directory,
        XDG_CACHE_HOME: join(directory, '..', 'cache'),
        CLOCK_OFFSET_FILE: join(directory, 'clock-offset'),
      },
    });
    this.#child = child;
    const ready = new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`${this.name} was not ready in time.\n${this.tail()}`)), READY_MS);
      const onLine = (text: string): void => {
        this.log.push({ at: moment(), text });
        if (this.log.length > LOG_LINES_KEPT) this.log.shift();
        if (!text.includes('flowmesh is ready')) return;
        clearTimeout(late);
        resolve();
      };
      for (const stream of [child.stdout, child.stderr]) if (stream) createInterface(stream).on('line', onLine);
      child.once('exit', (code, signal) => {
        clearTimeout(late);
        if (this.#child === child) this.#child = undefined;
        reject(new Error(`${this.name} ended with ${code ?? signal} before it was ready.\n${this.tail()}`));
      });
    });
    await ready;
  }

  /** kill -9, unless said otherwise; resolves when the process is gone. */
  async end(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (!child) return;
    this.#cpuMsBefore += this.#cpu();
    this.#peakMb = Math.max(this.#peakMb, this.memory()?.peakMb ?? 0);
    this.#child = undefined;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }

  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child?.kill('SIGCONT');
  }

  /** Of all its processes so far. */
  cpuMs(): number {
    return this.#cpuMsBefore + this.#cpu();
  }

  memory(): Memory | undefined {
    const pid = this.pid;
    return pid === undefined || !existsSync(`/proc/${pid}/status`) ? undefined : memory(pid);
  }

  peakMb(): number {
    return Math.max(this.#peakMb, this.memory()?.peakMb ?? 0);
  }

  adminToken(): string {
    return readFileSync(join(this.dataDirectory, 'admin.token'), 'utf8').trim();
  }

  /** The command line, on this node's data and in its network. */
  async run(...words: readonly string[]): Promise<string> {
    const { program, directory, place } = this.#options;
    const [node = process.execPath, ...rest] = program;
    const child = place.spawn(node, [...rest, ...words, '--config', this.#configFile], {
      cwd: directory,
      env: { PATH: process.env.PATH, HOME: directory, NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const written: string[] = [];
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => written.push(String(chunk)));
    const [code] = await once(child, 'close');
    if (code !== 0) throw new Error(`flowmesh ${words.join(' ')} at ${this.name}: ${written.join('')}`);
    return written.join('');
  }

  tail(lines = 15): string {
    return this.log
      .slice(-lines)
      .map(({ text }) => text)
      .join('\n');
  }

  get #configFile(): string {
    return join(this.#options.directory, 'flowmesh.yaml');
  }

  #cpu(): number {
    const pid = this.pid;
    return pid === undefined || !existsSync(`/proc/${pid}/stat`) ? 0 : cpuMs(pid);
  }

  #config(): object {
    const { name, hasUpstream, config, listenHost = '0.0.0.0' } = this.#options;
    const { clientPort = CLIENT_PORT, upstreamPort = UPSTREAM_PORT } = this.#options;
    const url = `http://127.0.0.1:${upstreamPort}/v1`;
    return {
      server: { host: listenHost, port: clientPort, apiKeys: [CLIENT_KEY], drainTimeoutMs: 3_000 },
      dataDirectory: this.dataDirectory,
      log: { format: 'json' },
      ...(hasUpstream && {
        accounts: { own: { provider: 'local', url, models: [SHARED_MODEL, `only-${name}`] } },
      }),
      ...config,
    };
  }
}

export function programFromSource(): readonly string[] {
  return [process.execPath, join(ROOT, 'src', 'main.ts')];
}

/** What `npm run build` makes. */
export function programBuilt(directory = join(ROOT, 'dist')): readonly string[] {
  return [process.execPath, join(directory, 'flowmesh.mjs')];
}
