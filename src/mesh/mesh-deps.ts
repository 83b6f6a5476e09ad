// What the mesh of a node needs from outside, and whom it tells.

import type { MeshCapability } from '../model/mesh-capability.ts';
import type { Clock, Logger, PeerId, Random, Transport } from '../ports.ts';
import type { Database } from '../storage/database.ts';
import type { MeshKeys } from './certifier.ts';
import type { LocalStatus } from './local-status.ts';

export interface MeshDeps {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** gateway.db, with MESH_MIGRATIONS. */
  readonly database: Database;
  readonly keys: MeshKeys;
  readonly settings: MeshSettings;
  /** How this node is; asked several times a second. */
  readonly local: () => LocalStatus;
  /** A peer is dead or out of this node's reach: what is awaited from it will not come. */
  readonly onUnreached?: (peer: PeerId) => void;
}

export interface MeshSettings {
  readonly name: string;
  /** What a node that has the secret takes upon itself. */
  readonly capabilities: readonly MeshCapability[];
  /** Addresses of nodes to begin with. */
  readonly bootstrap: readonly string[];
  readonly adminKey?: PeerId | undefined;
}

/** Told of what happens to other members. */
export interface MeshListener {
  onConnect?(peer: PeerId): void;
  /** A member was evicted, left, or its certificate ran out. */
  onEnd?(peer: PeerId): void;
  /** A heartbeat told what the peer knows of the data that travels. */
  onReplicationDigest?(peer: PeerId, digest: string): void;
}
