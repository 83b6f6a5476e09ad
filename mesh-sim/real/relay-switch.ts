// A switch that can delay, lose and cut: a machine of its own in which our relay moves the packets (relay-process.ts). Each
// node's interface is the end of a VXLAN tunnel to it, so nothing here needs raw sockets or a kernel with netem.

import type { LinkQuality } from '../topologies.ts';
import { type Machine, type NetworkLab, tryInNamespace } from './namespaces.ts';
import type { RelayNews, RelayOptions, RelayOrder } from './relay-process.ts';
import { Worker } from './worker.ts';

/** Why packets cannot be relayed here; undefined when they can. */
export function relayMissing(): string | undefined {
  const reason = tryInNamespace((ip) => ip('link', 'add', 'tunnel', ...tunnelTo(FAR, NEAR, 1)));
  return reason && `delays, losses and cuts between pairs of nodes need VXLAN of the kernel: ${reason}`;
}

const AIR = 'air';
/** Where the tunnels begin, and where the relay is. */
const NEAR = '10.251.0.1';
const FAR = '10.251.0.2';
const UDP_PORT = 4_789;
/** Room for a tunnel's own bytes around a whole frame. */
const AIR_MTU = 2_000;
const NODE_MTU = 1_500;
const BARE: LinkQuality = { delayMs: 0, jitterMs: 0, lossRate: 0 };

function tunnelTo(remote: string, local: string, number: number): readonly string[] {
  const path = ['id', String(number), 'remote', remote, 'local', local, 'dstport', String(UDP_PORT)];
  return ['type', 'vxlan', ...path, 'nolearning'];
}

export class RelaySwitch {
  readonly ready: Promise<unknown>;
  readonly #lab: NetworkLab;
  readonly #relay: Worker<RelayOrder, RelayNews>;
  readonly #count: number;
  #plugged = 0;
  #link = BARE;
  /** `from>to`, by the numbers of the ports. */
  #cut: ReadonlySet<string> = new Set();
  readonly #off = new Set<number>();

  constructor(lab: NetworkLab, ports: number) {
    this.#lab = lab;
    this.#count = ports;
    lab.addSwitch(AIR);
    // The way into the tunnels leads over the bridge: it lets the kernel finish checksums and segments before a packet is
    // wrapped, where a bare cable would leave that to a network card.
    lab.switches.ip('addr', 'add', `${NEAR}/24`, 'dev', AIR);
    const machine = lab.addMachine('relay', [{ to: AIR, address: `${FAR}/24` }]);
    machine.ip('link', 'set', 'eth0', 'mtu', String(AIR_MTU));
    lab.switches.ip('link', 'set', machine.port(), 'mtu', String(AIR_MTU));
    lab.switches.ip('link', 'set', AIR, 'mtu', String(AIR_MTU));
    const options: RelayOptions = { address: FAR, tunnelsAt: NEAR, udpPort: UDP_PORT, ports };
    this.#relay = new Worker(machine, 'relay-process.ts', options);
    this.ready = this.#relay.told('ready');
  }

  /** Gives a machine an interface at the next port. */
  plug(machine: Machine, interfaceName: string, address: string): void {
    this.#plugged += 1;
    const tunnel = `tunnel${this.#plugged}`;
    this.#lab.switches.ip('link', 'add', tunnel, ...tunnelTo(FAR, NEAR, this.#plugged));
    // Its frames go on through the namespace where it was made.
    this.#lab.switches.ip('link', 'set', tunnel, 'netns', machine.namespace, 'name', interfaceName);
    machine.ip('link', 'set', interfaceName, 'mtu', String(NODE_MTU));
    machine.bringUp(interfaceName, address);
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
    this.#relay.order({ link: this.#link, cut });
  }
}
