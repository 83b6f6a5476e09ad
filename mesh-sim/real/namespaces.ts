// Networks of network namespaces: switches, machines with cables to them, cables that are cut, packets lost in one direction.
// All of it lives in namespaces of its own, so the machine that runs the tests is not touched, and removing them removes all.
// There is no default route anywhere, as on a LAN that nobody configured.

import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process';
import { isRunning } from './is-running.ts';

/** Why there can be no namespaces here; undefined when there can. */
export function namespacesMissing(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces are a thing of Linux';
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  const reason = tryInNamespace(() => undefined);
  return reason && `network namespaces cannot be made: ${reason}`;
}

/** Why something cannot be done in a namespace, of which nothing stays; undefined when it can. */
export function tryInNamespace(act: (ipThere: typeof ip) => void): string | undefined {
  const probe = `${PREFIX}${process.pid}x0-probe`;
  try {
    ip('netns', 'add', probe);
    try {
      act((...parameters) => ip('-n', probe, ...parameters));
    } finally {
      ip('netns', 'del', probe);
    }
  } catch (error) {
    return error instanceof Error ? error.message.split('\n')[0] : String(error);
  }
  return undefined;
}

/** Of every namespace made here; then the process that made it. */
const PREFIX = 'fm';
const OURS = new RegExp(`^${PREFIX}(\\d+)x\\d+-`);

/** The namespaces of labs whose process is no more: it was killed before it could remove them. */
export function leftovers(): readonly string[] {
  return namespaces().filter((name) => {
    const pid = OURS.exec(name)?.[1];
    return pid !== undefined && !isRunning(Number(pid));
  });
}

/** All that exist, of whomever. */
export function namespaces(): readonly string[] {
  const listed = ip('netns', 'list').split('\n');
  return listed.flatMap((line) => line.split(' ')[0] || []);
}

function removeLeftovers(): void {
  for (const name of leftovers()) removeNamespace(name);
}

function removeNamespace(name: string): void {
  try {
    // A process that was started in the very moment in which its parent was killed.
    for (const pid of ip('netns', 'pids', name).split('\n').filter(Boolean)) killIfThere(Number(pid));
    ip('netns', 'del', name);
  } catch (error) {
    process.stderr.write(
      `The namespace ${name} cannot be removed: ${error instanceof Error ? error.message : error}\n`,
    );
  }
}

function killIfThere(pid: number): void {
  if (isRunning(pid)) process.kill(pid, 'SIGKILL');
}

export interface Cable {
  /** The switch it leads to. */
  readonly to: string;
  /** With the bits of its subnet; none: link-local addresses only. */
  readonly address?: string;
  /** Of the interface in the machine; eth0, eth1 … when not given. */
  readonly name?: string;
}

let labCount = 0;

/** One experiment. `close` removes everything and kills what runs in it. */
export class NetworkLab {
  /** Names the process that made it, so that what a killed one left can be told from what is in use. */
  readonly #id: string;
  readonly #switches: Machine;
  readonly #machines: Machine[] = [];
  #cables = 0;

  constructor() {
    labCount += 1;
    this.#id = `${PREFIX}${process.pid}x${labCount}`;
    removeLeftovers();
    this.#switches = new Machine(`${this.#id}-switches`, '');
  }

  /** Where the far ends of all cables are. */
  get switches(): Machine {
    return this.#switches;
  }

  addSwitch(name: string): void {
    this.#switches.ip('link', 'add', name, 'type', 'bridge', 'forward_delay', '0', 'mcast_snooping', '0');
    this.#switches.ip('link', 'set', name, 'up');
  }

