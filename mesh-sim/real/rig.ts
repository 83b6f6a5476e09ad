// Everything a run needs, made and removed again: the network, a machine for each node, its processes and files. Beside the
// network between the nodes there is a second one on which only clients and the observer meet each node; its interfaces
// look like those of containers, so that no node ever uses it to reach another one.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { LoadNews, LoadOptions, LoadOrder, Seen } from './load-process.ts';
import { CLIENT_KEY, MeshNode, programFromSource, SHARED_MODEL } from './mesh-node.ts';
import { type Machine, NetworkLab } from './namespaces.ts';
import type { ObserverNews, ObserverOrder, Sight } from './observer-process.ts';
import { RelaySwitch } from './relay-switch.ts';
import { makeRunDirectory, removeRunDirectory } from './run-directory.ts';
import { SmallDisk } from './small-disk.ts';
import { Worker } from './worker.ts';

export const SECRET = 'a secret that only this run knows';

export interface RigOptions {
  readonly nodes: number;
  readonly hasUpstream?: (node: number) => boolean;
  readonly upstreamTtftMs?: number;
  /** Packets go through a relay that can delay, lose and cut them. Default: the kernel's own switch. */
  readonly isRelayed?: boolean;
  readonly hasOwnClocks?: boolean;
  /** Their data directories have little room, and can be filled. */
  readonly hasSmallDisks?: boolean;
  /** Who looks at the nodes also counts their documents. */
  readonly countsDocuments?: boolean;
  /** A second LAN, and an inner network that is the same on every machine, as container engines make it. */
  readonly hasManyInterfaces?: boolean;
  readonly program?: readonly string[];
  /** Of the nodes' configuration, over the default one. */
  readonly config?: (node: number) => Readonly<Record<string, unknown>>;
}

const FILES = 'flowmesh-mesh-sim-';
const LAN = 'lan';
/** The nodes' end of it. */
const LAN_INTERFACE = 'eth0';
const DESK = 'desk';
/** Looks; a count costs the node more than its list of peers. */
const DOCUMENTS_EVERY = 4;
const STORAGE = 'storage';

export function nodeName(node: number): string {
  return `n${node}`;
}

export class Rig {
  readonly nodes: readonly MeshNode[];
  /** Present when the network is relayed. */
  readonly relay: RelaySwitch | undefined;
  readonly directory: string;
  readonly seen: Seen[] = [];
  readonly sights: Sight[] = [];
  readonly #lab: NetworkLab;
  readonly #machines: Machine[] = [];
  readonly #disks: SmallDisk[] = [];
  readonly #people: Machine;
  readonly #clients: Worker<LoadOrder, LoadNews>;
  readonly #observer: Worker<ObserverOrder, ObserverNews>;
  readonly #onExit = (): void => this.close();
  readonly #documentsEvery: number;
  #isClosed = false;

