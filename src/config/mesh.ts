// The `mesh` section: whether this node meets others, how they know each other, and where it listens for them.

import { hostname } from 'node:os';
import * as z from 'zod';
import { FLEET_CAPABILITIES, type MeshCapability } from '../model/mesh-capability.ts';
import type { Findings } from './findings.ts';
import { section } from './section.ts';
import { choice, flag, text, texts } from './values.ts';

export interface MeshConfig {
  /** Of this node, for people. */
  readonly name: string;
  /** Multiaddrs. */
  readonly listen: readonly string[];
  /** Multiaddrs that others are told instead of those found. Empty: those found. */
  readonly announce: readonly string[];
  /** Multiaddrs of nodes to begin with. */
  readonly bootstrap: readonly string[];
  /** Network interfaces for beacons. Empty: all that can multicast. */
  readonly interfaces: readonly string[];
  /** At most one of the two; `FLOWMESH_MESH_SECRET` stands in where neither is written. */
  readonly secret?: string;
  readonly secretFile?: string;
  /** The admin key that this node trusts whatever others say. */
  readonly adminKey?: string;
  /** What a node with the secret takes upon itself. */
  readonly capabilities: readonly MeshCapability[];
}

/** Whoever records a join can guess on at leisure. */
export const SECRET_LENGTH_MIN = 16;
const NAME_LENGTH_MAX = 64;

export const MESH_DEFAULTS = {
  // Off means off: not one module is loaded, no socket opened.
  enabled: false,
  // The port after the one for clients; both families, as some LANs have only link-local IPv6.
  listen: ['/ip4/0.0.0.0/tcp/2403', '/ip6/::/tcp/2403'],
  // Beacons find everybody on the LAN.
  bootstrap: [],
  // Equals trust each other; who wants devices that only read says so.
  capabilities: FLEET_CAPABILITIES,
} as const;

export const meshSection = section({
  enabled: flag.default(MESH_DEFAULTS.enabled).describe('Meet other nodes and share the work with them.'),
  name: text.describe('What people and other nodes call this one. Default: the name of the machine.').exactOptional(),
  listen: texts
    .default([...MESH_DEFAULTS.listen])
    .describe('Where other nodes connect to this one: multiaddrs such as `/ip4/0.0.0.0/tcp/2403`.'),
  announce: texts
    .describe('Addresses that others are told instead of those found, for a node behind a router that forwards a port.')
    .exactOptional(),
  bootstrap: texts
    .describe('Addresses of nodes where beacons do not reach, to begin with: `/ip4/10.1.0.5/tcp/2403`.')
    .exactOptional(),
  interfaces: texts
    .describe('Network interfaces for beacons, such as `eth0`. Default: all but loopback and those of containers.')
    .exactOptional(),
  secret: text
    .describe(
      `Shared by the nodes of a fleet: who has it is a member. At least ${SECRET_LENGTH_MIN} characters. Default: \`$FLOWMESH_MESH_SECRET\`, if it is set.`,
    )
    .exactOptional(),
  secretFile: text.describe('File with the secret, instead of `secret`; an absolute path.').exactOptional(),
  adminKey: text
    .describe('The admin key of the mesh, as `flowmesh mesh init` printed it; beats what other nodes say.')
    .exactOptional(),
  capabilities: z
    .array(choice(FLEET_CAPABILITIES))
    .default([...MESH_DEFAULTS.capabilities])
    .describe('What this node takes upon itself when it has the secret.'),
});

type FileMesh = z.output<typeof meshSection>;

/** Undefined while the mesh is off; what is written is checked all the same. */
export function resolveMesh(file: FileMesh, findings: Findings): MeshConfig | undefined {
  const { enabled, name, secret, secretFile, adminKey } = file;
  if (secret !== undefined && secretFile !== undefined) {
    findings.problem(['mesh', 'secretFile'], "give either 'secret' or 'secretFile'.");
  }
  if (secret !== undefined && secret.length < SECRET_LENGTH_MIN) {
    findings.problem(['mesh', 'secret'], `the secret must have at least ${SECRET_LENGTH_MIN} characters.`);
  }
  if (name !== undefined && name.length > NAME_LENGTH_MAX) {
    findings.problem(['mesh', 'name'], `a name has at most ${NAME_LENGTH_MAX} characters.`);
  }
  if (adminKey !== undefined && !/^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$/.test(adminKey)) {
    findings.problem(['mesh', 'adminKey'], "an admin key begins with '12D3KooW'; `flowmesh mesh status` shows it.");
  }
  for (const list of ['listen', 'announce', 'bootstrap'] as const) {
    for (const [index, written] of (file[list] ?? []).entries()) {
      if (MULTIADDR.test(written)) continue;
      findings.problem(['mesh', list, index], 'must be an address such as /ip4/192.168.1.5/tcp/2403.');
    }
  }
  if (!enabled) return undefined;
  const { listen, announce = [], bootstrap = [], interfaces = [], capabilities } = file;
  return {
    name: name ?? machineName(),
    listen,
    announce,
    bootstrap,
    interfaces,
    capabilities,
    ...(secret !== undefined && { secret }),
    ...(secretFile !== undefined && { secretFile }),
    ...(adminKey !== undefined && { adminKey }),
  };
}

/** Unique enough on a LAN, and what people know the machine by. */
export function machineName(): string {
  return hostname().slice(0, NAME_LENGTH_MAX) || 'node';
}

const MULTIADDR = /^\/(ip4|ip6|ip6zone|dns|dns4|dns6|dnsaddr)\/[^/]+(\/[^/]+)*$/;
