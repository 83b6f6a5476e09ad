// Connects to a peer that may have many addresses, of which some lead nowhere: each gets a short head start before the next.
// libp2p tries them one after the other and waits seconds for each.

import type { Connection } from '@libp2p/interface';
import type { Multiaddr } from '@multiformats/multiaddr';
import type { Clock, PeerId } from '../../ports.ts';
import { dialableAddress, peerInAddress } from './addresses.ts';
import type { Gate } from './gate.ts';
import type { Libp2pNode } from './libp2p-node.ts';
import { LIMITS } from './limits.ts';

export class Dialer {
  readonly #node: Libp2pNode;
  readonly #gate: Gate;
  readonly #clock: Clock;

  constructor(node: Libp2pNode, gate: Gate, clock: Clock) {
    this.#node = node;
    this.#gate = gate;
    this.#clock = clock;
  }

  async dial(addresses: readonly string[], peer: PeerId | undefined, signal: AbortSignal): Promise<Connection> {
    signal.throwIfAborted();
    const targets = targetsOf(addresses, peer);
    if (targets.length === 0) throw new Error(`No address to dial in [${addresses.join(', ')}]`);
    const over = new AbortController();
    const attempts = targets.map((target, index) =>
      this.#attempt(target, index, AbortSignal.any([signal, over.signal])),
    );
    try {
      const fastest = await Promise.any(attempts);
      for (const attempt of attempts) closeUnless(fastest, attempt);
      return fastest;
    } catch (error) {
      signal.throwIfAborted();
      throw new Error(`No connection: ${reasonsOf(error)}`, { cause: error });
    } finally {
      over.abort(new Error('Another address was faster'));
    }
  }

  async #attempt({ address, peer }: Target, index: number, signal: AbortSignal): Promise<Connection> {
    if (index > 0) await this.#clock.sleep(index * LIMITS.dialStaggerMs, signal);
    const timeout = new AbortController();
    const timer = this.#clock.after(LIMITS.dialAddressMs, () => timeout.abort(new Error(`${address} did not answer`)));
    const release = this.#gate.want(address.toString(), peer);
    try {
      // Also when there is a connection already: it may be one that carries only the join protocol.
      return await this.#node.dial(address, { signal: AbortSignal.any([signal, timeout.signal]), force: true });
    } finally {
      release();
      timer.cancel();
    }
  }
}

/** Two addresses may have answered in the same moment. */
function closeUnless(fastest: Connection, attempt: Promise<Connection>): void {
  attempt.then(
    (connection) => {
      if (connection !== fastest) connection.abort(new Error('Another address was faster'));
    },
    // It failed or was given up, as all but one should.
    () => undefined,
  );
}

interface Target {
  readonly address: Multiaddr;
  readonly peer: PeerId | undefined;
}

function targetsOf(addresses: readonly string[], peer: PeerId | undefined): readonly Target[] {
  const targets = new Map<string, Target>();
  for (const text of addresses) {
    const address = dialableAddress(text);
    const expected = peer ?? peerInAddress(text);
    if (address) targets.set(address.toString(), { address, peer: expected });
  }
  return [...targets.values()].slice(0, LIMITS.dialAddressesMax);
}

function reasonsOf(error: unknown): string {
  const errors: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
  return errors.map((each) => (each instanceof Error ? each.message : String(each))).join('; ');
}
