// Discovery on a network in memory: what is sent when, what is believed, what is withdrawn.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Answer, decode, encode, type Packet } from 'dns-packet';
import { announceRule, lanInterfaces } from '../../../src/mesh/discovery/lan-interfaces.ts';
import { DISCOVERY } from '../../../src/mesh/discovery/limits.ts';
import { MdnsDiscovery, type MdnsDiscoveryOptions } from '../../../src/mesh/discovery/mdns-discovery.ts';
import { MulticastDns } from '../../../src/mesh/discovery/multicast-dns.ts';
import { identityFromSeed } from '../../../src/mesh/identity.ts';
import type { NetworkInterface, PeerHint } from '../../../src/ports.ts';
import { FakeLan, lanInterface } from '../../support/fake-lan.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { seededRandom } from '../../support/seeded-random.ts';
import { silentLogger } from '../../support/transports.ts';

const PEER_A = identityFromSeed(new Uint8Array(32).fill(1)).peer;
const PEER_B = identityFromSeed(new Uint8Array(32).fill(2)).peer;

class Node {
  readonly hints: PeerHint[] = [];
  readonly discovery: MdnsDiscovery;
  readonly interfaces: NetworkInterface[];

  constructor(
    lan: FakeLan,
    clock: ManualClock,
    seed: number,
    interfaces: NetworkInterface[],
    options: Partial<MdnsDiscoveryOptions> = {},
  ) {
    this.interfaces = interfaces;
    const peer = identityFromSeed(new Uint8Array(32).fill(seed)).peer;
    this.discovery = new MdnsDiscovery(
      { network: lan.machine(interfaces), clock, random: seededRandom(seed), logger: silentLogger },
      { interfaces: [], meshTag: () => 'blue', ...options },
    );
    const hosts = (): string[] => interfaces.flatMap(({ addresses }) => addresses.map(({ host }) => host));
    this.discovery.start(
      {
        peer,
        listen: ['/ip4/0.0.0.0/tcp/2403'],
        addresses: () => hosts().map((host) => `/ip4/${host}/tcp/2403/p2p/${peer}`),
      },
      (hint) => void this.hints.push(hint),
    );
  }
}

test('two nodes find each other as soon as the second one comes', async () => {
  const lan = new FakeLan();
  const clock = new ManualClock();
  const first = new Node(lan, clock, 1, [lanInterface('eth0', '10.0.0.1')]);
  await settled();
  const second = new Node(lan, clock, 2, [lanInterface('eth0', '10.0.0.2')]);
  await settled();
  assert.deepEqual(first.hints, [
    { peer: PEER_B, addresses: [`/ip4/10.0.0.2/tcp/2403/p2p/${PEER_B}`], meshTag: 'blue' },
  ]);
  clock.advance(DISCOVERY.answerSpacingMs);
  await settled();
  assert.deepEqual(second.hints, [
    { peer: PEER_A, addresses: [`/ip4/10.0.0.1/tcp/2403/p2p/${PEER_A}`], meshTag: 'blue' },
  ]);
});

test('on each network only its own addresses are told', async () => {
  const lan = new FakeLan();
  const clock = new ManualClock();
  const interfaces = [
    lanInterface('eth0', '10.0.0.1'),
    lanInterface('wlan0', '192.168.1.1'),
    lanInterface('docker0', '172.17.0.1'),
  ];
  new Node(lan, clock, 1, interfaces);
  await settled();
  const told = lan.sent.flatMap(({ from, message }) =>
    textsIn(decode(Buffer.from(message))).map((text) => `${from} ${text}`),
  );
  assert.deepEqual(
    told.filter((text) => text.includes('dnsaddr')),
    [
      `10.0.0.1 dnsaddr=/ip4/10.0.0.1/tcp/2403/p2p/${PEER_A}`,
      `192.168.1.1 dnsaddr=/ip4/192.168.1.1/tcp/2403/p2p/${PEER_A}`,
    ],
  );
});

