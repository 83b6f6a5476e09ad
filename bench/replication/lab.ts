// A mesh of real nodes, each in a network namespace: asked over its API from the desk, and looked at through its files, which
// disturbs it less than asking would.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { DeskAnswer, DeskNews, DeskOrder } from '../../mesh-sim/real/desk-process.ts';
import type { MeshNode } from '../../mesh-sim/real/mesh-node.ts';
import { moment, pause } from '../../mesh-sim/real/moment.ts';
import { Rig, type RigOptions } from '../../mesh-sim/real/rig.ts';
import type { Worker } from '../../mesh-sim/real/worker.ts';
import { type Database, openForReading } from './files.ts';

export type FileName = 'gateway.db' | 'knowledge.db' | 'knowledge-log.db';

const LOOK_MS = 2;

export class Lab {
  readonly rig: Rig;
  readonly #desk: Worker<DeskOrder, DeskNews>;
  readonly #waiting = new Map<number, (answer: DeskAnswer) => void>();
  readonly #files = new Map<string, Database>();
  #number = 0;

  constructor(options: RigOptions) {
    this.rig = new Rig({ hasUpstream: () => false, ...options });
    this.#desk = this.rig.workerAtDesk('desk-process.ts');
    this.#desk.onNews((news) => {
      if (news.kind !== 'answer') return;
      this.#waiting.get(news.number)?.(news.answer);
      this.#waiting.delete(news.number);
    });
  }

  get nodes(): readonly MeshNode[] {
    return this.rig.nodes;
  }

  /** Helpers and upstreams; not yet the nodes. */
  async prepare(): Promise<void> {
    await Promise.all([this.#desk.told('ready'), this.rig.prepare()]);
  }

  ask(node: MeshNode, method: string, path: string, body?: object, token = node.adminToken()): Promise<DeskAnswer> {
    this.#number += 1;
    const number = this.#number;
    this.#desk.order({ number, method, url: `${node.url}${path}`, token, ...(body && { body }) });
    return new Promise((resolve) => this.#waiting.set(number, resolve));
  }

  /** @throws Error when the node refuses */
  async tell(node: MeshNode, method: string, path: string, body?: object): Promise<Record<string, unknown>> {
    const answer = await this.ask(node, method, path, body);
    if (answer.status !== 200 && answer.status !== 201) {
      throw new Error(`${node.name} answered ${answer.status} to ${method} ${path}: ${answer.body}`);
    }
    return JSON.parse(answer.body) as Record<string, unknown>;
  }

  path(node: MeshNode, name: FileName): string {
    return join(node.dataDirectory, name);
  }

  has(node: MeshNode, name: FileName): boolean {
    return existsSync(this.path(node, name));
  }

  /** One of a node's files, as it is at each moment. */
  file(node: MeshNode, name: FileName): Database {
    const path = this.path(node, name);
    const opened = this.#files.get(path) ?? openForReading(path);
    this.#files.set(path, opened);
    return opened;
  }

  /** Resolves when everybody sees everybody. */
  async meet(): Promise<void> {
    const others = this.nodes.length - 1;
    await until(async () => {
      const seen = await Promise.all(this.nodes.map((node) => this.#alive(node)));
      return seen.every((count) => count === others);
    }, 30_000);
  }

  close(): void {
    for (const file of this.#files.values()) file.close();
    this.#files.clear();
    this.rig.close();
  }

  async #alive(node: MeshNode): Promise<number> {
    const { status, body } = await this.ask(node, 'GET', '/mesh');
    if (status !== 200) return 0;
    const { peers } = JSON.parse(body) as { readonly peers: readonly { readonly state: string }[] };
    return peers.filter(({ state }) => state === 'alive').length;
  }
}

/** Resolves after how many milliseconds. @throws Error when it takes longer than that */
export async function until(
  isReached: () => boolean | Promise<boolean>,
  withinMs: number,
  lookMs = LOOK_MS,
): Promise<number> {
  const startedAt = moment();
  while (!(await isReached())) {
    if (moment() - startedAt > withinMs) throw new Error(`Not reached within ${withinMs} ms`);
    await pause(lookMs);
  }
  return moment() - startedAt;
}
