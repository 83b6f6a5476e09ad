// What the admin API may do with the mesh, in the words of the API.

import type { MeshCapability } from '../model/mesh-capability.ts';
import type { Clock } from '../ports.ts';
import { INVITE_LIFETIME_MS, renderInvite } from './invite.ts';
import type { Mesh } from './mesh.ts';

/** What this node tells of its change logs. */
export interface ReplicationView {
  status(): object;
  distanceTo(peer: string): object;
}

export function meshAdministration(mesh: Mesh, clock: Clock, replication: ReplicationView) {
  return {
    status() {
      const status = mesh.status();
      const peers = status.peers.map((peer) => ({ ...peer, replication: replication.distanceTo(peer.peer) }));
      return { ...status, peers, replication: replication.status() };
    },
    invite(capabilities: readonly MeshCapability[], name?: string) {
      const invite = mesh.invite(capabilities, name);
      return invite && { token: renderInvite(invite), expiresAt: clock.now() + INVITE_LIFETIME_MS };
    },
    evict: (peer: string, reason: string) => mesh.evict(peer, reason),
    leave: () => mesh.leave(),
  };
}
