// One simulated machine: a disk, a clock, an upstream, and the node that runs on it, which is the one that users run.

import type { Config } from '../../src/config/config.ts';
import { DEFAULTS } from '../../src/config/defaults.ts';
import { GatewayError } from '../../src/errors.ts';
import type { MeshKeys } from '../../src/mesh/certifier.ts';
import type { ChatRequest } from '../../src/model/chat.ts';
import { FLEET_CAPABILITIES } from '../../src/model/mesh-capability.ts';
import { createNode, type FlowmeshNode } from '../../src/node.ts';
import type { LogFields, Logger } from '../../src/ports.ts';
import type { UpstreamMood } from '../topologies.ts';
import type { AskHistory, MachineHistory, MachineState } from './history.ts';
import { type ClockError, HostClock } from './host-clock.ts';
import { seededRandom } from './seeded-random.ts';
import { type DiskImage, SimDisk } from './sim-disk.ts';
import { SimTransport } from './sim-transport.ts';
import { SimUpstream } from './sim-upstream.ts';
import { Timeline } from './timeline.ts';
import type { World } from './world.ts';

/** The model that every upstream serves. */
export const MODEL = 'sim-model';
/** The whole time of a request. */
export const TOTAL_MS = 15_000;
/** Of a node that is at rest, with all its parts. */
export const TIMERS_MAX = 40;
/** So many requests run on a node at once; more go elsewhere. */
export const CONCURRENCY_MAX = 16;
/** In every so manieth world changes are signed as they are by real nodes; elsewhere it would be a tenth of the work. */
const REAL_SIGNATURES_EVERY = 10;
/** What a full disk did not take is tried again within this time of there being space. */
export const DISK_RETRY_MS = 8_000;
/** How long a node that ends waits for its running answers. */
const DRAIN_MS = 5_000;

/** From the start of the process to its end. */
interface Life {
  readonly node: FlowmeshNode;
  readonly clock: HostClock;
  readonly transport: SimTransport;
}

export interface MachineOptions {
  readonly index: number;
  readonly keys: MeshKeys;
  readonly adminKey: string;
  readonly hasUpstream: boolean;
  readonly disk: DiskImage;
}

export class Machine {
  readonly options: MachineOptions;
  readonly history: MachineHistory;
  readonly clockError: ClockError;
  disk: SimDisk;
  life: Life | undefined;
  /** Counts its lives, so that each throws other dice. */
  #lives = 0;
  #backup: DiskImage | undefined;
  /** It shall be started as soon as it has ended. */
  #isWantedBack = false;
  readonly #world: World;

  constructor(world: World, options: MachineOptions) {
    this.#world = world;
    this.clockError = { offsetMs: 0, driftRate: world.schedule.wallClockRate - 1 };
    this.options = options;
    this.disk = new SimDisk(options.disk);
    const now = world.clock.elapsed();
    this.history = {
      index: options.index,
      name: `node-${options.index}`,
      peer: options.keys.identity.peer,
      hasUpstream: options.hasUpstream,
      state: new Timeline<MachineState>(now, 'off'),
      mood: new Timeline<UpstreamMood>(now, 'well'),
      isDiskFull: new Timeline(now, false),
      losses: [],
      hasLostEntries: false,
      evictedAt: undefined,
    };
  }

  get name(): string {
    return this.history.name;
  }

  get state(): MachineState {
    return this.history.state.current;
  }

