// A node in a process of its own, for tests that kill it or put it into a network of its own. It is told who it is by one
// JSON argument, writes what happens as JSON lines, and dials whom discovery finds.

import { announceRule } from '../../src/mesh/discovery/lan-interfaces.ts';
import { MdnsDiscovery } from '../../src/mesh/discovery/mdns-discovery.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { systemRandom } from '../../src/system/system-random.ts';
import { udpNetwork } from '../../src/system/udp-network.ts';
import { createTestTransport, handlersOf, silentLogger } from './transports.ts';

export interface ProcessOptions {
  readonly seed: number;
  readonly members: readonly string[];
  readonly listen?: readonly string[];
  /** Finds others; names of interfaces, empty for those of the LAN. */
  readonly discover?: readonly string[];
  readonly hostPort?: number;
}

const dialling = new Set<string>();
const options: ProcessOptions = JSON.parse(process.argv[2] ?? '{}');
const discovery =
  options.discover &&
  new MdnsDiscovery(
    { network: udpNetwork, clock: systemClock, random: systemRandom, logger: silentLogger },
    {
      interfaces: options.discover,
      meshTag: () => 'test',
      host: options.hostPort === undefined ? undefined : { name: `node-${options.seed}`, port: options.hostPort },
    },
  );
const node = await createTestTransport(options.seed, {
  ...(options.listen && { listen: options.listen }),
  ...(discovery && { discovery, isAnnounced: announceRule(udpNetwork, options.discover ?? []) }),
});
for (const member of options.members) node.members.add(member);
await node.transport.start({
  ...handlersOf(node),
  onConnect: ({ peer, address }) => tell({ connected: peer, address }),
  onDisconnect: (peer) => tell({ disconnected: peer }),
  onDiscover: ({ peer, addresses }) => {
    tell({ discovered: peer, addresses });
    if (dialling.has(peer)) return;
    dialling.add(peer);
    node.transport
      .dial(addresses, peer, AbortSignal.timeout(8_000))
      .catch((error) => tell({ failed: String(error) }))
      .finally(() => dialling.delete(peer));
  },
});
tell({ peer: node.peer, addresses: node.transport.addresses() });
process.on('SIGTERM', () => void node.transport.stop().then(() => process.exit(0)));

function tell(event: object): void {
  process.stdout.write(`${JSON.stringify({ ...event, at: Date.now() })}\n`);
}
