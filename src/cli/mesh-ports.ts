// The mesh's network for a node that is started by hand: its keys, libp2p, and beacons. Loaded only when the mesh is on;
// with the mesh off not one module of libp2p is.

import type { Config } from '../config/config.ts';
import { isLoopback } from '../config/exposure.ts';
import type { MeshConfig } from '../config/mesh.ts';
import { announceRule } from '../mesh/discovery/lan-interfaces.ts';
import { MdnsDiscovery } from '../mesh/discovery/mdns-discovery.ts';
import { loadMeshKeys } from '../mesh/key-files.ts';
import { createLibp2pTransport } from '../mesh/libp2p/libp2p-transport.ts';
import { MESH_TOPICS } from '../mesh/mesh-broadcasts.ts';
import type { MeshPorts } from '../mesh/mesh-service.ts';
import type { Logger } from '../ports.ts';
import { streamHttpClient } from '../system/stream-http-client.ts';
import { systemClock } from '../system/system-clock.ts';
import { systemRandom } from '../system/system-random.ts';
import { udpNetwork } from '../system/udp-network.ts';

/** A forwarded request carries its conversation twice, and may be as long as a client's. */
const BODY_FACTOR = 3;

export interface MeshNetwork extends MeshPorts {
  /** The name that all healthy nodes answer for is given up: this one takes nothing more. */
  withdraw(): void;
}

/**
 * @param meshTag what beacons carry; asked again and again, as a node may join while it runs
 * @throws Error with a sentence when a key or the secret cannot be read
 */
export async function meshNetwork(
  config: Config,
  mesh: MeshConfig,
  env: Readonly<Record<string, string | undefined>>,
  logger: Logger,
  meshTag: () => string | undefined,
): Promise<MeshNetwork> {
  const { dataDirectory, server } = config;
  const keys = await loadMeshKeys({ dataDirectory, config: mesh, env, random: systemRandom });
  const ports = { clock: systemClock, random: systemRandom, logger };
  const host = isLoopback(server.host) ? undefined : { name: mesh.name, port: server.port };
  const discovery = new MdnsDiscovery(
    { network: udpNetwork, ...ports },
    { interfaces: mesh.interfaces, meshTag, host },
  );
  const transport = await createLibp2pTransport(
    { clock: systemClock, logger, openHttpClient: streamHttpClient, discovery },
    {
      privateKey: keys.identity.seed,
      listen: mesh.listen,
      announce: mesh.announce,
      topics: MESH_TOPICS,
      requestBodyBytesMax: server.bodyBytesMax * BODY_FACTOR,
      isAnnounced: announceRule(udpNetwork, mesh.interfaces),
    },
  );
  return { keys, transport, withdraw: () => discovery.withdrawHost() };
}
