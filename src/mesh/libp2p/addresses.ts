// Multiaddrs as text, as the rest of the mesh keeps them.

import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import type { PeerId } from '../../ports.ts';

/** Where to connect, without who is expected there; undefined when it is not an address of ours (TCP over IP or a name). */
export function dialableAddress(text: string): Multiaddr | undefined {
  let parsed: Multiaddr;
  try {
    parsed = multiaddr(text);
  } catch {
    // Addresses come from hints of strangers: a wrong one is nothing special.
    return undefined;
  }
  const components = parsed.getComponents();
  const [host, port, ...rest] = components[0]?.name === 'ip6zone' ? components.slice(1) : components;
  const isHost = host !== undefined && ['ip4', 'ip6', 'dns', 'dns4', 'dns6'].includes(host.name);
  if (!isHost || port?.name !== 'tcp' || rest.some(({ name }) => name !== 'p2p')) return undefined;
  return parsed.decapsulateCode(P2P);
}

/** Who is expected at an address, when it says so. */
export function peerInAddress(text: string): PeerId | undefined {
  return /\/p2p\/([^/]+)$/.exec(text)?.[1];
}

/** The IP address in a multiaddr. */
export function hostIn(address: Multiaddr): string | undefined {
  return address.getComponents().find(({ name }) => name === 'ip4' || name === 'ip6')?.value;
}

const P2P = 421;