  async boot(): Promise<void> {
    if (this.state === 'draining') this.#isWantedBack = true;
    if (this.life) return;
    this.#isWantedBack = false;
    const world = this.#world;
    const { keys, adminKey, hasUpstream, index } = this.options;
    this.#lives += 1;
    const random = seededRandom(world.seed * 1_009 + index * 31 + this.#lives);
    const clock = new HostClock(world.clock, this.clockError);
    const transport = new SimTransport({
      network: world.network,
      identity: keys.identity,
      clock,
      hasCheapSignatures: world.seed % REAL_SIGNATURES_EVERY !== 0,
      meshTag: () => node.mesh?.meshTag(),
      onRequest: (to, request) => world.observer.noteRequest(keys.identity.peer, to, request),
    });
    const node: FlowmeshNode = createNode(configOf(this.name, hasUpstream, adminKey), {
      clock,
      random,
      logger: this.#logger(clock),
      http: new SimUpstream({
        machine: index,
        clock,
        random,
        mood: () => this.history.mood.current,
        onCall: (call) => world.observer.noteCall(call),
      }),
      mesh: { transport, keys },
      disk: this.disk,
    });
    const life: Life = { node, clock, transport };
    this.life = life;
    this.#setState('starting');
    await node.open();
    if (this.life === life && this.state === 'starting') this.#setState('up');
  }

  /** As by kill -9: its connections close. */
  crash(): void {
    this.#die((life) => life.transport.kill());
  }

  /** As by pulling the plug: nobody is told. */
  powerOff(): void {
    this.#die((life) => life.transport.powerOff());
  }

  /** As by SIGTERM. */
  async stop(): Promise<void> {
    const { life } = this;
    if (!life || this.state === 'draining') return;
    if (life.clock.isPaused) this.resume();
    this.#setState('draining');
    await life.node.stop();
    if (this.life !== life) return;
    life.clock.switchOff();
    this.life = undefined;
    this.#setState('off');
    // Everything is tried once more at a clean end.
    if (this.disk.isFull) this.history.hasLostEntries = true;
    if (this.#isWantedBack) await this.boot();
  }

  pause(): void {
    if (!this.life || this.state !== 'up') return;
    this.life.clock.pause();
    this.#setState('paused');
  }

  resume(): void {
    if (!this.life || this.state !== 'paused') return;
    this.life.clock.resume();
    this.#setState('up');
  }

  /** One client's request, to its end. */
  async ask(request: ChatRequest, record: AskHistory, secret: string | undefined, signal: AbortSignal): Promise<void> {
    const { life } = this;
    const { clock } = this.#world;
    const end = (how: AskHistory['end']): void => {
      // What a dead process still does in its last breath reaches no client.
      if (record.end !== 'open') return;
      record.end = life?.clock.isOff === false ? how : 'lost';
      record.endedAt = clock.elapsed();
    };
    if (!life) return end('lost');
    try {
      const frames = life.node.ask(request, { requestId: record.id, signal, ...(secret !== undefined && { secret }) });
      for await (const batch of frames) {
        for (const { events } of batch) {
          for (const event of events) {
            if (event.type === 'text-delta') record.text += event.text;
            if (event.type === 'response-end') record.hasTerminal = true;
          }
        }
      }
      end('answered');
    } catch (thrown) {
      record.errorCode = thrown instanceof GatewayError ? thrown.code : 'untyped';
      record.errorMessage = thrown instanceof Error ? thrown.message : String(thrown);
      end(signal.aborted ? 'left' : 'failed');
    }
  }

  /** A copy of the disk is put aside. */
  backUp(): void {
    this.#backup = this.disk.image();
  }

  /** The process is killed, and finds the copy when it starts again. @returns false when there is none, or no process */
  restore(): boolean {
    if (!this.#backup || !this.life) return false;
    this.crash();
    this.#replaceDisk(this.#backup);
    this.history.losses.push(this.#world.clock.elapsed());
    return true;
  }

  setDiskFull(isFull: boolean): void {
    this.disk.setFull(isFull);
    this.history.isDiskFull.set(this.#world.clock.elapsed(), isFull);
  }

  /** The disk as a crash leaves it, or an older copy. */
  #replaceDisk(image: DiskImage): void {
    this.#world.retire(this.disk);
    const { isFull } = this.disk;
    this.disk = new SimDisk(image);
    this.disk.setFull(isFull);
  }

  #die(kill: (life: Life) => void): void {
    const { life } = this;
    if (!life) return;
    const image = this.disk.image();
    this.life = undefined;
    kill(life);
    this.#setState('off');
    this.#world.clients.lose(this.options.index);
    // What the dead process does in its last breath must not reach the disk.
    this.#replaceDisk(image);
    // What waited for space is gone with the process, and so is what has not been tried again yet.
    const now = this.#world.clock.elapsed();
    if (this.history.isDiskFull.wasEver(true, now - DISK_RETRY_MS, now)) this.history.hasLostEntries = true;
  }

  #setState(state: MachineState): void {
    this.#world.observer.log(this.name, `is ${state}`);
    this.history.state.set(this.#world.clock.elapsed(), state);
  }

  #logger(clock: HostClock): Logger {
    const at = (level: 'debug' | 'info' | 'warn' | 'error') => (fields: LogFields, message: string) => {
      if (!clock.isOff) this.#world.observer.noteLog(this.options.index, level, fields, message);
    };
    return { debug: () => undefined, info: at('info'), warn: at('warn'), error: at('error') };
  }
}

function configOf(name: string, hasUpstream: boolean, adminKey: string): Config {
  const plain = { timeouts: {}, retries: {}, headers: {}, extraBody: {}, traits: {} };
  const target = { ...plain, account: 'own', model: MODEL };
  const chain = { targets: [target], onContextLength: [], onContentFilter: [], timeouts: {}, retries: {} };
  const account = { provider: 'openai-compatible', url: 'http://upstream/v1', keys: [], headers: {}, models: [MODEL] };
  return {
    ...DEFAULTS,
    dataDirectory: ':memory:',
    aliases: {},
    accounts: hasUpstream ? { own: account } : {},
    chains: hasUpstream ? { [MODEL]: chain } : {},
    server: { ...DEFAULTS.server, anonymous: 'always', concurrencyMax: CONCURRENCY_MAX, drainTimeoutMs: DRAIN_MS },
    timeouts: { connectMs: 1_000, ttftMs: 3_000, idleMs: 3_000, totalMs: TOTAL_MS },
    retries: { max: 1, backoffMs: 50, backoffMaxMs: 500 },
    cooldown: { failures: 3, baseMs: 1_000, maxMs: 4_000 },
    // Only questions that want the same answer each time are answered from what is kept.
    cache: { ...DEFAULTS.cache, isEnabled: true },
    mesh: {
      name,
      listen: [],
      announce: [],
      bootstrap: [],
      interfaces: [],
      adminKey,
      capabilities: FLEET_CAPABILITIES,
    },
  };
}
