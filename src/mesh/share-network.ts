// How nodes ask each other for shares of what is limited a minute.

import { GatewayError } from '../errors.ts';
import type { Clock, Transport } from '../ports.ts';
import type { RateShares, ShareNetwork } from '../tenancy/rate-shares.ts';
import type { Mesh } from './mesh.ts';
import { answerUnder, replicationNetwork } from './replication-network.ts';
import { withTimeout } from './wire.ts';

const SHARE_PATH = '/limits/share';
/** A client waits for it. */
const ASK_MS = 400;

export function shareNetwork(transport: Transport, clock: Clock, mesh: () => Mesh | undefined): ShareNetwork {
  return {
    lenders: () =>
      (mesh()?.view() ?? []).flatMap(({ peer, state, isConnected }) =>
        state === 'alive' && isConnected ? [peer] : [],
      ),
    ask: (peer, body) => {
      const joined = mesh();
      if (!joined) throw new GatewayError('unavailable', 'This node is in no mesh.');
      const { request } = replicationNetwork(joined, transport);
      return withTimeout(clock, ASK_MS, (signal) => request(peer, SHARE_PATH, body, signal));
    },
  };
}

/** @throws GatewayError to the asking node, for what is no request of this kind */
export function answerShares(mesh: Mesh, rates: RateShares): void {
  answerUnder(mesh, SHARE_PATH, async (body, from) => {
    const answer = rates.answer(from, body);
    if (!answer) throw new GatewayError('bad_request', 'This is no request for a share.');
    return answer;
  });
}