test('a stock libp2p node understands our answer, and we understand its', async () => {
  const lan = new FakeLan();
  const clock = new ManualClock();
  const heard: Packet[] = [];
  const stock = lan.outsider('eth0', '10.0.0.9', (message) => void heard.push(decode(Buffer.from(message))));
  const node = new Node(lan, clock, 1, [lanInterface('eth0', '10.0.0.1')]);
  await settled();
  heard.length = 0;
  // As @libp2p/mdns writes them: a question with nothing else; an answer with the TXT record among the answers.
  stock.send(encode({ type: 'query', questions: [{ name: '_p2p._udp.local', type: 'PTR' }] }));
  await settled();
  clock.advance(DISCOVERY.answerSpacingMs);
  await settled();
  const answer = heard.find(({ type }) => type === 'response');
  const pointer = answer?.answers?.[0];
  assert.ok(pointer?.type === 'PTR');
  assert.match(pointer.data, /^[0-9a-f]{32}\._p2p\._udp\.local$/);
  const text = answer?.additionals?.[0];
  assert.deepEqual([text?.name, text?.type], [pointer.data, 'TXT']);
  assert.ok(answer && textsIn(answer).includes(`dnsaddr=/ip4/10.0.0.1/tcp/2403/p2p/${PEER_A}`));
  const address = `/ip4/10.0.0.9/tcp/4001/p2p/${PEER_B}`;
  stock.send(
    encode({
      type: 'response',
      answers: [
        { name: '_p2p._udp.local', type: 'PTR', class: 'IN', ttl: 120, data: 'abc._p2p._udp.local' },
        { name: 'abc._p2p._udp.local', type: 'TXT', class: 'IN', ttl: 120, data: [`dnsaddr=${address}`] },
      ],
    }),
  );
  await settled();
  assert.deepEqual(node.hints, [{ peer: PEER_B, addresses: [address] }]);
});

test('who is known already is not asked to answer again', async () => {
  const lan = new FakeLan();
  const clock = new ManualClock();
  new Node(lan, clock, 1, [lanInterface('eth0', '10.0.0.1')]);
  new Node(lan, clock, 2, [lanInterface('eth0', '10.0.0.2')]);
  await settled();
  clock.advance(DISCOVERY.answerSpacingMs);
  await settled();
  lan.sent.length = 0;
  // Two rounds of questions.
  clock.advance(1_000);
  await settled();
  clock.advance(DISCOVERY.answerSpacingMs);
  await settled();
  const types = lan.sent.map(({ message }) => decode(Buffer.from(message)).type);
  assert.ok(types.length > 0);
  assert.deepEqual(new Set(types), new Set(['query']));
});

test('of nodes that know the same, one asks for all', async () => {
  const lan = new FakeLan();
  const clock = new ManualClock();
  for (const number of [1, 2, 3, 4]) new Node(lan, clock, number, [lanInterface('eth0', `10.0.0.${number}`)]);
  const pass = async (seconds: number): Promise<void> => {
    for (let step = 0; step < seconds * 4; step += 1) {
      clock.advance(250);
      await settled();
    }
  };
  await pass(30);
  lan.sent.length = 0;
  const minutes = 10;
  await pass(minutes * 60);
  const questions = lan.sent.filter(({ message }) => decode(Buffer.from(message)).type === 'query').length;
  // Each of the four would ask four times a minute; together they ask at most as often as one would at its quickest.
  assert.ok(questions <= minutes * 8, `${questions} questions`);
  assert.ok(questions >= minutes * 2, `${questions} questions`);
});

test('who knows somebody less than the one that asks, asks as well', async () => {
  const lan = new FakeLan();
  const clock = new ManualClock();
  new Node(lan, clock, 1, [lanInterface('eth0', '10.0.0.1')]);
  await settled();
  clock.advance(10_000);
  await settled();
  const asking = lan.outsider('eth0', '10.0.0.9', () => undefined);
  lan.sent.length = 0;
  const question = { name: '_p2p._udp.local', type: 'PTR' } as const;
  const stranger = { ...question, ttl: 120, data: 'somebody._p2p._udp.local' };
  for (let second = 0; second < 60; second += 1) {
    asking.send(encode({ type: 'query', questions: [question], answers: [stranger] }));
    await settled();
    clock.advance(1_000);
    await settled();
  }
  const asked = lan.sent.filter(
    ({ from, message }) => from === '10.0.0.1' && decode(Buffer.from(message)).type === 'query',
  );
  assert.ok(asked.length >= 2, `${asked.length} questions`);
});

test('a hundred questions at once get one answer', async () => {
  const lan = new FakeLan();
  const clock = new ManualClock();
  new Node(lan, clock, 1, [lanInterface('eth0', '10.0.0.1')]);
  await settled();
  clock.advance(10_000);
  await settled();
  lan.sent.length = 0;
  const asking = lan.outsider('eth0', '10.0.0.9', () => undefined);
  for (let count = 0; count < 100; count += 1) {
    asking.send(encode({ type: 'query', questions: [{ name: '_p2p._udp.local', type: 'PTR' }] }));
  }
  await settled();
  clock.advance(DISCOVERY.answerSpacingMs);
  await settled();
  const answers = lan.sent.filter(
    ({ from, message }) => from === '10.0.0.1' && decode(Buffer.from(message)).type === 'response',
  );
  assert.equal(answers.length, 1);
});

