// How much of its mesh a node sees, for budgets that all nodes share.

import type { MeshSight } from '../tenancy/escrow.ts';
import type { PeerStatus } from './mesh-status.ts';

/** A member that said that it ends spends nothing; one that was lost may be spending somewhere, until it is evicted. */
export function meshSight(peers: readonly Pick<PeerStatus, 'state'>[]): MeshSight {
  const spending = peers.filter(({ state }) => state !== 'left');
  return { members: spending.length + 1, isWhole: spending.every(({ state }) => state === 'alive') };
}
