// A simulated world: machines, the network between them, their clients, and the record of all that happened.

import { identityFromSeed } from '../../src/mesh/identity.ts';
import { nodesOf } from '../topologies.ts';
import { Clients } from './clients.ts';
import { finalState, isSettled, seesEverybody } from './final-state.ts';
import type { History } from './history.ts';
import { Links } from './links.ts';
import { Machine, TIMERS_MAX } from './machine.ts';
import { Observer } from './observer.ts';
import { ledgerOf } from './replicas.ts';
import type { Operation, Schedule } from './schedule.ts';
import { seededRandom } from './seeded-random.ts';
import { type DiskImage, EMPTY_DISK, type SimDisk } from './sim-disk.ts';
import { SimNetwork } from './sim-network.ts';
import type { SimTransport } from './sim-transport.ts';
import { START_MS, VirtualClock } from './virtual-clock.ts';

/** Warm disks were written within this time before the world begins. */
const WORLD_START_MS = START_MS + 3_600_000;
/** What has ended is in its ledger's table by then. */
const ENTERED_MS = 500;

export interface WorldOptions {
  /** One for each machine; absent: new ones. */
  readonly disks?: readonly DiskImage[];
  readonly startMs?: number;
  /** Lines of the event log are kept. */
  readonly isTraced?: boolean;
}

type Keys = ReturnType<typeof identityFromSeed>;

const identities = new Map<string, Keys>();

/** The same for each world: making keys is dear, and nothing depends on which they are. */
function identityOf(label: string): Keys {
  const known = identities.get(label);
  if (known) return known;
  const identity = identityFromSeed(seededRandom(hashOf(label)).bytes(32));
  identities.set(label, identity);
  return identity;
}

export class World {
  readonly seed: number;
  readonly schedule: Schedule;
  readonly clock: VirtualClock;
  readonly network: SimNetwork<SimTransport>;
  readonly machines: readonly Machine[];
  readonly clients: Clients;
  readonly observer: Observer;
  readonly #links: Links;
  readonly #startedAt: number;
  readonly #retired: SimDisk[] = [];
  #faultsUndoneAt = Number.POSITIVE_INFINITY;

  constructor(schedule: Schedule, { disks, startMs = WORLD_START_MS, isTraced = false }: WorldOptions = {}) {
    this.schedule = schedule;
    this.seed = schedule.seed;
    this.clock = new VirtualClock(startMs);
    this.#startedAt = startMs;
    const { link } = schedule;
    this.network = new SimNetwork<SimTransport>({
      clock: this.clock,
      random: seededRandom(schedule.seed * 7_919 + 17),
      delayMs: { min: link.delayMs, max: link.delayMs + link.jitterMs },
      lossRate: link.lossRate,
      duplicationRate: link.duplicationRate ?? 0,
      bitsPerSecond: link.bitsPerSecond,
    });
    const fleet = identityOf('fleet');
    const admin = identityOf('admin');
    const withUpstream = new Set(nodesOf(schedule.upstreams, schedule));
    this.machines = Array.from({ length: schedule.nodes }, (_, index) => {
      const keys = { identity: identityOf(`machine ${index}`), fleet, ...(index === 0 && { admin }) };
      const hasUpstream = withUpstream.has(index);
      return new Machine(this, { index, keys, adminKey: admin.peer, hasUpstream, disk: disks?.[index] ?? EMPTY_DISK });
    });
    const peers = this.machines.map(({ history }) => history.peer);
    this.observer = new Observer(this.clock, new Map(peers.map((peer, index) => [peer, index])), isTraced);
    this.clients = new Clients(this);
    this.#links = new Links(peers, this.network);
    if (schedule.links !== 'all') this.#links.cutAllBut(schedule.links);
  }

  get nowMs(): number {
    return this.clock.elapsed() - this.#startedAt;
  }

