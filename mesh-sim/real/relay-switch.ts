// The user-space switch between the nodes (relay.py), and what is cut at it now.

import type { ChildProcess } from 'node:child_process';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { LinkQuality } from '../topologies.ts';
import type { Machine } from './namespaces.ts';

/** Why packets cannot be relayed here; undefined when they can. */
export function relayMissing(): string | undefined {
  try {
    execFileSync('python3', ['-c', 'import socket; socket.AF_PACKET'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'delays, losses and cuts between pairs of nodes need python3';
  }
}

const BARE: LinkQuality = { delayMs: 0, jitterMs: 0, lossRate: 0 };

export class RelaySwitch {
  readonly ready: Promise<unknown>;
  readonly #child: ChildProcess;
  readonly #count: number;
  #link = BARE;
  /** `from>to`, by the numbers of the ports. */
  #cut: ReadonlySet<string> = new Set();
  readonly #off = new Set<number>();

  constructor(machine: Machine, ports: readonly string[]) {
    this.#count = ports.length;
    this.#child = machine.spawn('python3', [join(import.meta.dirname, 'relay.py'), ...ports], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.ready = this.#child.stdout ? once(this.#child.stdout, 'data') : Promise.resolve();
    // It is killed at the end of a run, perhaps in the middle of a command.
    this.#child.stdin?.on('error', () => undefined);
  }

  setLink(link: LinkQuality): void {
    this.#link = link;
    this.#tell();
  }

  setCut(cut: ReadonlySet<string>): void {
    this.#cut = cut;
    this.#tell();
  }

  /** A machine without power: nobody is told that its connections are gone. */
  setPower(node: number, isOn: boolean): void {
    if (isOn) this.#off.delete(node);
    else this.#off.add(node);
    this.#tell();
  }

  #tell(): void {
    const cut: (readonly [number, number])[] = [];
    for (let a = 0; a < this.#count; a += 1) {
      for (let b = 0; b < this.#count; b += 1) {
        if (a !== b && (this.#cut.has(`${a}>${b}`) || this.#off.has(a) || this.#off.has(b))) cut.push([a, b]);
      }
    }
    this.#child.stdin?.write(`${JSON.stringify({ link: this.#link, cut })}\n`);
  }
}
