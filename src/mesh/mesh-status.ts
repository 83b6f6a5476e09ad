// The peer view and the state of the mesh, as plain data for routing, the admin API, the command line and metrics.

import type { MeshCapability } from '../model/mesh-capability.ts';
import type { PeerId } from '../ports.ts';
import type { LocalStatus, ModelStatus } from './local-status.ts';
import type { Member } from './membership.ts';
import type { MeshCore } from './mesh-core.ts';
import type { PeerState } from './peer-view.ts';

export interface PeerStatus {
  readonly peer: PeerId;
  readonly name: string;
  readonly capabilities: readonly MeshCapability[];
  readonly state: PeerState;
  /** How long it has been in this state. */
  readonly stateForMs: number;
  readonly isConnected: boolean;
  readonly addresses: readonly string[];
  /** Since the last heartbeat or answer; absent: never heard of. */
  readonly heardMsAgo?: number;
  readonly rttMs?: number;
  /** Its wall clock minus ours. */
  readonly clockOffsetMs?: number;
  /** By its latest heartbeat; absent: none came yet. */
  readonly load?: PeerLoad;
  readonly models: readonly ModelStatus[];
  readonly replicationDigest?: string;
}

export interface PeerLoad extends Pick<LocalStatus, 'inFlight' | 'queued' | 'capacity' | 'headroom'> {
  readonly state: LocalStatus['state'] | 'leaving';
  readonly loopLagMs: number;
  readonly incarnation: number;
}

export interface MeshStatus {
  /** Absent while the node belongs to no mesh. */
  readonly meshId?: string;
  /** Who may evict, besides members with `admin`. */
  readonly adminKey?: PeerId;
  readonly self: SelfStatus;
  readonly peers: readonly PeerStatus[];
  readonly removed: readonly RemovedMember[];
}

export interface SelfStatus {
  readonly peer: PeerId;
  readonly name?: string;
  readonly capabilities: readonly MeshCapability[];
  readonly addresses: readonly string[];
  readonly incarnation: number;
  readonly loopLagMs: number;
  /** Wall milliseconds; absent: never, or no certificate. */
  readonly certifiedUntil?: number;
  /** Why the node is a member no more. */
  readonly end?: string;
}

export interface RemovedMember {
  readonly peer: PeerId;
  readonly name?: string;
  readonly kind: 'evicted' | 'left';
  readonly reason: string;
  readonly by: PeerId;
}

export function peerStatus(core: MeshCore, { peer, name, capabilities }: Member): PeerStatus {
  const now = core.clock.elapsed();
  const belief = core.view.get(peer);
  const { rttMs, clockOffsetMs } = core.book.entry(peer);
  const heartbeat = belief?.heartbeat;
  return {
    peer,
    name,
    capabilities,
    state: belief?.state ?? 'unknown',
    stateForMs: belief ? Math.round(now - belief.since) : 0,
    isConnected: belief?.isConnected ?? false,
    addresses: core.plan.addressesOf(peer),
    ...(belief?.heardAt !== undefined && { heardMsAgo: Math.round(now - belief.heardAt) }),
    ...(rttMs !== undefined && { rttMs }),
    ...(clockOffsetMs !== undefined && { clockOffsetMs }),
    ...(heartbeat && {
      load: {
        state: heartbeat.state,
        inFlight: heartbeat.inFlight,
        queued: heartbeat.queued,
        capacity: heartbeat.capacity,
        ...(heartbeat.headroom !== undefined && { headroom: heartbeat.headroom }),
        loopLagMs: heartbeat.loopLagMs,
        incarnation: heartbeat.incarnation,
      },
    }),
    models: core.book.modelsOf(peer, heartbeat),
    ...(heartbeat?.replicationDigest !== undefined && { replicationDigest: heartbeat.replicationDigest }),
  };
}

export function meshStatus(core: MeshCore, peers: readonly PeerStatus[]): MeshStatus {
  const { transport, own, doubt, registrar } = core;
  const papers = registrar.papers;
  const membership = papers?.membership;
  const certificate = papers?.credential?.certificate;
  const end = membership?.endOf(transport.peer);
  const adminKey = membership?.roots.admin;
  return {
    ...(membership && { meshId: membership.roots.meshId }),
    ...(adminKey !== undefined && { adminKey }),
    self: {
      peer: transport.peer,
      ...(certificate && { name: certificate.name }),
      capabilities: certificate?.capabilities ?? [],
      addresses: transport.addresses(),
      incarnation: own.incarnation,
      loopLagMs: Math.round(doubt.lagMs),
      ...(certificate && certificate.notAfter > 0 && { certifiedUntil: certificate.notAfter }),
      ...(end !== undefined && { end }),
    },
    peers,
    removed: (membership?.removals() ?? []).map(({ peer, kind, reason, issuer }) => {
      const name = membership?.member(peer)?.name;
      return { peer, kind, reason, by: issuer, ...(name !== undefined && { name }) };
    }),
  };
}
