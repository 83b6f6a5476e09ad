// Writes down what happens in a simulated world: for the checkers, and as the event log when somebody wants to see it.

import type { LogFields, MeshRequest, PeerId } from '../../src/ports.ts';
import type { ForwardHistory, VerdictHistory } from './history.ts';
import type { UpstreamCall } from './sim-upstream.ts';
import type { VirtualClock } from './virtual-clock.ts';

export class Observer {
  readonly lines: string[] = [];
  readonly forwards: ForwardHistory[] = [];
  readonly verdicts: VerdictHistory[] = [];
  readonly calls: UpstreamCall[] = [];
  readonly errors: { at: number; machine: number; text: string }[] = [];
  readonly #clock: VirtualClock;
  readonly #startedAt: number;
  readonly #isTraced: boolean;
  /** Of the machines, by their peer ids. */
  readonly #numbers: ReadonlyMap<PeerId, number>;

  constructor(clock: VirtualClock, numbers: ReadonlyMap<PeerId, number>, isTraced: boolean) {
    this.#clock = clock;
    this.#startedAt = clock.elapsed();
    this.#numbers = numbers;
    this.#isTraced = isTraced;
  }

  log(who: string, what: string): void {
    if (!this.#isTraced) return;
    const atMs = this.#clock.elapsed() - this.#startedAt;
    this.lines.push(`${atMs.toFixed(3).padStart(12)} ${who} ${what}`);
  }

  noteRequest(from: PeerId, to: PeerId, { path, body }: MeshRequest): void {
    if (!path.startsWith('/forward/') || !(body instanceof Uint8Array)) return;
    const text = Buffer.from(body).toString();
    const requestId = /"requestId":"([^"]*)"/.exec(text)?.[1] ?? '';
    const attempt = Number(/"attempt":(\d+)/.exec(text)?.[1]);
    this.log(this.#named(from), `forwards ${requestId} to ${this.#named(to)}`);
    this.forwards.push({ at: this.#clock.elapsed(), from, to, requestId, attempt });
  }

  noteCall(call: UpstreamCall): void {
    this.log(`node-${call.machine}`, `asks its upstream: ${call.prompt}`);
    this.calls.push(call);
  }

  noteLog(machine: number, level: string, fields: LogFields, message: string): void {
    const at = this.#clock.elapsed();
    const { peer, from, to, reason } = fields;
    if (typeof peer === 'string' && typeof from === 'string' && typeof to === 'string') {
      this.verdicts.push({ at, by: machine, about: peer, from, to, reason: String(reason) });
    }
    if (level === 'error') this.errors.push({ at, machine, text: `${message}: ${textOf(fields)}` });
    if (this.#isTraced) this.log(`node-${machine}`, `${level}: ${message} ${this.#named(textOf(fields))}`);
  }

  /** The simulation is broken, not the node. */
  noteOwnFailure(error: unknown): void {
    const text = `the simulation itself: ${error instanceof Error ? error.stack : String(error)}`;
    this.errors.push({ at: this.#clock.elapsed(), machine: -1, text });
  }

  /** Peer ids by the names of their machines. */
  #named(text: string): string {
    return text.replace(/12D3KooW\w+/g, (peer) => {
      const number = this.#numbers.get(peer);
      return number === undefined ? peer : `node-${number}`;
    });
  }
}

function textOf(fields: LogFields): string {
  return JSON.stringify(fields, (_name, value: unknown) =>
    value instanceof Error ? `${value.name}: ${value.message}` : value,
  );
}
