// Multicast over real sockets: one for each interface and family, each told which interface it is for, so that neither a
// default route nor the order of interfaces matters. The port is shared with other responders of the machine.

import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { BlockList } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { DatagramNetwork, NetworkInterface } from '../ports.ts';

/** mDNS asks for it: receivers may tell by it that nothing was routed. */
const TTL = 255;

/** Asked for in a row for each address and each interface, and each answer costs a dozen calls of the system. */
const INTERFACES_FRESH_MS = 250;
let seen: { readonly at: number; readonly interfaces: readonly NetworkInterface[] } | undefined;

export const udpNetwork: DatagramNetwork = {
  interfaces() {
    const at = performance.now();
    if (!seen || at - seen.at > INTERFACES_FRESH_MS) seen = { at, interfaces: presentInterfaces() };
    return seen.interfaces;
  },

  async open(networkInterface, group, handlers) {
    const isIpv4 = group.family === 4;
    const socket = createSocket({ type: isIpv4 ? 'udp4' : 'udp6', reuseAddr: true, ipv6Only: !isIpv4 });
    try {
      socket.bind({ port: group.port, address: isIpv4 ? '0.0.0.0' : '::', exclusive: false });
      await once(socket, 'listening');
      const own = isIpv4 ? ipv4Host(networkInterface) : `::%${networkInterface.name}`;
      socket.addMembership(group.host, own);
      socket.setMulticastInterface(own);
      socket.setMulticastTTL(TTL);
      // Several nodes of one machine hear each other.
      socket.setMulticastLoopback(true);
    } catch (error) {
      socket.close();
      throw error;
    }
    const isOnLink = linkFilter(networkInterface, group.family);
    socket.on('message', (message, from) => {
      if (isOnLink(from)) handlers.onMessage(message, { host: from.address, port: from.port });
    });
    let isClosed = false;
    const close = (): void => {
      if (!isClosed) socket.close();
      isClosed = true;
    };
    const onError = (error: Error): void => {
      if (isClosed) return;
      close();
      handlers.onError(error);
    };
    socket.on('error', onError);
    socket.unref();
    const everyone = { host: isIpv4 ? group.host : `${group.host}%${networkInterface.name}`, port: group.port };
    return {
      send: (message, to = everyone) => {
        if (!isClosed) socket.send(message, to.port, to.host, (error) => error && onError(error));
      },
      close,
    };
  },
};

function ipv4Host({ name, addresses }: NetworkInterface): string {
  const address = addresses.find(({ family }) => family === 4);
  if (!address) throw new Error(`${name} has no IPv4 address`);
  return address.host;
}

/** Sockets that share a port get one another's multicasts, whatever interface those came in on. */
function linkFilter(networkInterface: NetworkInterface, family: 4 | 6): (from: RemoteInfo) => boolean {
  if (family === 6)
    return ({ address }) => address.endsWith(`%${networkInterface.name}`) || networkInterface.isLoopback;
  const subnets = new BlockList();
  for (const { family: each, host, prefix } of networkInterface.addresses) {
    if (each === 4) subnets.addSubnet(host, prefix, 'ipv4');
  }
  return ({ address }) => subnets.check(address, 'ipv4');
}

function presentInterfaces(): NetworkInterface[] {
  return Object.entries(networkInterfaces()).map(([name, addresses = []]) => ({
    name,
    isLoopback: addresses.some(({ internal }) => internal),
    addresses: addresses.map(({ family, address, cidr }) => ({
      family: family === 'IPv4' ? 4 : 6,
      host: address,
      prefix: Number(cidr?.split('/')[1] ?? 0),
    })),
  }));
}
