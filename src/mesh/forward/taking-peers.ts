// Which members take requests now, in the words of the forwarder.

import type { PeerStatus } from '../mesh-status.ts';
import type { TakingPeer } from './forwarder.ts';

/** Alive, connected, up, and allowed to serve. Suspects get nothing new until they are heard of again. */
export function takingPeers(view: readonly PeerStatus[]): readonly TakingPeer[] {
  return view.flatMap(({ peer, name, state, isConnected, load, capabilities, models }): TakingPeer[] => {
    const isTaking = state === 'alive' && isConnected && load?.state === 'up' && capabilities.includes('serve');
    if (!isTaking) return [];
    const { inFlight, capacity } = load;
    return [{ peer, name, inFlight, capacity, models: new Map(models.map((model) => [model.model, model])) }];
  });
}
