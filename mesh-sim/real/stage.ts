// Causes the faults of a topology to real nodes, and keeps what is true after each.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nodesOf, type TimedFault } from '../topologies.ts';
import { describeFault } from './describe-fault.ts';
import type { MeshNode } from './mesh-node.ts';
import { moment } from './moment.ts';
import type { Rig } from './rig.ts';
import type { World } from './world.ts';

/** A fault as it was caused, at its real moment. */
export interface CausedFault {
  readonly at: number;
  readonly fault: TimedFault;
}

/** Documents that a node took in one go, and when it had them. */
export interface Stored {
  readonly at: number;
  readonly documents: number;
}

const DOCUMENT_WORDS = 40;

export class Stage {
  readonly faults: CausedFault[] = [];
  readonly remarks: string[] = [];
  readonly stored: Stored[] = [];
  readonly #rig: Rig;
  readonly #world: World;
  readonly #onProgress: (what: string) => void;
  readonly #underWay: Promise<unknown>[] = [];

  constructor(rig: Rig, world: World, onProgress: (what: string) => void) {
    this.#rig = rig;
    this.#world = world;
    this.#onProgress = onProgress;
  }

  async cause(fault: TimedFault): Promise<void> {
    this.#onProgress(describeFault(fault));
    const at = moment();
    this.faults.push({ at, fault });
    this.#world.apply(fault);
    this.#world.remember(at);
    this.#rig.relay?.setCut(this.#world.now.cut);
    for (const number of 'nodes' in fault ? nodesOf(fault.nodes, { nodes: this.#rig.nodes.length }) : []) {
      const node = this.#rig.nodes[number];
      if (node) this.#befall(node, number, fault);
    }
    if (fault.kind === 'import') this.#later(this.#import(fault.node, fault.documents));
    if (fault.kind === 'evict') {
      const evicted = this.#rig.nodes[fault.node]?.name ?? '';
      this.#later(this.#rig.nodes[fault.by]?.run('mesh', 'evict', evicted) ?? Promise.resolve());
    }
  }

  #befall(node: MeshNode, number: number, fault: TimedFault): void {
    if (fault.kind === 'power-off') this.#rig.relay?.setPower(number, false);
    if (fault.kind === 'crash' || fault.kind === 'power-off') this.#later(node.end());
    if (fault.kind === 'stop') this.#later(node.end('SIGTERM'));
    if (fault.kind === 'pause') node.freeze();
    if (fault.kind === 'resume') node.thaw();
    if (fault.kind === 'clock') node.setClock(fault.offsetMs);
    if (fault.kind === 'disk-full') this.#rig.setDiskFull(number, fault.isFull);
    if (fault.kind === 'upstream') node.setMood(fault.mood);
    if (fault.kind === 'boot') this.#later(this.#boot(number));
  }

  /** Nothing that was begun is still under way. */
  async finished(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  async #boot(number: number): Promise<void> {
    const node = this.#rig.nodes[number];
    await node?.end();
    this.#rig.relay?.setPower(number, true);
    await node?.boot();
    this.#world.setReady(number, moment());
    this.#rig.watch(this.#rig.nodes.filter(({ isRunning }) => isRunning));
  }

  async #import(number: number, documents: number): Promise<void> {
    const folder = join(this.#rig.directory, `documents-${this.faults.length}`);
    mkdirSync(folder, { recursive: true });
    for (let index = 0; index < documents; index += 1) {
      const words = Array.from({ length: DOCUMENT_WORDS }, (_, word) => `word${(index * 7 + word * 13) % 997}`);
      writeFileSync(join(folder, `${index}.txt`), `Document ${index}\n\n${words.join(' ')}\n`);
    }
    await this.#rig.nodes[number]?.run('kb', 'add', folder, '--collection', 'documents');
    this.stored.push({ at: moment(), documents });
  }

  #later(work: Promise<unknown>): void {
    this.#underWay.push(
      work.catch((error: unknown) => {
        this.remarks.push(error instanceof Error ? error.message : String(error));
      }),
    );
  }
}
