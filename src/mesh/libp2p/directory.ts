// Who is where and who serves what, asked of the members' distributed hash table: for other network segments, and for meshes
// too large for everyone to know everyone. All answers are hints.

import { createHash } from 'node:crypto';
import { peerIdFromString } from '@libp2p/peer-id';
import { CID } from 'multiformats/cid';
import { create as createDigest } from 'multiformats/hashes/digest';
import type { Clock, PeerId } from '../../ports.ts';
import type { Libp2pNode } from './libp2p-node.ts';
import { LIMITS } from './limits.ts';

const RAW = 0x55;
const SHA2_256 = 0x12;

export class Directory {
  readonly #node: Libp2pNode;
  readonly #clock: Clock;

  constructor(node: Libp2pNode, clock: Clock) {
    this.#node = node;
    this.#clock = clock;
  }

  findPeer(peer: PeerId, signal: AbortSignal): Promise<readonly string[]> {
    return this.#bounded(signal, async (bound) => {
      const found = await this.#node.peerRouting.findPeer(peerIdFromString(peer), { signal: bound });
      return found.multiaddrs.map(String);
    });
  }

  provide(key: string, signal: AbortSignal): Promise<void> {
    return this.#bounded(signal, (bound) => this.#node.contentRouting.provide(contentId(key), { signal: bound }));
  }

  findProviders(key: string, signal: AbortSignal): Promise<readonly PeerId[]> {
    return this.#bounded(signal, async (bound) => {
      const peers = new Set<PeerId>();
      for await (const { id } of this.#node.contentRouting.findProviders(contentId(key), { signal: bound })) {
        peers.add(id.toString());
        if (peers.size >= LIMITS.directoryResultsMax) break;
      }
      return [...peers];
    });
  }

  async #bounded<T>(signal: AbortSignal, query: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const timeout = new AbortController();
    const timer = this.#clock.after(LIMITS.directoryQueryMs, () =>
      timeout.abort(new Error('The directory did not answer in time')),
    );
    try {
      return await query(AbortSignal.any([signal, timeout.signal]));
    } finally {
      timer.cancel();
    }
  }
}

/** The name of a key in the table. */
function contentId(key: string): CID {
  return CID.createV1(RAW, createDigest(SHA2_256, createHash('sha256').update(key).digest()));
}
