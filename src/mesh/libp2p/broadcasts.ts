// Small messages to everyone by gossip. Each is signed by its origin, so who said it is proven however it came here.

import type { Message } from '@chainsafe/libp2p-gossipsub';
import type { PeerId, TransportHandlers } from '../../ports.ts';
import type { Libp2pNode } from './libp2p-node.ts';
import { LIMITS } from './limits.ts';

/** gossipsub's answers to a message; its enum is a value we would have to load the package for. */
const ACCEPT = 'accept';
const REJECT = 'reject';
type Verdict = ReturnType<Parameters<Libp2pNode['services']['pubsub']['topicValidators']['set']>[1]>;

export class Broadcasts {
  readonly #pubsub: Libp2pNode['services']['pubsub'];
  readonly #prefix: string;

  constructor(pubsub: Libp2pNode['services']['pubsub'], prefix: string) {
    this.#pubsub = pubsub;
    this.#prefix = prefix;
  }

  start(topics: readonly string[], handlers: TransportHandlers): void {
    this.#pubsub.addEventListener('message', ({ detail }) => {
      if (detail.type !== 'signed' || !detail.topic.startsWith(this.#prefix)) return;
      handlers.onBroadcast(detail.topic.slice(this.#prefix.length), detail.from.toString(), detail.data);
    });
    for (const topic of topics) {
      // Judged before it is passed on, so that no member carries what a stranger or an evicted member said.
      this.#pubsub.topicValidators.set(
        this.#prefix + topic,
        (_carrier, message) => (isWelcome(message, handlers.isMember) ? ACCEPT : REJECT) as Verdict,
      );
      this.#pubsub.subscribe(this.#prefix + topic);
    }
  }

  async publish(topic: string, message: Uint8Array): Promise<void> {
    if (message.byteLength > LIMITS.broadcastBytesMax) {
      throw new RangeError(`A broadcast may have ${LIMITS.broadcastBytesMax} bytes, not ${message.byteLength}`);
    }
    await this.#pubsub.publish(this.#prefix + topic, message);
  }
}

function isWelcome(message: Message, isMember: (peer: PeerId) => boolean): boolean {
  return (
    message.type === 'signed' &&
    message.data.byteLength <= LIMITS.broadcastBytesMax &&
    isMember(message.from.toString())
  );
}
