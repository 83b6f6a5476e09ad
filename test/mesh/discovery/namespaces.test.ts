// Nodes in networks of their own find each other: real processes, real multicast, no default route.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { type Machine, NetworkLab, namespacesMissing } from '../../../mesh-sim/real/namespaces.ts';
import { identityFromSeed } from '../../../src/mesh/identity.ts';
import type { ProcessOptions } from '../../support/transport-process.ts';
import { until } from '../../support/transports.ts';

const SKIP = namespacesMissing();
const OPTIONS = { timeout: 60_000, skip: SKIP ?? false };
const SCRIPT = join(import.meta.dirname, '../../support/transport-process.ts');
const RESOLVER = join(import.meta.dirname, '../../support/resolve-once.ts');
const LISTEN = ['/ip4/0.0.0.0/tcp/2403', '/ip6/::/tcp/2403'];

interface Event {
  readonly at: number;
  readonly peer?: string;
  readonly connected?: string;
  readonly address?: string;
  readonly discovered?: string;
  readonly addresses?: readonly string[];
}

interface Running {
  readonly peer: string;
  readonly events: Event[];
}

test(
  'five nodes on a bare switch, each with two networks and a container bridge, all find each other',
  OPTIONS,
  async (t) => {
    const lab = labOf(t);
    lab.addSwitch('office');
    lab.addSwitch('storage');
    const machines = [1, 2, 3, 4, 5].map((seed) => {
      const machine = lab.addMachine(`n${seed}`, [
        { to: 'office', address: `10.77.0.${seed}/24` },
        { to: 'storage', address: `192.168.5.${seed}/24` },
      ]);
      // The same on every machine, as the engines have it.
      machine.addContainerBridge('172.17.0.1/16');
      return machine;
    });
    const nodes = startAll(machines, (seed) => ({ seed, listen: LISTEN, discover: [] }));
    await until(() => nodes.every((node) => connectedPeers(node).size === 4));
    const ready = Math.max(...nodes.map(({ events }) => events[0]?.at ?? 0));
    const complete = Math.max(...nodes.map(lastConnect));
    t.diagnostic(`full mesh ${complete - ready} ms after the last node was ready`);
    const addresses = nodes.flatMap(({ events }) => events.flatMap((event) => event.addresses ?? []));
    assert.deepEqual(
      addresses.filter((address) => /\/(172\.17|127)\./.test(address)),
      [],
    );
  },
);

test('nodes of a LAN without DHCP, which have link-local addresses only, find each other', OPTIONS, async (t) => {
  const lab = labOf(t);
  lab.addSwitch('lan');
  const machines = [1, 2, 3].map((seed) =>
    lab.addMachine(`n${seed}`, [{ to: 'lan', address: `169.254.7.${seed}/16` }]),
  );
  const nodes = startAll(machines, (seed) => ({ seed, listen: LISTEN, discover: [] }));
  await until(() => nodes.every((node) => connectedPeers(node).size === 2));
});

test('nodes that nobody gave any address find each other by what IPv6 gives every interface', OPTIONS, async (t) => {
  const lab = labOf(t);
  lab.addSwitch('lan');
  lab.addSwitch('storage');
  const machines = [1, 2, 3].map((seed) => lab.addMachine(`n${seed}`, [{ to: 'lan' }, { to: 'storage' }]));
  const nodes = startAll(machines, (seed) => ({ seed, listen: LISTEN, discover: [] }));
  await until(() => nodes.every((node) => connectedPeers(node).size === 2));
  const dialled = nodes.flatMap(({ events }) => events.flatMap(({ address = '' }) => address));
  assert.ok(dialled.some((address) => address.startsWith('/ip6zone/eth')));
});

test('an interface that comes later is used', OPTIONS, async (t) => {
  const lab = labOf(t);
  lab.addSwitch('lan');
  const machines = [1, 2].map((seed) => lab.addMachine(`n${seed}`, [{ to: 'lan', address: `10.77.0.${seed}/24` }]));
  machines[1]?.setLink('down');
  const nodes = startAll(machines, (seed) => ({ seed, listen: LISTEN, discover: [] }));
  await until(() => nodes.every(({ events }) => events.length > 0));
  machines[1]?.setLink('up');
  await until(() => nodes.every((node) => connectedPeers(node).size === 1));
});

test('the shared host name leads a client of the network to a node', OPTIONS, async (t) => {
  const lab = labOf(t);
  lab.addSwitch('lan');
  const machine = lab.addMachine('n1', [{ to: 'lan', address: '10.77.0.1/24' }]);
  const client = lab.addMachine('client', [{ to: 'lan', address: '10.77.0.9/24' }]);
  const [node] = startAll([machine], (seed) => ({ seed, listen: LISTEN, discover: [], hostPort: 2402 }));
  await until(() => (node?.events.length ?? 0) > 0);
  const child = client.spawn(process.execPath, [RESOLVER, '10.77.0.9', 'flowmesh.local'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  assert.ok(child.stdout);
  const [line] = await once(createInterface(child.stdout), 'line');
  assert.equal(line, '10.77.0.1');
});

function labOf(t: TestContext): NetworkLab {
  const lab = new NetworkLab();
  t.after(() => lab.close());
  return lab;
}

function startAll(
  machines: readonly Machine[],
  optionsOf: (seed: number) => Omit<ProcessOptions, 'members'>,
): Running[] {
  const peers = machines.map((_, index) => identityFromSeed(new Uint8Array(32).fill(index + 1)).peer);
  return machines.map((machine, index) => {
    const options: ProcessOptions = { ...optionsOf(index + 1), members: peers };
    const child = machine.spawn(process.execPath, [SCRIPT, JSON.stringify(options)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const events: Event[] = [];
    if (child.stdout) createInterface(child.stdout).on('line', (line) => void events.push(JSON.parse(line)));
    return { peer: peers[index] ?? '', events };
  });
}

function connectedPeers({ events }: Running): Set<string> {
  return new Set(events.flatMap(({ connected }) => (connected === undefined ? [] : [connected])));
}

function lastConnect({ events }: Running): number {
  return Math.max(...events.map(({ connected, at }) => (connected === undefined ? 0 : at)));
}
