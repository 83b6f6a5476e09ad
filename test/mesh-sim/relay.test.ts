// The switch in user space, with real packets between network namespaces.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { type Machine, NetworkLab, namespacesMissing } from '../../mesh-sim/real/namespaces.ts';
import { RelaySwitch, relayMissing } from '../../mesh-sim/real/relay-switch.ts';

const SKIP = namespacesMissing() ?? relayMissing();
const OPTIONS = { timeout: 60_000, skip: SKIP ?? false };
const BARE = { delayMs: 0, jitterMs: 0, lossRate: 0 };
const BYTES = 300_000;

/** Sends back what it is sent, as datagrams and in streams. */
const ECHO = `
require('node:net').createServer((socket) => socket.pipe(socket)).listen(7);
const datagrams = require('node:dgram').createSocket('udp4');
datagrams.on('message', (bytes, { port, address }) => datagrams.send(bytes, port, address));
datagrams.bind(7, () => console.log('ready'));
`;

/** Says how many datagrams of ten came back within half a second after the last one. */
const DATAGRAMS = (address: string): string => `
const socket = require('node:dgram').createSocket('udp4');
let back = 0;
socket.on('message', () => { back += 1; });
const startedAt = performance.now();
socket.once('message', () => { first = performance.now() - startedAt; });
let first = 0;
for (let sent = 0; sent < 10; sent += 1) socket.send('hello', 7, '${address}');
setTimeout(() => { console.log(JSON.stringify({ back, first })); process.exit(); }, 1500);
`;

/** Says how many bytes came back, all of them as they were sent. */
const STREAM = (address: string): string => `
const socket = require('node:net').connect(7, '${address}');
const sent = Buffer.alloc(${BYTES}, 'abcdefg');
const chunks = [];
socket.on('data', (chunk) => chunks.push(chunk)).on('end', () => {
  console.log(JSON.stringify({ isSame: Buffer.concat(chunks).equals(sent) }));
});
socket.end(sent);
`;

let lab: NetworkLab;
let relay: RelaySwitch;
let machines: readonly Machine[] = [];

async function saidBy(machine: Machine, script: string): Promise<string> {
  const child = machine.spawn(process.execPath, ['--eval', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  assert.ok(child.stdout);
  const [line] = await once(child.stdout.setEncoding('utf8'), 'data');
  return String(line);
}

async function datagrams(from: number, to: number): Promise<{ readonly back: number; readonly first: number }> {
  const machine = machines[from];
  assert.ok(machine);
  return JSON.parse(await saidBy(machine, DATAGRAMS(`10.77.0.${to + 1}`)));
}

before(async () => {
  if (SKIP) return;
  lab = new NetworkLab();
  relay = new RelaySwitch(lab, 3);
  machines = [0, 1, 2].map((node) => {
    const machine = lab.addMachine(`m${node}`, []);
    relay.plug(machine, 'eth0', `10.77.0.${node + 1}/24`);
    return machine;
  });
  await relay.ready;
  for (const machine of machines) assert.equal(await saidBy(machine, ECHO), 'ready\n');
});

after(() => lab?.close());

test('packets arrive whole, and each where it is sent to', OPTIONS, async () => {
  const [first] = machines;
  assert.ok(first);
  assert.equal((await datagrams(0, 1)).back, 10);
  assert.deepEqual(JSON.parse(await saidBy(first, STREAM('10.77.0.3'))), { isSame: true });
});

test('a cut stops every packet of its direction, and nothing else', OPTIONS, async () => {
  relay.setCut(new Set(['0>1', '1>0', '2>0']));
  assert.equal((await datagrams(0, 1)).back, 0);
  assert.equal((await datagrams(2, 1)).back, 10);
  // What 0 sends to 2 arrives; the answer does not.
  assert.equal((await datagrams(0, 2)).back, 0);
  relay.setCut(new Set());
  assert.equal((await datagrams(0, 1)).back, 10);
});

test('a machine without power is reached by nobody', OPTIONS, async () => {
  relay.setPower(1, false);
  assert.equal((await datagrams(0, 1)).back, 0);
  assert.equal((await datagrams(0, 2)).back, 10);
  relay.setPower(1, true);
  assert.equal((await datagrams(0, 1)).back, 10);
});

test('a slow link delays both ways, a lossy one loses, a narrow one drops what waits too long', OPTIONS, async () => {
  relay.setLink({ ...BARE, delayMs: 100 });
  const { back, first } = await datagrams(0, 1);
  assert.equal(back, 10);
  // Timers may be a millisecond early.
  assert.ok(first >= 198, String(first));
  relay.setLink({ ...BARE, lossRate: 1 });
  assert.equal((await datagrams(0, 1)).back, 0);
  // A datagram of 47 bytes takes 3.8 s.
  relay.setLink({ ...BARE, bitsPerSecond: 100 });
  assert.equal((await datagrams(0, 1)).back, 0);
  relay.setLink({ ...BARE, duplicationRate: 1 });
  assert.equal((await datagrams(0, 1)).back, 40);
});
