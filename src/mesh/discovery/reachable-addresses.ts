// Which addresses are told on which interface: those of that interface, and those that somebody configured by hand.
// IPv4 link-local ones are added here: libp2p leaves them out, though a LAN without DHCP has no others. IPv6 link-local ones
// are not told: libp2p's TCP cannot accept a connection from an address with a zone.

import type { DatagramNetwork } from '../../ports.ts';
import type { SelfDescription } from '../libp2p/libp2p-transport.ts';
import type { Link } from './multicast-dns.ts';

export function addressesOn(network: DatagramNetwork, { networkInterface }: Link, self: SelfDescription): string[] {
  const here = networkInterface.addresses.map(({ host }) => host);
  const elsewhere = network
    .interfaces()
    .flatMap(({ addresses }) => addresses.map(({ host }) => host))
    .filter((host) => !here.includes(host));
  const told = self.addresses().filter((address) => !elsewhere.includes(hostOf(address)));
  const port = wildcardPort(self.listen);
  const linkLocal = here.filter((host) => port !== undefined && host.startsWith('169.254.'));
  return [...new Set([...told, ...linkLocal.map((host) => `/ip4/${host}/tcp/${port}/p2p/${self.peer}`)])];
}

function hostOf(address: string): string {
  return address.split('/')[2] ?? '';
}

/** The fixed port on which a node listens on all IPv4 addresses. */
function wildcardPort(listen: readonly string[]): number | undefined {
  const wildcard = '/ip4/0.0.0.0/tcp/';
  const port = Number(listen.find((each) => each.startsWith(wildcard))?.slice(wildcard.length));
  return port > 0 ? port : undefined;
}