test('hostile packets are passed over', async () => {
  const lan = new FakeLan();
  const clock = new ManualClock();
  const node = new Node(lan, clock, 1, [lanInterface('eth0', '10.0.0.1')]);
  await settled();
  const hostile = lan.outsider('eth0', '10.0.0.9', () => undefined);
  const text = (data: string[]): Uint8Array =>
    encode({ type: 'response', answers: [{ name: 'x._p2p._udp.local', type: 'TXT', ttl: 1, data }] });
  hostile.send(Buffer.from('no packet at all'));
  hostile.send(Buffer.alloc(DISCOVERY.receivedBytesMax + 1));
  hostile.send(text(['dnsaddr=/ip4/1.2.3.4/tcp/1/p2p/12D3KooWnotAPeer']));
  hostile.send(text([`dnsaddr=/unix/etc/passwd/p2p/${PEER_B}`]));
  hostile.send(text([`dnsaddr=/ip4/1.2.3.4/tcp/1/p2p/${PEER_B}`, `dnsaddr=/ip4/1.2.3.4/tcp/1/p2p/${PEER_A}`]));
  // A name that points to itself, which a careless reader follows forever.
  hostile.send(Buffer.from('000084000000000100000000c00c0010000100000001000100', 'hex'));
  await settled();
  assert.deepEqual(node.hints, []);
});

test('a flood of peers is told of in small doses', async () => {
  const lan = new FakeLan();
  const clock = new ManualClock();
  const node = new Node(lan, clock, 1, [lanInterface('eth0', '10.0.0.1')]);
  await settled();
  const hostile = lan.outsider('eth0', '10.0.0.9', () => undefined);
  for (let count = 0; count < 150; count += 1) {
    const data = [`dnsaddr=/ip4/10.0.0.${count}/tcp/1/p2p/${PEER_B}`];
    hostile.send(
      encode({ type: 'response', answers: [{ name: `n${count}._p2p._udp.local`, type: 'TXT', ttl: 1, data }] }),
    );
  }
  await settled();
  assert.equal(node.hints.length, DISCOVERY.hintsPerSecond);
});

test('an interface that comes is announced on at once, and one that goes is left', async () => {
  const lan = new FakeLan();
  const clock = new ManualClock();
  const node = new Node(lan, clock, 1, [lanInterface('eth0', '10.0.0.1')]);
  await settled();
  lan.sent.length = 0;
  node.interfaces.splice(0, 1, lanInterface('eth1', '10.1.0.1'));
  clock.advance(DISCOVERY.interfacePollMs);
  await settled();
  const [answer] = lan.sent.filter(({ from }) => from === '10.1.0.1');
  assert.equal(answer && decode(Buffer.from(answer.message)).type, 'response');
  lan.sent.length = 0;
  clock.advance(60_000);
  await settled();
  assert.deepEqual(new Set(lan.sent.map(({ from }) => from)), new Set(['10.1.0.1']));
});

test('an interface that cannot send is tried again more and more seldom, and told of once', async () => {
  const clock = new ManualClock();
  const begin = clock.elapsed();
  const openedAt: number[] = [];
  const told: string[] = [];
  const links = new MulticastDns(
    {
      interfaces: () => [lanInterface('eth0', '10.0.0.1')],
      open: async (_interface, _group, { onError }) => {
        openedAt.push((clock.elapsed() - begin) / 1_000);
        return { send: () => onError(new Error('no route')), close: () => undefined };
      },
    },
    [],
    clock,
    { ...silentLogger, info: (_fields, message) => void told.push(message) },
  );
  links.start({ onPacket: () => undefined, onLink: (link) => link.send({ type: 'query' }) });
  for (let second = 0; second < 200; second += 1) {
    await settled();
    clock.advance(1_000);
  }
  links.stop();
  assert.deepEqual(openedAt, [0, 2, 6, 14, 30, 62, 122, 182]);
  assert.deepEqual(told, ['Discovery uses an interface']);
});

