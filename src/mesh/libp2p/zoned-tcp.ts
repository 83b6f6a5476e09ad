// TCP of libp2p for IPv6 link-local addresses as well, which a LAN has when nobody gave it any others. They mean something
// only together with the interface they are on (`/ip6zone/eth0/ip6/fe80::1/tcp/2403`, `fe80::1%eth0`). libp2p's TCP forgets
// the interface when it dials, and refuses connections that come from such an address.

import type { Server, Socket } from 'node:net';
import type { DialTransportOptions, Listener, Transport } from '@libp2p/interface';
import { type TCPComponents, type TCPOptions, tcp } from '@libp2p/tcp';
import type { Multiaddr } from '@multiformats/multiaddr';

/** What the package's own type of its listener leaves out. */
interface HasServer {
  readonly server: Server;
}

export function zonedTcp(options: TCPOptions): (components: TCPComponents) => Transport {
  const create = tcp(options);
  return (components) => {
    const transport = create(components);
    const dial = transport.dial.bind(transport);
    const createListener = transport.createListener.bind(transport);
    // Options of a dial are those of its socket, too.
    transport.dial = (address, given) => dial(address, { ...given, ...zonedHost(address) } as DialTransportOptions);
    transport.createListener = (given) => {
      const listener = createListener(given) as Listener & HasServer;
      listener.server.prependListener('connection', hideZone);
      return listener;
    };
    return transport;
  };
}

function zonedHost(address: Multiaddr): { readonly host?: string } {
  const [zone, host] = address.getComponents();
  return zone?.name === 'ip6zone' ? { host: `${host?.value}%${zone.value}` } : {};
}

/** Whoever asks where a connection comes from gets a plain address; nobody dials it. */
function hideZone(socket: Socket): void {
  const { remoteAddress } = socket;
  if (!remoteAddress?.includes('%')) return;
  Object.defineProperty(socket, 'remoteAddress', { value: remoteAddress.replace(/%.*/, '') });
}