  addMachine(name: string, cables: readonly Cable[]): Machine {
    const machine = new Machine(`${this.#id}-${name}`, this.#switches.namespace);
    this.#machines.push(machine);
    for (const cable of cables) {
      this.#cables += 1;
      machine.plug(cable, `cable${this.#cables}`);
    }
    return machine;
  }

  /** Does as much as it can: one thing that cannot be removed is no reason to leave the rest. */
  close(): void {
    for (const machine of this.#machines) machine.close();
    // By name, as one may have been made half when the run was ended.
    for (const name of namespaces()) if (name.startsWith(`${this.#id}-`)) removeNamespace(name);
  }
}

export class Machine {
  readonly namespace: string;
  readonly #switches: string;
  /** The switch's end of each cable, by the interface here. */
  readonly #ports = new Map<string, string>();
  readonly #processes = new Set<ChildProcess>();

  constructor(namespace: string, switches: string) {
    this.namespace = namespace;
    this.#switches = switches;
    ip('netns', 'add', namespace);
    this.ip('link', 'set', 'lo', 'up');
  }

  plug({ to, address, name = `eth${this.#ports.size}` }: Cable, port: string): void {
    ip('-n', this.#switches, 'link', 'add', port, 'type', 'veth', 'peer', 'name', name, 'netns', this.namespace);
    ip('-n', this.#switches, 'link', 'set', port, 'master', to, 'up');
    this.bringUp(name, address);
    this.#ports.set(name, port);
  }

  /** What a container engine leaves on a machine: an inner network that no other machine reaches. */
  addContainerBridge(address: string, name = 'docker0'): void {
    this.ip('link', 'add', name, 'type', 'bridge');
    this.ip('link', 'add', `${name}-in`, 'type', 'veth', 'peer', 'name', `${name}-out`);
    this.ip('link', 'set', `${name}-out`, 'master', name, 'up');
    this.ip('link', 'set', `${name}-in`, 'up');
    this.bringUp(name, address);
  }

  /** Pulls the plug at the switch: the machine still sees a link and hears nothing. */
  cut(interfaceName = 'eth0'): void {
    ip('-n', this.#switches, 'link', 'set', this.port(interfaceName), 'nomaster');
  }

  mend(to: string, interfaceName = 'eth0'): void {
    ip('-n', this.#switches, 'link', 'set', this.port(interfaceName), 'master', to);
  }

  /** The interface itself goes, as when a cable is pulled on this side. */
  setLink(state: 'up' | 'down', interfaceName = 'eth0'): void {
    this.ip('link', 'set', interfaceName, state);
  }

  /** A command of iproute2 in this machine. */
  ip(...parameters: readonly string[]): string {
    return ip('-n', this.namespace, ...parameters);
  }

  /**
   * Runs a program here, which is this child itself: no shell and no helper stands between. It is killed with the machine,
   * and by the kernel when this process dies. Ctrl-C in the terminal does not reach it: it is ours to end.
   */
  spawn(command: string, parameters: readonly string[], options: SpawnOptions = {}): ChildProcess {
    const words = ['netns', 'exec', this.namespace, 'setpriv', '--pdeathsig', 'KILL', command, ...parameters];
    const child = spawn('ip', words, { ...options, detached: true });
    this.#processes.add(child);
    child.once('exit', () => this.#processes.delete(child));
    return child;
  }

  /** Ends what runs here. The namespace itself goes with the lab. */
  close(): void {
    for (const child of this.#processes) child.kill('SIGKILL');
  }

  /** With the address, if it is given one. */
  bringUp(interfaceName: string, address: string | undefined): void {
    // Else IPv6 waits a second for an objection before an address may be used.
    const conf = `/proc/sys/net/ipv6/conf/${interfaceName}/accept_dad`;
    administer('ip', 'netns', 'exec', this.namespace, 'sh', '-c', `! [ -e ${conf} ] || echo 0 > ${conf}`);
    if (address !== undefined) this.ip('addr', 'add', address, 'dev', interfaceName);
    this.ip('link', 'set', interfaceName, 'up');
  }

  /** The far end of a cable, by its name at the switches. */
  port(interfaceName = 'eth0'): string {
    const port = this.#ports.get(interfaceName);
    if (port === undefined) throw new Error(`No cable is plugged into ${interfaceName}`);
    return port;
  }
}

function ip(...parameters: readonly string[]): string {
  return administer('ip', ...parameters);
}

const ENDING: ReadonlySet<string> = new Set(['SIGHUP', 'SIGINT', 'SIGTERM']);

/**
 * Runs a command of the system to its end, and gives what it wrote. It has a session of its own, so that what ends all
 * processes of a terminal does not reach it and nothing is left half made or half removed.
 */
export function administer(command: string, ...parameters: readonly string[]): string {
  for (;;) {
    try {
      return execFileSync('setsid', [command, ...parameters], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    } catch (error) {
      // It came before there was a session, so the command has not begun. This process itself ends as soon as it can.
      if (!ENDING.has(String((error as { readonly signal?: string | null }).signal))) throw error;
    }
  }
}