test('the shared host name leads to a node until it leaves', async () => {
  const lan = new FakeLan();
  const clock = new ManualClock();
  const node = new Node(lan, clock, 1, [lanInterface('eth0', '10.0.0.1')], {
    host: { name: 'Kitchen Pi', port: 2402 },
  });
  await settled();
  const heard: Packet[] = [];
  const client = lan.outsider('eth0', '10.0.0.9', (message) => void heard.push(decode(Buffer.from(message))));
  client.send(encode({ type: 'query', questions: [{ name: 'FlowMesh.local', type: 'A' }] }));
  await settled();
  assert.deepEqual(heard[0]?.answers?.map(told), ['flowmesh.local A 10 10.0.0.1']);
  client.send(encode({ type: 'query', questions: [{ name: '_flowmesh._tcp.local', type: 'PTR' }] }));
  await settled();
  assert.deepEqual(heard[1]?.answers?.map(told), ['_flowmesh._tcp.local PTR 10 kitchen-pi._flowmesh._tcp.local']);
  assert.deepEqual(heard[1]?.additionals?.map(told), [
    'flowmesh.local A 10 10.0.0.1',
    'kitchen-pi.flowmesh.local A 10 10.0.0.1',
    'kitchen-pi._flowmesh._tcp.local SRV 10 kitchen-pi.flowmesh.local:2402',
    'kitchen-pi._flowmesh._tcp.local TXT 10 path=/v1',
  ]);
  node.discovery.withdrawHost();
  await settled();
  assert.ok(heard[2]?.answers?.map(told).includes('flowmesh.local A 0 10.0.0.1'));
  client.send(encode({ type: 'query', questions: [{ name: 'flowmesh.local', type: 'A' }] }));
  await settled();
  assert.equal(heard.length, 3);
});

test('a resolver that asks once is answered directly, with its own number', async () => {
  const lan = new FakeLan();
  const clock = new ManualClock();
  new Node(lan, clock, 1, [lanInterface('eth0', '10.0.0.1')], { host: { name: 'pi', port: 2402 } });
  await settled();
  const heard: Packet[] = [];
  const resolver = lan.outsider('eth0', '10.0.0.9', (message) => void heard.push(decode(Buffer.from(message))), 40_000);
  resolver.send(encode({ type: 'query', id: 77, questions: [{ name: 'flowmesh.local', type: 'A' }] }));
  await settled();
  assert.deepEqual([heard[0]?.id, heard[0]?.answers?.map(told)], [77, ['flowmesh.local A 10 10.0.0.1']]);
});

test('without a host name nothing answers for it', async () => {
  const lan = new FakeLan();
  const clock = new ManualClock();
  new Node(lan, clock, 1, [lanInterface('eth0', '10.0.0.1')]);
  await settled();
  lan.sent.length = 0;
  const client = lan.outsider('eth0', '10.0.0.9', () => undefined);
  client.send(encode({ type: 'query', questions: [{ name: 'flowmesh.local', type: 'A' }] }));
  await settled();
  assert.deepEqual(
    lan.sent.map(({ from }) => from),
    ['10.0.0.9'],
  );
});

test('after stopping, a node is silent', async () => {
  const lan = new FakeLan();
  const clock = new ManualClock();
  const node = new Node(lan, clock, 1, [lanInterface('eth0', '10.0.0.1')]);
  await settled();
  await node.discovery.stop();
  lan.sent.length = 0;
  clock.advance(120_000);
  await settled();
  assert.deepEqual([lan.sent, clock.timerCount], [[], 0]);
});

test('bridges of containers are no LAN, unless they are chosen by name', () => {
  const names = [
    'lo',
    'eth0',
    'wlan0',
    'br0',
    'docker0',
    'br-1f2e3d',
    'veth12',
    'virbr0',
    'cni0',
    'flannel.1',
    'podman0',
  ];
  const network = new FakeLan().machine(
    names.map((name, index) => lanInterface(name, `10.0.${index}.1`, name === 'lo')),
  );
  const chosen = (interfaces: string[]): string[] => lanInterfaces(network, interfaces).map(({ name }) => name);
  assert.deepEqual(chosen([]), ['eth0', 'wlan0', 'br0']);
  assert.deepEqual(chosen(['lo', 'docker0']), ['lo', 'docker0']);
  const isAnnounced = announceRule(network, []);
  assert.deepEqual(['10.0.1.1', '10.0.4.1', '203.0.113.7'].map(isAnnounced), [true, false, true]);
});

/** Lets sockets open and packets arrive. */
function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5));
}

function textsIn({ answers = [], additionals = [] }: Packet): string[] {
  return [...answers, ...additionals].flatMap((record) =>
    record.type === 'TXT' ? [record.data].flat().map(String) : [],
  );
}

function told(record: Answer): string {
  const data =
    record.type === 'SRV' ? `${record.data.target}:${record.data.port}` : String('data' in record ? record.data : '');
  return `${record.name} ${record.type} ${'ttl' in record ? record.ttl : ''} ${data}`;
}