  constructor(options: RigOptions) {
    // Whatever ends this process, what was made is removed.
    process.once('exit', this.#onExit);
    for (const signal of ENDING) process.on(signal, endBySignal);
    this.#lab = new NetworkLab();
    this.directory = makeRunDirectory(FILES);
    for (const name of [LAN, DESK, STORAGE]) this.#lab.addSwitch(name);
    if (options.isRelayed) this.relay = new RelaySwitch(this.#lab, options.nodes);
    this.nodes = Array.from({ length: options.nodes }, (_, node) => this.#addNode(node, options));
    this.#documentsEvery = options.countsDocuments ? DOCUMENTS_EVERY : 0;
    this.#people = this.#lab.addMachine('people', [{ to: DESK, address: '10.250.0.200/24' }]);
    this.#clients = new Worker(this.#people, 'load-process.ts');
    this.#observer = new Worker(this.#people, 'observer-process.ts');
    this.#clients.onNews((news) => {
      if (news.kind === 'seen') this.seen.push(...news.seen);
    });
    this.#observer.onNews((news) => {
      if (news.kind === 'sight') this.sights.push(news.sight);
    });
  }

  /** Helpers and upstreams; not yet the nodes. */
  async prepare(): Promise<void> {
    await Promise.all([
      this.#clients.told('ready'),
      this.#observer.told('ready'),
      this.relay?.ready,
      ...this.nodes.map((node) => node.startUpstream()),
    ]);
  }

  /** Begins to look at these nodes, which must have started once. */
  watch(nodes: readonly MeshNode[], everyMs = 250): void {
    const watched = nodes.map((node) => ({ name: node.name, url: node.url, token: node.adminToken() }));
    this.#observer.order({ nodes: watched, everyMs, documentsEvery: this.#documentsEvery });
  }

  ask(nodes: readonly MeshNode[], options: Partial<Omit<LoadOptions, 'nodes' | 'key'>> = {}): void {
    const load: LoadOptions = {
      nodes: nodes.map(({ name, url }) => ({ name, url: `${url}/v1` })),
      key: CLIENT_KEY,
      model: SHARED_MODEL,
      perSecond: 10,
      streamEvery: 2,
      frames: 10,
      frameMs: 20,
      timeoutMs: 60_000,
      ...options,
    };
    this.#clients.order({ kind: 'start', options: load });
  }

  /** Resolves when the last answer has ended. */
  async stopAsking(): Promise<void> {
    const stopped = this.#clients.told('stopped', 90_000);
    this.#clients.order({ kind: 'stop' });
    await stopped;
  }

  /** A program of ours at the people's desk. */
  spawnAtDesk(parameters: readonly string[]): ReturnType<Machine['spawn']> {
    return this.#people.spawn(process.execPath, parameters, { stdio: ['pipe', 'pipe', 'inherit'] });
  }

  /** A helper of ours, beside this file, at the people's desk. */
  workerAtDesk<Order extends object, News extends { readonly kind: string }>(script: string): Worker<Order, News> {
    return new Worker(this.#people, script);
  }

  /** Bytes that each machine has sent and received on the network between nodes. */
  traffic(): readonly number[] {
    return this.#machines.map((machine) => {
      const [link] = JSON.parse(machine.ip('-s', '-j', 'link', 'show', 'dev', LAN_INTERFACE)) as readonly Link[];
      return (link?.stats64.rx.bytes ?? 0) + (link?.stats64.tx.bytes ?? 0);
    });
  }

  /** Nothing more can be written to this node's data directory; or it can again. Only where disks are small. */
  setDiskFull(node: number, isFull: boolean): void {
    if (isFull) this.#disks[node]?.fill();
    else this.#disks[node]?.makeRoom();
  }

  /** Pulls the plug of the network between the nodes, at the switch. */
  unplug(node: MeshNode): void {
    this.#machines[this.nodes.indexOf(node)]?.cut();
  }

  plugIn(node: MeshNode): void {
    this.#machines[this.nodes.indexOf(node)]?.mend(LAN);
  }

  /** Everything is gone when it returns. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    process.removeListener('exit', this.#onExit);
    for (const signal of ENDING) process.removeListener(signal, endBySignal);
    this.#lab.close();
    removeRunDirectory(this.directory);
  }

  #addNode(node: number, options: RigOptions): MeshNode {
    const { isRelayed = false, hasManyInterfaces = false } = options;
    const number = node + 1;
    const host = `10.250.0.${number}`;
    const address = `10.77.0.${number}/24`;
    const machine = this.#lab.addMachine(nodeName(node), [
      ...(isRelayed ? [] : [{ to: LAN, address, name: LAN_INTERFACE }]),
      { to: DESK, address: `${host}/24`, name: 'veth-desk' },
      ...(hasManyInterfaces ? [{ to: STORAGE, address: `192.168.5.${number}/24`, name: 'eth1' }] : []),
    ]);
    this.relay?.plug(machine, LAN_INTERFACE, address);
    this.#machines.push(machine);
    if (hasManyInterfaces) machine.addContainerBridge('172.17.0.1/16');
    const directory = join(this.directory, nodeName(node));
    mkdirSync(directory);
    const made = new MeshNode({
      name: nodeName(node),
      place: machine,
      host,
      directory,
      hasUpstream: options.hasUpstream?.(node) ?? true,
      upstreamTtftMs: options.upstreamTtftMs ?? 20,
      program: options.program ?? programFromSource(),
      config: { mesh: { enabled: true, name: nodeName(node), secret: SECRET }, ...options.config?.(node) },
      hasOwnClock: options.hasOwnClocks ?? false,
    });
    if (options.hasSmallDisks) this.#disks.push(new SmallDisk(made.dataDirectory));
    return made;
  }
}

interface Link {
  readonly stats64: { readonly rx: { readonly bytes: number }; readonly tx: { readonly bytes: number } };
}

const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** By shells' custom. */
const SIGNALLED = 128;
const NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/** Ends the process in the way that runs what waits for its end. */
function endBySignal(signal: (typeof ENDING)[number]): void {
  process.exit(SIGNALLED + NUMBERS[signal]);
}