  do(operation: Operation): void {
    this.observer.log('*', JSON.stringify(operation));
    switch (operation.kind) {
      case 'cut':
        this.#links.cut(operation.from, operation.to, operation.isOneWay);
        return;
      case 'heal':
        this.#links.heal(operation.from, operation.to);
        return;
      case 'partition':
        this.#links.partition(operation.groups);
        return;
      case 'crash':
        this.#each(operation.nodes, (machine) => machine.crash());
        return;
      case 'power-off':
        this.#each(operation.nodes, (machine) => machine.powerOff());
        return;
      case 'boot':
        this.#links.apply();
        this.#each(operation.nodes, (machine) => this.#background(machine.boot()));
        return;
      case 'stop':
        this.#each(operation.nodes, (machine) => this.#background(machine.stop()));
        return;
      case 'pause':
        this.#each(operation.nodes, (machine) => machine.pause());
        return;
      case 'resume':
        this.#each(operation.nodes, (machine) => machine.resume());
        return;
      case 'disk-full':
        this.#each(operation.nodes, (machine) => machine.setDiskFull(operation.isFull));
        return;
      case 'clock':
        this.#each(operation.nodes, ({ clockError }) => {
          clockError.offsetMs = operation.offsetMs;
        });
        return;
      case 'upstream':
        this.#each(operation.nodes, ({ history }) => history.mood.set(this.clock.elapsed(), operation.mood));
        return;
      case 'import':
        this.clients.import(this.#machine(operation.node), operation.documents);
        return;
      case 'evict':
        this.#evict(operation.by, operation.node);
        return;
      case 'back-up':
        this.#machine(operation.machine).backUp();
        return;
      case 'restore':
        this.#restore(this.#machine(operation.machine));
        return;
      case 'create-key':
        this.clients.createKey(this.#machine(operation.machine), operation);
        return;
      case 'revoke-key':
        this.clients.revokeKey(this.#machine(operation.machine), operation.key);
        return;
      case 'limit-tenant':
        this.clients.limitTenant(this.#machine(operation.machine), operation);
        return;
      case 'ask':
        this.clients.ask(this.#machine(operation.machine), operation);
        return;
      case 'write':
        this.clients.write(
          this.#machine(operation.machine),
          `document-${operation.document}`,
          `The text of edit ${operation.edit}.`,
        );
        return;
      case 'delete':
        this.clients.write(this.#machine(operation.machine), `document-${operation.document}`, undefined);
        return;
    }
  }

  /** Everything goes again, and everybody is there. */
  undoFaults(): void {
    this.observer.log('*', 'all faults are undone');
    this.#faultsUndoneAt = this.clock.elapsed();
    this.#links.heal();
    for (const machine of this.machines) {
      machine.history.mood.set(this.clock.elapsed(), 'well');
      machine.setDiskFull(false);
      machine.resume();
      this.#background(machine.boot());
    }
  }

  /** Each member sees each other one alive and connected. */
  isWhole(): boolean {
    return seesEverybody(this.machines);
  }

  /** Nothing is left to be done: all see each other, hold the same, and nothing runs. */
  isSettled(): boolean {
    const isQuiet = this.machines.every(({ life }) => (life?.clock.timerCount ?? 0) <= TIMERS_MAX);
    return (
      isQuiet &&
      this.clients.asks.every(({ endedAt }) => this.clock.elapsed() - endedAt > ENTERED_MS) &&
      isSettled(this.machines, this.clock.elapsed()) &&
      !this.observer.calls.some(({ isOpen, isOrphan }) => isOpen && !isOrphan())
    );
  }

  /** Closed at the end of the world: a dying process may still read it. */
  retire(disk: SimDisk): void {
    this.#retired.push(disk);
  }

  /** To be called once, after the last event. */
  finish(): History {
    const { observer, clients } = this;
    const { link } = this.schedule;
    const history: History = {
      startedAt: this.#startedAt,
      machines: this.machines.map((machine) => machine.history),
      asks: clients.asks,
      keys: [...clients.keys.values()],
      writes: clients.writes,
      forwards: observer.forwards,
      verdicts: observer.verdicts,
      calls: observer.calls,
      openCalls: observer.calls.filter(({ isOpen, isOrphan }) => isOpen && !isOrphan()),
      links: this.#links.timelines,
      errors: observer.errors,
      ledger: this.machines.flatMap((machine) => ledgerOf(machine)),
      final: this.machines.map((machine) => finalState(machine, this.machines)),
      faultsUndoneAt: this.#faultsUndoneAt,
      endedAt: this.clock.elapsed(),
      isWarm: this.schedule.isWarm,
      isLossy: link.lossRate > 0,
      roundTripMs: 2 * (link.delayMs + link.jitterMs),
      isWholeNetwork: this.#links.isWhole,
    };
    return history;
  }

  /**
   * The last that is done with a world. Runtime and disks would else remember its processes: a request that nobody has
   * ended waits for ever, and whatever it waits for keeps its listeners.
   */
  async leave(): Promise<void> {
    for (const { life } of this.machines) life?.transport.kill();
    this.clients.leave();
    // What is cut off ends as in a process that dies, while it can still read its files.
    await new Promise((resolve) => setImmediate(resolve));
    for (const { disk } of this.machines) disk.close();
    for (const disk of this.#retired) disk.close();
  }

  #evict(by: number, node: number): void {
    const evicted = this.#machine(node).history;
    const { life, state } = this.#machine(by);
    // A process that stands still obeys nobody.
    const isDone = state !== 'paused' && life?.node.mesh?.evict(evicted.peer, 'stolen') === true;
    if (isDone) evicted.evictedAt ??= this.clock.elapsed();
  }

  #restore(machine: Machine): void {
    if (!machine.restore()) return;
    this.#links.apply();
    this.#background(machine.boot());
  }

  #each(nodes: readonly number[] | 'all', action: (machine: Machine) => void): void {
    for (const index of nodesOf(nodes, this.schedule)) action(this.#machine(index));
  }

  #machine(index: number): Machine {
    const machine = this.machines[index];
    if (!machine) throw new RangeError(`There is no machine ${index}.`);
    return machine;
  }

  #background(work: Promise<void>): void {
    work.catch((error: unknown) => this.observer.noteOwnFailure(error));
  }
}

function hashOf(text: string): number {
  let hash = 2_166_136_261;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 16_777_619);
  return hash >>> 0;
}
