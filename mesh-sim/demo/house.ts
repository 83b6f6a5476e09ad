// The demo's three nodes with their cables, upstreams and clients, all on this machine; removed again however it ends.

import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { LoadNews, LoadOrder, Seen } from '../real/load-process.ts';
import { CLIENT_KEY, MeshNode, programFromSource, SHARED_MODEL } from '../real/mesh-node.ts';
import type { ObserverNews, ObserverOrder, Sight } from '../real/observer-process.ts';
import { makeRunDirectory, removeRunDirectory } from '../real/run-directory.ts';
import { type Place, Worker } from '../real/worker.ts';
import { Cable, freePort } from './cables.ts';

const SECRET = 'three nodes on one machine';
const UPSTREAM_TTFT_MS = 60;
const LOOK_MS = 250;
const KILLED_WITH_PARENT = ['setpriv', '--pdeathsig', 'KILL'];
/** The kernel kills them when this process is killed, where there is such a kernel. */
const DIES_WITH_US =
  spawnSync('setpriv', [...KILLED_WITH_PARENT.slice(1), 'true']).status === 0 ? KILLED_WITH_PARENT : [];

export class House implements Place {
  readonly nodes: MeshNode[] = [];
  readonly seen: Seen[] = [];
  readonly sights: Sight[] = [];
  readonly directory = makeRunDirectory('flowmesh-demo-');
  readonly #children = new Set<ChildProcess>();
  readonly #cables = new Map<string, Cable>();
  #clients: Worker<LoadOrder, LoadNews> | undefined;
  #observer: Worker<ObserverOrder, ObserverNews> | undefined;

  /** @param hasUpstream of each node */
  async build(hasUpstream: readonly boolean[], onSeen: (seen: Seen) => void): Promise<void> {
    const meshPorts = await Promise.all(hasUpstream.map(freePort));
    for (const [node, has] of hasUpstream.entries()) {
      const bootstrap: string[] = [];
      for (const [other, port] of meshPorts.entries()) {
        if (other === node) continue;
        const cable = await Cable.lay(port);
        this.#cables.set(`${node}>${other}`, cable);
        bootstrap.push(`/ip4/127.0.0.1/tcp/${cable.port}`);
      }
      const directory = join(this.directory, `n${node}`);
      mkdirSync(directory);
      this.nodes.push(
        new MeshNode({
          name: `n${node}`,
          place: this,
          host: '127.0.0.1',
          listenHost: '127.0.0.1',
          clientPort: await freePort(),
          upstreamPort: await freePort(),
          directory,
          hasUpstream: has,
          upstreamTtftMs: UPSTREAM_TTFT_MS,
          program: programFromSource(),
          hasOwnClock: false,
          config: {
            mesh: {
              enabled: true,
              name: `n${node}`,
              secret: SECRET,
              listen: [`/ip4/127.0.0.1/tcp/${meshPorts[node]}`],
              bootstrap,
              // Beacons would reach the real network around this machine.
              interfaces: ['none'],
            },
          },
        }),
      );
    }
    this.#clients = new Worker(this, 'load-process.ts');
    this.#observer = new Worker(this, 'observer-process.ts');
    this.#clients.onNews((news) => {
      if (news.kind !== 'seen') return;
      this.seen.push(...news.seen);
      for (const seen of news.seen) onSeen(seen);
    });
    this.#observer.onNews((news) => {
      if (news.kind === 'sight') this.sights.push(news.sight);
    });
    await Promise.all([
      this.#clients.told('ready'),
      this.#observer.told('ready'),
      ...this.nodes.map((node) => node.startUpstream()),
    ]);
    await Promise.all(this.nodes.map((node) => node.boot()));
    const nodes = this.nodes.map((node) => ({ name: node.name, url: node.url, token: node.adminToken() }));
    this.#observer.order({ nodes, everyMs: LOOK_MS, documentsEvery: 0 });
  }

  ask(nodes: readonly MeshNode[], perSecond: number): void {
    this.#clients?.order({
      kind: 'start',
      options: {
        nodes: nodes.map(({ name, url }) => ({ name, url: `${url}/v1` })),
        key: CLIENT_KEY,
        model: SHARED_MODEL,
        perSecond,
        streamEvery: 2,
        frames: 8,
        frameMs: 20,
        timeoutMs: 30_000,
      },
    });
  }

  async stopAsking(): Promise<void> {
    const stopped = this.#clients?.told('stopped');
    this.#clients?.order({ kind: 'stop' });
    await stopped;
  }

  /** Every cable of a node, in both directions. */
  isolate(node: number): void {
    for (const cable of this.#cablesOf(node)) cable.cut();
  }

  reconnect(node: number): void {
    for (const cable of this.#cablesOf(node)) cable.mend();
  }

  spawn(command: string, parameters: readonly string[], options: SpawnOptions = {}): ChildProcess {
    const [program = command, ...words] = [...DIES_WITH_US, command, ...parameters];
    const child = spawn(program, words, options);
    this.#children.add(child);
    child.once('exit', () => this.#children.delete(child));
    return child;
  }

  close(): void {
    for (const child of this.#children) child.kill('SIGKILL');
    for (const cable of this.#cables.values()) cable.close();
    removeRunDirectory(this.directory);
  }

  #cablesOf(node: number): readonly Cable[] {
    return [...this.#cables].flatMap(([ends, cable]) => (ends.split('>').includes(String(node)) ? [cable] : []));
  }
}
