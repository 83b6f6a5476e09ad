// `npm run sim:cost`: what a mesh costs each of its nodes as it grows, as a table and a picture. Only the mesh of each
// node runs, at rest: requests cost the same whatever the size of the mesh.

import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { identityFromSeed } from '../../src/mesh/identity.ts';
import type { LocalStatus } from '../../src/mesh/local-status.ts';
import { Mesh } from '../../src/mesh/mesh.ts';
import { MESH_MIGRATIONS } from '../../src/mesh/migrations.ts';
import { FLEET_CAPABILITIES } from '../../src/model/mesh-capability.ts';
import type { Logger } from '../../src/ports.ts';
import { openCopy, openDatabase } from '../../src/storage/database.ts';
import { HostClock } from './host-clock.ts';
import { seededRandom } from './seeded-random.ts';
import { SimNetwork } from './sim-network.ts';
import { SimTransport } from './sim-transport.ts';
import { VirtualClock } from './virtual-clock.ts';

/** How long the nodes have to find each other, and how long is measured then; virtual. */
const MEETING_MS = 60_000;
const MEASURED_MS = 60_000;
const SILENT: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const IDLE: LocalStatus = { state: 'up', inFlight: 0, queued: 0, capacity: 8, models: [{ model: 'sim-model' }] };

interface Cost {
  readonly nodes: number;
  readonly connections: number;
  /** A node's view: others that it believes to be alive. */
  readonly seenAlive: number;
  readonly sentPerSecond: number;
  readonly heardPerSecond: number;
  readonly heardBytesPerSecond: number;
  readonly requestsPerSecond: number;
  /** Of this machine, for each node and virtual second. */
  readonly cpuMicroseconds: number;
}

const { values } = parseArgs({
  options: { sizes: { type: 'string', default: '5,10,32,100' }, svg: { type: 'string' } },
});
const costs: Cost[] = [];
console.log('nodes  connections  seen alive  sent/s  heard/s  bytes heard/s  requests/s  CPU µs/s');
for (const size of values.sizes.split(',').map(Number)) {
  const cost = await measure(size);
  costs.push(cost);
  const columns = [
    String(cost.nodes).padStart(5),
    cost.connections.toFixed(1).padStart(11),
    cost.seenAlive.toFixed(1).padStart(10),
    cost.sentPerSecond.toFixed(2).padStart(6),
    cost.heardPerSecond.toFixed(2).padStart(7),
    cost.heardBytesPerSecond.toFixed(0).padStart(13),
    cost.requestsPerSecond.toFixed(2).padStart(10),
    cost.cpuMicroseconds.toFixed(0).padStart(8),
  ];
  console.log(columns.join('  '));
}
if (values.svg !== undefined) writeFileSync(values.svg, picture(costs));

async function measure(nodes: number): Promise<Cost> {
  const clock = new VirtualClock();
  const random = seededRandom(nodes);
  const network = new SimNetwork<SimTransport>({ clock, random, delayMs: { min: 0.3, max: 3 } });
  const fleet = identityFromSeed(random.bytes(32));
  const empty = openDatabase(':memory:', MESH_MIGRATIONS).serialize();
  const members = Array.from({ length: nodes }, (_, index) => {
    const identity = identityFromSeed(random.bytes(32));
    const host = new HostClock(clock);
    const transport = new SimTransport({ network, identity, clock: host, meshTag: () => mesh.meshTag() });
    const mesh: Mesh = new Mesh({
      transport,
      clock: host,
      random: seededRandom(index + 1),
      logger: SILENT,
      database: openCopy(empty),
      keys: { identity, fleet },
      settings: { name: `node-${index}`, capabilities: FLEET_CAPABILITIES, bootstrap: [] },
      local: () => IDLE,
    });
    return { transport, mesh };
  });
  await Promise.all(members.map(({ mesh }) => mesh.start()));
  await clock.run(MEETING_MS);
  const before = totals(members);
  const cpu = process.cpuUsage();
  await clock.run(MEASURED_MS);
  const { user, system } = process.cpuUsage(cpu);
  const after = totals(members);
  const perNodeSecond = (amount: number): number => (amount * 1_000) / nodes / MEASURED_MS;
  const heard = after.heard - before.heard;
  const sent = after.broadcasts - before.broadcasts;
  return {
    nodes,
    connections: after.connections / nodes,
    seenAlive: after.alive / nodes,
    sentPerSecond: perNodeSecond(sent),
    heardPerSecond: perNodeSecond(heard),
    heardBytesPerSecond: perNodeSecond(heard * ((after.bytes - before.bytes) / Math.max(1, sent))),
    requestsPerSecond: perNodeSecond(after.requests - before.requests),
    cpuMicroseconds: perNodeSecond(user + system),
  };
}

function totals(members: readonly { readonly transport: SimTransport; readonly mesh: Mesh }[]) {
  const total = { broadcasts: 0, bytes: 0, requests: 0, connections: 0, heard: 0, alive: 0 };
  for (const { transport, mesh } of members) {
    total.broadcasts += transport.sent.broadcasts;
    total.bytes += transport.sent.broadcastBytes;
    total.requests += transport.sent.requests;
    total.connections += transport.connections().length;
    total.heard += mesh.counters.heartbeatsHeard;
    total.alive += mesh.view().filter(({ state }) => state === 'alive').length;
  }
  return total;
}

const WIDTH = 640;
const HEIGHT = 320;
const MARGIN = 50;

/** Bytes that a node hears in a second over the size of the mesh, both axes logarithmic. */
function picture(measured: readonly Cost[]): string {
  const place = (value: number, max: number, length: number): number =>
    (Math.log10(Math.max(1, value)) / Math.log10(Math.max(10, max))) * length;
  const nodesMax = Math.max(...measured.map(({ nodes }) => nodes));
  const bytesMax = Math.max(...measured.map(({ heardBytesPerSecond }) => heardBytesPerSecond));
  const points = measured.map(({ nodes, heardBytesPerSecond }) => {
    const x = MARGIN + place(nodes, nodesMax, WIDTH - 2 * MARGIN);
    const y = HEIGHT - MARGIN - place(heardBytesPerSecond, bytesMax, HEIGHT - 2 * MARGIN);
    return { x, y, label: `${nodes} nodes: ${Math.round(heardBytesPerSecond)} B/s` };
  });
  const dots = points.map(
    ({ x, y, label }) =>
      `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="4"/><text x="${x.toFixed(1)}" y="${(y - 10).toFixed(1)}" text-anchor="middle">${label}</text>`,
  );
  const line = points.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' ');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">
<text x="${MARGIN}" y="20">What a node at rest hears in a second, over the size of the mesh (logarithmic)</text>
<polyline points="${line}" fill="none" stroke="steelblue" stroke-width="2"/>
${dots.join('\n')}
</svg>
`;
}
