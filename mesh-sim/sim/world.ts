// A simulated world: machines, the network between them, their clients, and the record of all that happened.

import { GatewayError } from '../../src/errors.ts';
import { identityFromSeed } from '../../src/mesh/identity.ts';
import type { LogFields, MeshRequest, PeerId } from '../../src/ports.ts';
import { nodesOf } from '../topologies.ts';
import type { AskHistory, FinalState, ForwardHistory, History, LedgerRow, VerdictHistory } from './history.ts';
import { Machine, MODEL } from './machine.ts';
import type { Operation, Schedule } from './schedule.ts';
import { seededRandom } from './seeded-random.ts';
import { type DiskImage, emptyDisk, type SimDisk } from './sim-disk.ts';
import { SimNetwork } from './sim-network.ts';
import type { SimTransport } from './sim-transport.ts';
import type { UpstreamCall } from './sim-upstream.ts';
import { Timeline } from './timeline.ts';
import { START_MS, VirtualClock } from './virtual-clock.ts';

/** Warm disks were written within this time before the world begins. */
const WORLD_START_MS = START_MS + 3_600_000;

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
  readonly lines: string[] = [];
  readonly #isTraced: boolean;
  readonly #startedAt: number;
  /** `from to`, by number: what faults have cut. */
  readonly #cuts = new Set<string>();
  readonly #links = new Map<string, Timeline<boolean>>();
  readonly #numbers = new Map<PeerId, number>();
  readonly #asks: AskHistory[] = [];
  readonly #forwards: ForwardHistory[] = [];
  readonly #verdicts: VerdictHistory[] = [];
  readonly #calls: UpstreamCall[] = [];
  readonly #errors: { at: number; machine: number; text: string }[] = [];
  readonly #retired: SimDisk[] = [];
  /** By the schedule's number: its secret, its id, and where it is known to be revoked. */
  readonly #keys = new Map<number, { secret: string; id: string; machine: number; revokedOn: Set<number> }>();

  constructor(schedule: Schedule, { disks, startMs = WORLD_START_MS, isTraced = false }: WorldOptions = {}) {
    this.schedule = schedule;
    this.seed = schedule.seed;
    this.clock = new VirtualClock(startMs);
    this.#startedAt = startMs;
    this.#isTraced = isTraced;
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
      return new Machine(this, { index, keys, adminKey: admin.peer, hasUpstream, disk: disks?.[index] ?? emptyDisk() });
    });
    for (const { history } of this.machines) this.#numbers.set(history.peer, history.index);
    if (schedule.links !== 'all') this.#cutAllBut(schedule.links);
  }

  get nowMs(): number {
    return this.clock.elapsed() - this.#startedAt;
  }

  log(who: string, what: string): void {
    if (this.#isTraced) this.lines.push(`${this.nowMs.toFixed(3).padStart(12)} ${who} ${what}`);
  }

  do(operation: Operation): void {
    this.log('*', JSON.stringify(operation));
    switch (operation.kind) {
      case 'cut':
        this.#cut(operation.from, operation.to, operation.isOneWay === true);
        return;
      case 'heal':
        this.#heal(operation.from, operation.to);
        return;
      case 'partition':
        this.#partition(operation.groups);
        return;
      case 'crash':
        this.#each(operation.nodes, (machine) => machine.crash());
        return;
      case 'power-off':
        this.#each(operation.nodes, (machine) => machine.powerOff());
        return;
      case 'boot':
        this.#applyCuts();
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
      case 'clock':
        this.#each(operation.nodes, ({ clockError }) => {
          clockError.offsetMs = operation.offsetMs;
        });
        return;
      case 'upstream':
        this.#each(operation.nodes, ({ history }) => history.mood.set(this.clock.elapsed(), operation.mood));
        return;
      case 'import':
        // Documents are kept by the replicated kinds; without them there is nothing to import.
        return;
      case 'evict':
        this.#evict(operation.by, operation.node);
        return;
      case 'back-up':
        this.#on(operation.machine, (machine) => {
          machine.backup = machine.disk.image();
        });
        return;
      case 'restore':
        this.#on(operation.machine, (machine) => this.#restore(machine));
        return;
      case 'create-key':
        this.#createKey(operation.machine, operation.key, operation.tenant);
        return;
      case 'revoke-key':
        this.#revokeKey(operation.machine, operation.key);
        return;
      case 'limit-tenant':
        this.#on(operation.machine, ({ life }) => {
          asMember(() =>
            life?.node.keys.putTenant(operation.tenant, { limits: { requestsPerMinute: operation.requests } }),
          );
        });
        return;
      case 'ask':
        this.#ask(operation);
        return;
    }
  }

  /** Everything goes again, and everybody is there. */
  undoFaults(): void {
    this.log('*', 'all faults are undone');
    this.#cuts.clear();
    this.#applyCuts();
    for (const machine of this.machines) {
      machine.history.mood.set(this.clock.elapsed(), 'well');
      machine.resume();
      this.#background(machine.boot());
    }
  }

  /** Each member sees each other one alive and connected. */
  isWhole(): boolean {
    const members = this.machines.filter(({ history }) => history.evictedAt === undefined);
    return members.every(({ life }) =>
      members.every((other) => {
        if (other.life === life) return true;
        const peer = life?.node.mesh?.peer(other.history.peer);
        return peer?.state === 'alive' && peer.isConnected;
      }),
    );
  }

  noteRequest(from: number, to: PeerId, { path, body }: MeshRequest): void {
    if (!path.startsWith('/forward/') || !(body instanceof Uint8Array)) return;
    const text = Buffer.from(body).toString();
    const requestId = /"requestId":"([^"]*)"/.exec(text)?.[1] ?? '';
    const attempt = Number(/"attempt":(\d+)/.exec(text)?.[1]);
    this.log(`node-${from}`, `forwards ${requestId} to node-${this.#numbers.get(to)}`);
    this.#forwards.push({ at: this.clock.elapsed(), from: this.#machine(from).history.peer, to, requestId, attempt });
  }

  noteCall(call: UpstreamCall): void {
    this.log(`node-${call.machine}`, `asks its upstream: ${call.prompt}`);
    this.#calls.push(call);
  }

  noteLog(machine: Machine, level: string, fields: LogFields, message: string): void {
    const { index } = machine.options;
    const at = this.clock.elapsed();
    const { peer, from, to, reason } = fields;
    if (typeof peer === 'string' && typeof from === 'string' && typeof to === 'string') {
      this.#verdicts.push({ at, by: index, about: peer, from, to, reason: String(reason) });
    }
    if (level === 'error') this.#errors.push({ at, machine: index, text: `${message}: ${textOf(fields)}` });
    if (this.#isTraced) this.log(machine.name, `${level}: ${message} ${this.#named(textOf(fields))}`);
  }

  /** The clients of a dead process. */
  loseAsks(machine: number): void {
    for (const ask of this.#asks) {
      if (ask.machine !== machine || ask.end !== 'open') continue;
      ask.end = 'lost';
      ask.endedAt = this.clock.elapsed();
    }
  }

  /** Closed at the end of the world: a dying process may still read it. */
  retire(disk: SimDisk): void {
    this.#retired.push(disk);
  }

  /** To be called once, after the last event. */
  finish(): History {
    const final = this.machines.map((machine) => this.#finalState(machine));
    const history: History = {
      startedAt: this.#startedAt,
      machines: this.machines.map((machine) => machine.history),
      asks: this.#asks,
      forwards: this.#forwards,
      verdicts: this.#verdicts,
      calls: this.#calls,
      openCalls: this.#calls.filter(({ isOpen, isOrphan }) => isOpen && !isOrphan()),
      links: this.#links,
      errors: this.#errors,
      ledger: this.machines.flatMap((machine) => ledgerRows(machine)),
      final,
      endedAt: this.clock.elapsed(),
      isLossy: this.schedule.link.lossRate > 0,
      roundTripMs: 2 * (this.schedule.link.delayMs + this.schedule.link.jitterMs),
      isWholeNetwork: this.#cuts.size === 0,
    };
    for (const { life, disk } of this.machines) {
      life?.clock.switchOff();
      disk.close();
    }
    for (const disk of this.#retired) disk.close();
    return history;
  }

  #finalState(machine: Machine): FinalState {
    const { life, options } = machine;
    const mesh = life?.node.mesh;
    const beliefs = this.machines.map(({ history }) => {
      const peer = mesh?.peer(history.peer);
      if (!peer) return 'nobody';
      return peer.state === 'alive' && !peer.isConnected ? 'heard' : peer.state;
    });
    return {
      machine: options.index,
      running: life?.node.runningCount ?? 0,
      beliefs,
      members: (mesh?.view() ?? []).map(({ peer }) => this.#numbers.get(peer) ?? -1).sort((a, b) => a - b),
      timers: this.clock.timerCount,
    };
  }

  #ask({ machine, tenant, isStream, key, leaveAfterMs }: Extract<Operation, { kind: 'ask' }>): void {
    const number = this.#asks.length;
    const known = key === undefined ? undefined : this.#keys.get(key);
    const at = this.clock.elapsed();
    const prompt = `${tenant}/${number}`;
    const record: AskHistory = {
      number,
      id: `ask-${number}`,
      machine,
      prompt,
      tenant,
      isStream,
      key: known && String(key),
      at,
      isKeyOfEntry: known?.machine === machine,
      isRevoked: known?.revokedOn.has(machine) === true,
      end: 'open',
      endedAt: at,
      text: '',
      hasTerminal: false,
      errorCode: undefined,
      errorMessage: '',
    };
    this.#asks.push(record);
    const client = new AbortController();
    if (leaveAfterMs !== undefined) this.clock.after(leaveAfterMs, () => client.abort(new Error('the client left')));
    const request = {
      model: MODEL,
      isStream,
      messages: [{ role: 'user' as const, parts: [{ type: 'text' as const, text: prompt }] }],
      tools: [],
      sampling: {},
    };
    const { state } = this.#machine(machine);
    if (state === 'paused') {
      // Its client meets silence, which is not what is examined here.
      record.end = 'lost';
      return;
    }
    const work = this.#machine(machine).ask(request, record, known?.secret, client.signal);
    void work.then(() =>
      this.log(`node-${machine}`, `${record.id} ${record.end} ${record.errorCode ?? ''} ${record.errorMessage}`),
    );
  }

  #createKey(machine: number, key: number, tenant: string): void {
    const { life } = this.#machine(machine);
    if (!life) return;
    const made = asMember(() => life.node.keys.createKey({ tenant, name: `key-${key}` }));
    if (!made) return;
    life.node.forgetKeys();
    this.#keys.set(key, { secret: made.secret, id: made.key.id, machine, revokedOn: new Set() });
  }

  #revokeKey(machine: number, key: number): void {
    const { life } = this.#machine(machine);
    const known = this.#keys.get(key);
    if (!life || !known || !life.node.keys.key(known.id)) return;
    const revoked = asMember(() => life.node.keys.revokeKey(known.id) ?? true);
    if (!revoked) return;
    life.node.forgetKeys();
    known.revokedOn.add(machine);
  }

  #evict(by: number, node: number): void {
    const evicted = this.#machine(node).history;
    const isDone = this.#machine(by).life?.node.mesh?.evict(evicted.peer, 'stolen') === true;
    if (isDone) evicted.evictedAt ??= this.clock.elapsed();
  }

  #restore(machine: Machine): void {
    const { backup } = machine;
    if (!backup || !machine.life) return;
    machine.crash();
    machine.replaceDisk(backup);
    this.#applyCuts();
    machine.history.restores += 1;
    for (const known of this.#keys.values()) known.revokedOn.delete(machine.options.index);
    this.#background(machine.boot());
  }

  #cut(from: readonly number[], to: readonly number[], isOneWay: boolean): void {
    for (const a of from) {
      for (const b of to) {
        if (a === b) continue;
        this.#cuts.add(`${a} ${b}`);
        if (!isOneWay) this.#cuts.add(`${b} ${a}`);
      }
    }
    this.#applyCuts();
  }

  #heal(from?: readonly number[], to?: readonly number[]): void {
    if (!from || !to) this.#cuts.clear();
    else {
      for (const a of from) {
        for (const b of to) {
          this.#cuts.delete(`${a} ${b}`);
          this.#cuts.delete(`${b} ${a}`);
        }
      }
    }
    this.#applyCuts();
  }

  #partition(groups: readonly (readonly number[])[]): void {
    this.#cuts.clear();
    for (const [index, group] of groups.entries()) {
      for (const other of groups.slice(index + 1)) this.#cut(group, other, false);
    }
    this.#applyCuts();
  }

  #cutAllBut(pairs: readonly (readonly [number, number])[]): void {
    const open = new Set(pairs.flatMap(([a, b]) => [`${a} ${b}`, `${b} ${a}`]));
    for (const { options: a } of this.machines) {
      for (const { options: b } of this.machines) {
        const way = `${a.index} ${b.index}`;
        if (a !== b && !open.has(way)) this.#cuts.add(way);
      }
    }
    this.#applyCuts();
  }

  #applyCuts(): void {
    const now = this.clock.elapsed();
    for (const { history: a } of this.machines) {
      for (const { history: b } of this.machines) {
        if (a === b) continue;
        const way = `${a.index} ${b.index}`;
        const isOpen = !this.#cuts.has(way);
        if (isOpen !== this.network.isOpen(a.peer, b.peer)) {
          if (isOpen) this.network.healOneWay(a.peer, b.peer);
          else this.network.cutOneWay(a.peer, b.peer);
        }
        const link = this.#links.get(way);
        if (link) link.set(now, isOpen);
        else if (!isOpen) {
          const timeline = new Timeline(this.#startedAt, true);
          timeline.set(now, false);
          this.#links.set(way, timeline);
        }
      }
    }
  }

  #each(nodes: readonly number[] | 'all', action: (machine: Machine) => void): void {
    for (const index of nodesOf(nodes, this.schedule)) action(this.#machine(index));
  }

  #on(index: number, action: (machine: Machine) => void): void {
    action(this.#machine(index));
  }

  #machine(index: number): Machine {
    const machine = this.machines[index];
    if (!machine) throw new RangeError(`There is no machine ${index}.`);
    return machine;
  }

  #background(work: Promise<void>): void {
    work.catch((error: unknown) => {
      const text = `the simulation itself: ${error instanceof Error ? error.stack : String(error)}`;
      this.#errors.push({ at: this.clock.elapsed(), machine: -1, text });
    });
  }

  /** Peer ids by the names of their machines. */
  #named(text: string): string {
    return text.replace(/12D3KooW\w+/g, (peer) => {
      const number = this.#numbers.get(peer);
      return number === undefined ? peer : `node-${number}`;
    });
  }
}

function ledgerRows({ disk, options }: Machine): readonly LedgerRow[] {
  return disk.database
    .prepare<[], { requestId: string; operation: string; tenant: string; status: string; outputTokens: number }>(
      'SELECT request_id AS requestId, operation, tenant, status, output_tokens AS outputTokens FROM ledger ORDER BY id',
    )
    .all()
    .map((row) => ({ machine: options.index, ...row }));
}

function textOf(fields: LogFields): string {
  return JSON.stringify(fields, (_name, value: unknown) =>
    value instanceof Error ? `${value.name}: ${value.message}` : value,
  );
}

function hashOf(text: string): number {
  let hash = 2_166_136_261;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 16_777_619);
  return hash >>> 0;
}

/** A node that was shut out of its mesh may not change what the mesh shares; undefined then. */
function asMember<Result>(change: () => Result): Result | undefined {
  try {
    return change();
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'forbidden') return undefined;
    throw error;
  }
}
