// The mesh as a part of a node: other nodes become targets of this one's requests, and theirs are answered here.

import type { Peers } from '../gateway/peers.ts';
import type { Clock, Logger, Random, Transport } from '../ports.ts';
import type { Database } from '../storage/database.ts';
import type { MeshKeys } from './certifier.ts';
import { Executor, type ExecutorDeps } from './forward/executor.ts';
import { Forwarder } from './forward/forwarder.ts';
import { Repetitions } from './forward/repetitions.ts';
import { takingPeers } from './forward/taking-peers.ts';
import type { LocalStatus } from './local-status.ts';
import { Mesh } from './mesh.ts';
import type { MeshSettings } from './mesh-deps.ts';

/** What only the outside can give: a network, and who this node is. */
export interface MeshPorts {
  readonly transport: Transport;
  readonly keys: MeshKeys;
  /** The node takes no new requests: nobody shall be sent to it any more. */
  readonly withdraw?: () => void;
}

export interface MeshServiceDeps extends MeshPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly database: Database;
  readonly settings: MeshSettings;
  readonly local: () => LocalStatus;
}

export class MeshService {
  readonly mesh: Mesh;
  readonly peers: Peers;
  readonly #clock: Clock;

  constructor(deps: MeshServiceDeps) {
    const mesh = new Mesh({ ...deps, onUnreached: (peer) => forwarder.giveUp(peer) });
    const forwarder = new Forwarder({
      transport: deps.transport,
      clock: deps.clock,
      random: deps.random,
      taking: () => takingPeers(mesh.view()),
      find: (model) => mesh.find(model),
      isThere: (peer) => mesh.isThere(peer),
      suspect: (peer) => mesh.reportFailure(peer, 'a forwarded request met silence'),
    });
    this.mesh = mesh;
    this.peers = forwarder;
    this.#clock = deps.clock;
  }

  /** Begins to answer what other nodes forward. */
  serve(deps: Omit<ExecutorDeps, 'clock' | 'repetitions'>): void {
    const executor = new Executor({ ...deps, clock: this.#clock, repetitions: new Repetitions(this.#clock) });
    this.mesh.onRequest('/forward/', (request) => executor.answer(request));
  }
}
