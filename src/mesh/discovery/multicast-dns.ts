// Sends and receives DNS packets on every chosen interface, over IPv4 and IPv6, and follows interfaces that come and go.
// One socket for each: a single socket would use the interface of the default route, and without one send nothing.

import { decode, encode, type Packet } from 'dns-packet';
import type {
  Cancellable,
  Clock,
  DatagramNetwork,
  DatagramSocket,
  DatagramSource,
  Logger,
  NetworkInterface,
} from '../../ports.ts';
import { TokenBucket } from '../token-bucket.ts';
import { lanInterfaces } from './lan-interfaces.ts';
import { DISCOVERY } from './limits.ts';

export interface Link {
  readonly networkInterface: NetworkInterface;
  readonly family: 4 | 6;
  send(packet: Packet, to?: DatagramSource): void;
}

export interface MulticastDnsHandlers {
  readonly onPacket: (link: Link, packet: Packet, from: DatagramSource) => void;
  /** An interface came, or its addresses changed. */
  readonly onLink: (link: Link) => void;
}

interface OpenLink extends Link {
  /** By what it is recognised: another address needs another socket. */
  readonly key: string;
  close(): void;
}

export class MulticastDns {
  readonly #network: DatagramNetwork;
  readonly #chosen: readonly string[];
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #links = new Map<string, OpenLink>();
  readonly #opening = new Set<string>();
  /** Those that cannot send, such as loopback by IPv6: when they are tried again, after twice as long each time. */
  readonly #failing = new Map<string, { readonly waitMs: number; readonly nextAt: number }>();
  #handlers: MulticastDnsHandlers | undefined;
  #polling: Cancellable | undefined;

  constructor(network: DatagramNetwork, chosen: readonly string[], clock: Clock, logger: Logger) {
    this.#network = network;
    this.#chosen = chosen;
    this.#clock = clock;
    this.#logger = logger;
  }

  start(handlers: MulticastDnsHandlers): void {
    this.#handlers = handlers;
    this.#follow();
    this.#polling = this.#clock.every(DISCOVERY.interfacePollMs, () => this.#follow());
  }

  stop(): void {
    this.#handlers = undefined;
    this.#polling?.cancel();
    for (const { key } of this.links()) this.#close(key);
  }

  links(): readonly (Link & { readonly key: string })[] {
    return [...this.#links.values()];
  }

  #follow(): void {
    const wanted = new Map<string, { networkInterface: NetworkInterface; group: (typeof DISCOVERY.groups)[number] }>();
    for (const networkInterface of lanInterfaces(this.#network, this.#chosen)) {
      for (const group of DISCOVERY.groups) {
        const hosts = networkInterface.addresses.filter(({ family }) => family === group.family);
        const key = `${networkInterface.name} ${hosts.map(({ host }) => host).join(' ')}`;
        if (hosts.length > 0) wanted.set(key, { networkInterface, group });
      }
    }
    for (const key of [...this.#links.keys()]) if (!wanted.has(key)) this.#close(key);
    for (const key of [...this.#failing.keys()]) if (!wanted.has(key)) this.#failing.delete(key);
    const now = this.#clock.elapsed();
    for (const [key, { networkInterface, group }] of wanted) {
      const isDue = now >= (this.#failing.get(key)?.nextAt ?? 0);
      if (isDue && !this.#links.has(key) && !this.#opening.has(key)) void this.#open(key, networkInterface, group);
    }
  }

  async #open(
    key: string,
    networkInterface: NetworkInterface,
    group: (typeof DISCOVERY.groups)[number],
  ): Promise<void> {
    const fields = { interface: networkInterface.name, group: group.host };
    const packets = new TokenBucket(DISCOVERY.packetsPerSecond, DISCOVERY.packetsPerSecond);
    this.#opening.add(key);
    let socket: DatagramSocket;
    try {
      socket = await this.#network.open(
        networkInterface,
        { ...group, port: DISCOVERY.port },
        {
          onMessage: (message, from) => {
            const link = this.#links.get(key);
            if (link && packets.take(this.#clock.elapsed())) this.#onMessage(link, message, from);
          },
          onError: (error) => {
            this.#logger.debug({ ...fields, reason: error.message }, 'Discovery lost an interface');
            this.#links.delete(key);
            this.#failed(key);
          },
        },
      );
    } catch (error) {
      // Tunnels know no multicast, and an interface may be gone already; the next look tries again.
      this.#logger.debug({ ...fields, reason: String(error) }, 'No discovery on an interface');
      return;
    } finally {
      this.#opening.delete(key);
    }
    if (!this.#handlers) {
      socket.close();
      return;
    }
    const link: OpenLink = {
      key,
      networkInterface,
      family: group.family,
      send: (packet, to) => socket.send(encode(packet), to),
      close: () => socket.close(),
    };
    this.#links.set(key, link);
    this.#logger[this.#failing.has(key) ? 'debug' : 'info'](fields, 'Discovery uses an interface');
    this.#handlers.onLink(link);
  }

  #failed(key: string): void {
    const waitMs = Math.min(
      DISCOVERY.retryMaxMs,
      2 * (this.#failing.get(key)?.waitMs ?? DISCOVERY.interfacePollMs / 2),
    );
    this.#failing.set(key, { waitMs, nextAt: this.#clock.elapsed() + waitMs });
  }

  #close(key: string): void {
    this.#links.get(key)?.close();
    this.#links.delete(key);
  }

  #onMessage(link: Link, message: Uint8Array, from: DatagramSource): void {
    if (message.byteLength > DISCOVERY.receivedBytesMax) return;
    const packet = decoded(message);
    if (packet) this.#handlers?.onPacket(link, packet, from);
  }
}

/** Undefined for what is no DNS packet: anybody may send anything here, and a log line for each would be an attack too. */
function decoded(message: Uint8Array): Packet | undefined {
  try {
    return decode(Buffer.from(message.buffer, message.byteOffset, message.byteLength));
  } catch {
    return undefined;
  }
}
