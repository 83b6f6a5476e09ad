// Link-local addresses of IPv6: they mean a node only together with one interface of one machine.

/** An address that was heard on an interface, as it is dialled from this machine. */
export function heardOn(interfaceName: string, address: string): string {
  return address.startsWith('/ip6/fe80:') ? `/ip6zone/${interfaceName}${address}` : address;
}

/** It means something on one machine only: neither told to others nor taken from them. */
export function isZoned(address: string): boolean {
  return address.startsWith('/ip6zone/');
}
