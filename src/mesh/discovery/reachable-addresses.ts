// Which addresses are told on which interface: those of that interface, and those that somebody configured by hand.
// Link-local ones are added here: libp2p leaves them out, though a LAN without DHCP has no others. An IPv6 one is told as it
// is; whoever hears it adds the interface on which it was heard, as only there it means this node.

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
  const linkLocal = LINK_LOCAL.flatMap(({ protocol, wildcard, start }) => {
    const port = wildcardPort(self.listen, `/${protocol}/${wildcard}/tcp/`);
    const hosts = port === undefined ? [] : here.filter((host) => host.startsWith(start));
    return hosts.map((host) => `/${protocol}/${host}/tcp/${port}/p2p/${self.peer}`);
  });
  return [...new Set([...told, ...linkLocal])];
}

const LINK_LOCAL = [
  { protocol: 'ip4', wildcard: '0.0.0.0', start: '169.254.' },
  { protocol: 'ip6', wildcard: '::', start: 'fe80:' },
] as const;

function hostOf(address: string): string {
  return address.split('/')[2] ?? '';
}

/** The fixed port on which a node listens on all addresses of a family. */
function wildcardPort(listen: readonly string[], wildcard: string): number | undefined {
  const port = Number(listen.find((each) => each.startsWith(wildcard))?.slice(wildcard.length));
  return port > 0 ? port : undefined;
}
