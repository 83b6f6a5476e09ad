// Networks of network namespaces: switches, machines with cables to them, cables that are cut, packets lost in one direction.
// All of it lives in namespaces of its own, so the machine that runs the tests is not touched, and removing them removes all.
// There is no default route anywhere, as on a LAN that nobody configured.

import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';

/** Why there can be no namespaces here; undefined when there can. */
export function namespacesMissing(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces are a thing of Linux';
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  const probe = `fm-probe-${process.pid}`;
  try {
    ip('netns', 'add', probe);
    ip('netns', 'del', probe);
  } catch (error) {
    return `network namespaces cannot be made: ${error instanceof Error ? error.message.split('\n')[0] : error}`;
  }
  return undefined;
}

export interface Cable {
  /** The switch it leads to. */
  readonly to: string;
  /** With the bits of its subnet; none: link-local addresses only. */
  readonly address?: string;
  /** Of the interface in the machine; eth0, eth1 … when not given. */
  readonly name?: string;
}

/** One experiment. `close` removes everything and kills what runs in it. */
export class NetworkLab {
  readonly #id = randomBytes(3).toString('hex');
  readonly #switches: string;
  readonly #machines = new Map<string, Machine>();
  #cables = 0;

  constructor() {
    this.#switches = `fm${this.#id}-switches`;
    ip('netns', 'add', this.#switches);
  }

  addSwitch(name: string): void {
    ip('-n', this.#switches, 'link', 'add', name, 'type', 'bridge', 'forward_delay', '0', 'mcast_snooping', '0');
    ip('-n', this.#switches, 'link', 'set', name, 'up');
  }

  addMachine(name: string, cables: readonly Cable[]): Machine {
    const machine = new Machine(`fm${this.#id}-${name}`, this.#switches);
    this.#machines.set(name, machine);
    for (const cable of cables) {
      this.#cables += 1;
      machine.plug(cable, `cable${this.#cables}`);
    }
    return machine;
  }

  close(): void {
    for (const machine of this.#machines.values()) machine.close();
    ip('netns', 'del', this.#switches);
  }
}

export class Machine {
  readonly #namespace: string;
  readonly #switches: string;
  /** The switch's end of each cable, by the interface here. */
  readonly #ports = new Map<string, string>();
  readonly #processes = new Set<ChildProcess>();

  constructor(namespace: string, switches: string) {
    this.#namespace = namespace;
    this.#switches = switches;
    ip('netns', 'add', namespace);
    this.ip('link', 'set', 'lo', 'up');
  }

  plug({ to, address, name = `eth${this.#ports.size}` }: Cable, port: string): void {
    ip('-n', this.#switches, 'link', 'add', port, 'type', 'veth', 'peer', 'name', name, 'netns', this.#namespace);
    ip('-n', this.#switches, 'link', 'set', port, 'master', to, 'up');
    this.#bringUp(name, address);
    this.#ports.set(name, port);
  }

  /** What a container engine leaves on a machine: an inner network that no other machine reaches. */
  addContainerBridge(address: string, name = 'docker0'): void {
    this.ip('link', 'add', name, 'type', 'bridge');
    this.ip('link', 'add', `${name}-in`, 'type', 'veth', 'peer', 'name', `${name}-out`);
    this.ip('link', 'set', `${name}-out`, 'master', name, 'up');
    this.ip('link', 'set', `${name}-in`, 'up');
    this.#bringUp(name, address);
  }

  /** Pulls the plug at the switch: the machine still sees a link and hears nothing. */
  cut(interfaceName = 'eth0'): void {
    ip('-n', this.#switches, 'link', 'set', this.#port(interfaceName), 'nomaster');
  }

  mend(to: string, interfaceName = 'eth0'): void {
    ip('-n', this.#switches, 'link', 'set', this.#port(interfaceName), 'master', to);
  }

  /** The interface itself goes, as when a cable is pulled on this side. */
  setLink(state: 'up' | 'down', interfaceName = 'eth0'): void {
    this.ip('link', 'set', interfaceName, state);
  }

  /** What this machine sends to that address is lost without a word; the other direction and multicast still work. */
  loseTo(address: string, interfaceName = 'eth0'): void {
    this.ip('neigh', 'replace', address, 'lladdr', '02:00:00:00:de:ad', 'dev', interfaceName, 'nud', 'permanent');
  }

  reach(address: string, interfaceName = 'eth0'): void {
    this.ip('neigh', 'del', address, 'dev', interfaceName);
  }

  /** A command of iproute2 in this machine. */
  ip(...parameters: readonly string[]): string {
    return ip('-n', this.#namespace, ...parameters);
  }

  /** Runs a program here; it is killed with the machine. */
  spawn(command: string, parameters: readonly string[], options: SpawnOptions = {}): ChildProcess {
    const child = spawn('ip', ['netns', 'exec', this.#namespace, command, ...parameters], options);
    this.#processes.add(child);
    child.once('exit', () => this.#processes.delete(child));
    return child;
  }

  close(): void {
    for (const child of this.#processes) child.kill('SIGKILL');
    ip('netns', 'del', this.#namespace);
  }

  #bringUp(interfaceName: string, address: string | undefined): void {
    // Else IPv6 waits a second for an objection before an address may be used.
    const conf = `/proc/sys/net/ipv6/conf/${interfaceName}/accept_dad`;
    execFileSync('ip', ['netns', 'exec', this.#namespace, 'sh', '-c', `! [ -e ${conf} ] || echo 0 > ${conf}`]);
    if (address !== undefined) this.ip('addr', 'add', address, 'dev', interfaceName);
    this.ip('link', 'set', interfaceName, 'up');
  }

  #port(interfaceName: string): string {
    const port = this.#ports.get(interfaceName);
    if (port === undefined) throw new Error(`No cable is plugged into ${interfaceName}`);
    return port;
  }
}

function ip(...parameters: readonly string[]): string {
  return execFileSync('ip', parameters, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}
