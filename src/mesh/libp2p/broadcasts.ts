// Small messages to everyone by gossip. Each is signed by its origin, so who said it is proven however it came here. Its
// first byte says whether it is to be passed on: who is connected with all others tells all of them itself.

import type { Message } from '@chainsafe/libp2p-gossipsub';
import type { BroadcastReach, Clock, PeerId, TransportHandlers } from '../../ports.ts';
import type { Libp2pNode } from './libp2p-node.ts';
import { LIMITS } from './limits.ts';

/** gossipsub's answers to a message; its enum is a value we would have to load the package for. */
const ACCEPT = 'accept';
const IGNORE = 'ignore';
const REJECT = 'reject';
type Verdict = Awaited<ReturnType<Parameters<Libp2pNode['services']['pubsub']['topicValidators']['set']>[1]>>;

const REACH_CODES: Readonly<Record<BroadcastReach, number>> = { everyone: 0, neighbours: 1 };

/** What the package's own type of its service leaves out. */
type Pubsub = Libp2pNode['services']['pubsub'] & {
  reportMessageValidationResult(messageId: string, carrier: string, verdict: Verdict): void;
};

export class Broadcasts {
  readonly #pubsub: Pubsub;
  readonly #prefix: string;
  readonly #clock: Clock;

  constructor(pubsub: Libp2pNode['services']['pubsub'], prefix: string, clock: Clock) {
    this.#pubsub = pubsub as Pubsub;
    this.#prefix = prefix;
    this.#clock = clock;
  }

  start(topics: readonly string[], handlers: TransportHandlers): void {
    this.#pubsub.addEventListener('gossipsub:message', ({ detail: { msg, msgId, propagationSource } }) => {
      const conclude = (verdict: string): void =>
        this.#pubsub.reportMessageValidationResult(msgId, propagationSource.toString(), verdict as Verdict);
      // Most nodes have it from its origin as well, and large ones say so meanwhile: they are spared a second copy.
      if (msg.data[0] === REACH_CODES.everyone) this.#clock.after(LIMITS.gossipPassOnMs, () => conclude(ACCEPT));
      else conclude(IGNORE);
      if (msg.type !== 'signed' || !msg.topic.startsWith(this.#prefix)) return;
      handlers.onBroadcast(msg.topic.slice(this.#prefix.length), msg.from.toString(), msg.data.subarray(1));
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

  async publish(topic: string, message: Uint8Array, reach: BroadcastReach): Promise<void> {
    if (message.byteLength > LIMITS.broadcastBytesMax) {
      throw new RangeError(`A broadcast may have ${LIMITS.broadcastBytesMax} bytes, not ${message.byteLength}`);
    }
    await this.#pubsub.publish(this.#prefix + topic, Buffer.concat([Uint8Array.of(REACH_CODES[reach]), message]));
  }
}

function isWelcome(message: Message, isMember: (peer: PeerId) => boolean): boolean {
  return (
    message.type === 'signed' &&
    message.data.byteLength <= 1 + LIMITS.broadcastBytesMax &&
    isMember(message.from.toString())
  );
}
