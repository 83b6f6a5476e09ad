// Which interfaces lead to other machines. Bridges of containers and virtual machines do not, though they look the same:
// what we announced there would come back as an address that nobody else can reach.

import type { DatagramNetwork, NetworkInterface } from '../../ports.ts';

const CONTAINER_BRIDGE =
  /^(docker|br-|veth|virbr|vnet|cni|cali|flannel|podman|kube|lxc|lxdbr|vmnet|vboxnet|vEthernet|nerdctl|cilium|weave|dummy|ifb)/;

/** `chosen`: names from the configuration, which are taken as they are; empty: all that lead to other machines. */
export function lanInterfaces(network: DatagramNetwork, chosen: readonly string[]): readonly NetworkInterface[] {
  const isWanted = ({ name, isLoopback }: NetworkInterface): boolean =>
    chosen.length > 0 ? chosen.includes(name) : !isLoopback && !CONTAINER_BRIDGE.test(name);
  return network.interfaces().filter((each) => each.addresses.length > 0 && isWanted(each));
}

/** May others be told this address? Yes when it is of a LAN interface, or of none of ours: then somebody configured it. */
export function announceRule(network: DatagramNetwork, chosen: readonly string[]): (host: string) => boolean {
  return (host) => {
    const isOf = (networkInterface: NetworkInterface): boolean =>
      networkInterface.addresses.some((address) => address.host === host);
    return lanInterfaces(network, chosen).some(isOf) || !network.interfaces().some(isOf);
  };
}
