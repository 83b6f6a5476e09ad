// One change log joined to the mesh: its replica and its replicator, who may write and vouch, and what happens when
// members come, go, or another process writes to the file.

import type { MeshCapability } from '../model/mesh-capability.ts';
import { MESH_CAPABILITIES } from '../model/mesh-capability.ts';
import type { Cancellable, Clock, Logger, PeerId, Random, Timer, Transport } from '../ports.ts';
import type { ChangeLog, MayWrite } from '../replication/change-log.ts';
import { Replica, ReplicaFullError } from '../replication/replica.ts';
import { Replicator } from '../replication/replicator.ts';
import type { Mesh } from './mesh.ts';
import { answerUnder, replicationNetwork } from './replication-network.ts';

export interface ReplicatedLogDeps {
  readonly log: ChangeLog;
  readonly mesh: Mesh;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly mayPage: () => boolean;
  readonly isAudited?: boolean;
}

/** How far one peer and we are apart, as far as it has told. */
export interface Distance {
  /** Changes that it knows and we do not. */
  readonly missingHere: number;
  /** Changes that we know and it does not, at last sight. */
  readonly missingThere: number;
}

/** Changes of the command line reach the others within this and the delay of a push: well below a second. */
const LOOK_MS = 200;
/** With a full disk. */
const RETRY_MS = 5_000;
const WRITE_CAPABILITIES = MESH_CAPABILITIES.filter((name) => name.endsWith(':write'));

export class ReplicatedLog {
  readonly log: ChangeLog;
  readonly #deps: ReplicatedLogDeps;
  readonly #replica: Replica;
  readonly #replicator: Replicator;
  #watch: Cancellable | undefined;
  /** What other processes had committed at the last look; absent where there are none, or before the start. */
  #otherCommits: number | undefined;
  #digest:
    | { readonly generation: number; readonly otherCommits: number | undefined; readonly text: string }
    | undefined;
  #retry: Timer | undefined;

  constructor(deps: ReplicatedLogDeps) {
    const { log, mesh, transport, mayPage, isAudited } = deps;
    this.log = log;
    this.#deps = deps;
    this.#replica = new Replica(log);
    this.#replicator = new Replicator(
      {
        ...deps,
        replica: this.#replica,
        network: replicationNetwork(mesh, transport),
        sign: (message) => transport.sign(message),
        verify: (origin, message, signature) => transport.verify(origin, message, signature),
      },
      {
        mayPage,
        mayVouch: (peer) => mesh.mayWrite(peer, WRITE_CAPABILITIES) === true,
        meshNow: () => mesh.now(),
        ...(isAudited !== undefined && { isAudited }),
      },
    );
    answerUnder(mesh, this.#replicator.path, (body) => this.#replicator.serve(body));
    mesh.listen({ onConnect: (peer) => this.#replicator.onConnect(peer), onEnd: (peer) => this.#onEnd(peer) });
  }

  /** The mesh has been started: from now on we know what we may write. */
  start(): void {
    const { log, clock, logger } = this.#deps;
    const adopted = log.adoptRows();
    if (adopted > 0) logger.info({ log: log.name, adopted }, 'rows from before the mesh will travel');
    this.#replicator.start();
    if (!log.hasOtherWriters) return;
    this.#otherCommits = log.otherCommits();
    this.#watch = clock.every(LOOK_MS, () => {
      const commits = log.otherCommits();
      if (commits === this.#otherCommits) return;
      this.#otherCommits = commits;
      this.#replicator.notice();
    });
  }

  /** As of the last look at what other processes write: asked for at every heartbeat, it costs no read of the file. */
  digest(): string {
    const { log } = this;
    if (log.hasOtherWriters && !this.#watch) return log.digest();
    const { generation } = log.known;
    const otherCommits = this.#otherCommits;
    if (this.#digest?.generation !== generation || this.#digest.otherCommits !== otherCommits) {
      this.#digest = { generation, otherCommits, text: log.digest() };
    }
    return this.#digest.text;
  }

  stop(): void {
    this.#watch?.cancel();
    this.#retry?.cancel();
    this.#replicator.stop();
  }

  /** A peer does not know the same, in this log or in another one. */
  noticeDifference(peer: PeerId): void {
    this.#replicator.noticeDifference(peer);
  }

  get receivedBytes(): number {
    return this.#replicator.receivedBytes;
  }

  status() {
    const { log } = this;
    const { behind, leftBytes, etaMs } = this.#replicator.progress();
    return {
      name: log.name,
      behindChanges: behind,
      leftBytes,
      ...(etaMs !== undefined && { etaMs: Math.round(etaMs) }),
      ...log.changes.counts(),
      conflicts: log.conflicts.count,
      flags: log.flags.list().map(({ name, subject, count }) => ({ name, subject, count })),
    };
  }

  distanceTo(peer: PeerId): Distance | undefined {
    const theirs = this.log.peers.of(peer)?.known;
    if (!theirs) return undefined;
    const ours = this.log.vector();
    return { missingHere: theirs.minus(ours).size, missingThere: ours.minus(theirs).size };
  }

  /** What an evicted member has written goes; what one that left has written stays. */
  #onEnd(peer: PeerId): void {
    const { mesh, clock, logger, log } = this.#deps;
    if (mesh.mayWrite(peer, MESH_CAPABILITIES) !== false) return;
    let dropped: number;
    try {
      dropped = this.#replica.dropForbidden(clock.now());
    } catch (error) {
      if (!(error instanceof ReplicaFullError)) throw error;
      // The member is out all the same.
      logger.error({ peer, log: log.name, err: error }, 'rows of a member that was evicted cannot be removed yet');
      this.#retry = clock.after(RETRY_MS, () => this.#onEnd(peer));
      return;
    }
    if (dropped === 0) return;
    logger.warn({ peer, log: log.name, dropped }, 'rows of a member that was evicted are removed');
    this.#replicator.auditAround();
  }
}

/** By certificates. Of kinds that only newer versions know, whoever may write anything may. */
export function mayWriteBy(mesh: () => Mesh | undefined): MayWrite {
  return (origin, _kind, capability) =>
    mesh()?.mayWrite(origin, capability === undefined ? WRITE_CAPABILITIES : [capability as MeshCapability]);
}
