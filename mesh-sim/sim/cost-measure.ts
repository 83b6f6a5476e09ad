// Measures one mesh of a given size, and prints what it costs each node. Only the mesh of each node runs, at rest:
// requests cost the same whatever the size of the mesh.

import { type Credential, issueCertificate } from '../../src/mesh/certificate.ts';
import { identityFromSeed } from '../../src/mesh/identity.ts';
import type { LocalStatus } from '../../src/mesh/local-status.ts';
import { Mesh } from '../../src/mesh/mesh.ts';
import { type MeshRoots, meshIdOf } from '../../src/mesh/mesh-keys.ts';
import { MeshStore } from '../../src/mesh/mesh-store.ts';
import { MESH_MIGRATIONS } from '../../src/mesh/migrations.ts';
import { FLEET_CAPABILITIES } from '../../src/model/mesh-capability.ts';
import type { Logger } from '../../src/ports.ts';
import { openCopy, openDatabase } from '../../src/storage/database.ts';
import type { Cost } from './cost-columns.ts';
import { HostClock } from './host-clock.ts';
import { seededRandom } from './seeded-random.ts';
import { addressOf } from './sim-link.ts';
import { SimNetwork } from './sim-network.ts';
import { SimTransport } from './sim-transport.ts';
import { VirtualClock } from './virtual-clock.ts';

/** How long the nodes may take to see each other again; virtual, as all times but those of the CPU. */
const MEETING_MAX_MS = 900_000;
const LOOK_MS = 1_000;
/** Then a node is at rest; the more there are the longer it counts itself busy. */
const CALM_MS_PER_NODE = 160;
const CALM_MIN_MS = 10_000;
const MEASURED_MS = 60_000;
const SILENT: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const IDLE: LocalStatus = { state: 'up', inFlight: 0, queued: 0, capacity: 8, models: [{ model: 'sim-model' }] };

interface Member {
  readonly transport: SimTransport;
  readonly mesh: Mesh;
}

// What is compiled and loaded once is nobody's memory.
await measure(5);
console.log(JSON.stringify(await measure(Number(process.argv[2]))));

async function measure(nodes: number): Promise<Cost> {
  const clock = new VirtualClock();
  const bytesBefore = residentBytes();
  const members = membersOn(clock, nodes);
  await Promise.all(members.map(({ mesh }) => mesh.start()));
  const startedAt = clock.elapsed();
  while (!hasMet(members) && clock.elapsed() - startedAt < MEETING_MAX_MS) await clock.run(LOOK_MS);
  const meetingSeconds = (clock.elapsed() - startedAt) / 1_000;
  await clock.run(Math.max(CALM_MIN_MS, nodes * CALM_MS_PER_NODE));
  const before = totals(members);
  const cpu = process.cpuUsage();
  await clock.run(MEASURED_MS);
  const { user, system } = process.cpuUsage(cpu);
  const after = totals(members);
  const perNodeSecond = (amount: number): number => (amount * 1_000) / nodes / MEASURED_MS;
  const heard = after.heard - before.heard;
  const heartbeatBytes = (after.broadcastBytes - before.broadcastBytes) / Math.max(1, after.sent - before.sent);
  return {
    nodes,
    meetingSeconds,
    connections: after.connections / nodes,
    seenAlive: after.alive / nodes,
    messages: perNodeSecond(heard + 2 * (after.requests - before.requests)),
    bytes: perNodeSecond(heard * heartbeatBytes + after.requestBytes - before.requestBytes),
    beacons: perNodeSecond(after.beacons - before.beacons),
    cpuMicroseconds: perNodeSecond(user + system),
    memoryKilobytes: (residentBytes() - bytesBefore) / 1_000 / nodes,
  };
}

/** Machines that have met before: each has everybody's certificate and address on its disk. */
function membersOn(clock: VirtualClock, nodes: number): readonly Member[] {
  const random = seededRandom(nodes);
  const network = new SimNetwork<SimTransport>({ clock, random, delayMs: { min: 0.3, max: 3 } });
  const fleet = identityFromSeed(random.bytes(32));
  const roots = { meshId: meshIdOf(fleet.peer), fleet: fleet.peer };
  const identities = Array.from({ length: nodes }, () => identityFromSeed(random.bytes(32)));
  const credentials = identities.map(({ peer }, index) => {
    const lasting = { notBefore: clock.now(), notAfter: 0, serial: 1 };
    const fields = { meshId: roots.meshId, peer, name: nameOf(index), capabilities: FLEET_CAPABILITIES, ...lasting };
    return { certificate: issueCertificate(fleet, fields) };
  });
  const disk = diskOf(roots, credentials, clock.now());
  return identities.map((identity, index) => {
    const host = new HostClock(clock);
    const transport = new SimTransport({ network, identity, clock: host, meshTag: () => mesh.meshTag() });
    const database = openCopy(disk);
    new MeshStore(database).setOwnCredential(credentials[index] as Credential);
    const mesh: Mesh = new Mesh({
      transport,
      clock: host,
      random: seededRandom(index + 1),
      logger: SILENT,
      database,
      keys: { identity, fleet },
      settings: { name: nameOf(index), capabilities: FLEET_CAPABILITIES, bootstrap: [] },
      local: () => IDLE,
    });
    return { transport, mesh };
  });
}

function diskOf(roots: MeshRoots, credentials: readonly Credential[], now: number): Buffer {
  const database = openDatabase(':memory:', MESH_MIGRATIONS);
  const store = new MeshStore(database);
  store.setRoots(roots);
  for (const credential of credentials) {
    const { peer } = credential.certificate;
    store.putMember(credential);
    store.putContact(peer, [addressOf(peer)], now);
  }
  const content = database.serialize();
  database.close();
  return content;
}

function nameOf(index: number): string {
  return `node-${index}`;
}

function hasMet(members: readonly Member[]): boolean {
  return members.every(({ mesh }) => {
    const view = mesh.view();
    return view.length === members.length - 1 && view.every(({ state }) => state === 'alive');
  });
}

function totals(members: readonly Member[]) {
  const total = {
    sent: 0,
    broadcastBytes: 0,
    requests: 0,
    requestBytes: 0,
    connections: 0,
    heard: 0,
    beacons: 0,
    alive: 0,
  };
  for (const { transport, mesh } of members) {
    total.sent += transport.sent.broadcasts;
    total.broadcastBytes += transport.sent.broadcastBytes;
    total.requests += transport.sent.requests;
    total.requestBytes += transport.sent.requestBytes;
    total.connections += transport.connections().length;
    total.heard += mesh.counters.heartbeatsHeard;
    total.beacons += transport.beaconsHeard;
    total.alive += mesh.view().filter(({ state }) => state === 'alive').length;
  }
  return total;
}

function residentBytes(): number {
  globalThis.gc?.();
  return process.memoryUsage.rss();
}
