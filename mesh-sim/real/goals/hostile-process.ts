// Somebody who means no good, as a process of its own that speaks libp2p without any of our manners. It is told whom to
// attack by one JSON argument, and writes what each attack has brought as a line of JSON.

import { connect } from 'node:net';
import { noise } from '@chainsafe/libp2p-noise';
import { privateKeyFromRaw } from '@libp2p/crypto/keys';
import { identify } from '@libp2p/identify';
import type { Connection, Libp2p, Stream } from '@libp2p/interface';
import { tcp } from '@libp2p/tcp';
import { yamux } from '@libp2p/yamux';
import { multiaddr } from '@multiformats/multiaddr';
import { createLibp2p } from 'libp2p';
import { identityFromSeed } from '../../../src/mesh/identity.ts';
import { parseInvite } from '../../../src/mesh/invite.ts';
import { JOIN_PATHS } from '../../../src/mesh/join-desk.ts';
import { joinMesh } from '../../../src/mesh/join-mesh.ts';
import { createLibp2pTransport } from '../../../src/mesh/libp2p/libp2p-transport.ts';
import { PROTOCOL } from '../../../src/mesh/libp2p/limits.ts';
import { publicKeyIn } from '../../../src/mesh/peer-id.ts';
import { readJson } from '../../../src/mesh/wire.ts';
import type { MeshRequest } from '../../../src/ports.ts';
import { streamHttpClient } from '../../../src/system/stream-http-client.ts';
import { systemClock } from '../../../src/system/system-clock.ts';
import { systemRandom } from '../../../src/system/system-random.ts';

export interface HostileOptions {
  readonly attack: keyof typeof ATTACKS;
  readonly host: string;
  readonly port: number;
  /** Of the node that is attacked. */
  readonly peer: string;
  /** Whose heartbeats are forged. */
  readonly victim?: string;
  /** The raw key of a member, in hex: stolen, or of one that was one of them all along. */
  readonly seed?: string;
  readonly invite?: string;
  /** Of a client of the gateway. */
  readonly requestBody?: string;
  readonly bearer?: string;
}

export type HostileReport = Readonly<Record<string, number | boolean | string>>;

const GOSSIP = '/meshsub/1.2.0';
const HEARTBEAT_TOPIC = 'flowmesh/heartbeat';
/** What a member answers and a stranger should not get. */
const PROTOCOLS = ['/ipfs/id/1.0.0', '/ipfs/ping/1.0.0', GOSSIP, PROTOCOL.directory, PROTOCOL.request];
const CONNECTIONS = 10_000;
const TOGETHER = 200;
const PATIENCE_MS = 2_000;
const UNREAD = 50;
const UNREAD_MS = 45_000;
/** Three heartbeats of a node that idles. */
const RECORDING_MS = 20_000;

const ATTACKS = { flood, stranger, oversized, join, replayJoin, forge, unread };

const options: HostileOptions = JSON.parse(process.argv[2] ?? '{}');
const report = await ATTACKS[options.attack]();
process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit());

/** Ten thousand connections from one machine: rubbish, half-open handshakes, and silence. */
async function flood(): Promise<HostileReport> {
  let opened = 0;
  let begun = 0;
  const one = (number: number): Promise<void> =>
    new Promise((resolve) => {
      const socket = connect(options.port, options.host, () => {
        opened += 1;
        if (number % 3 === 0) socket.write(systemRandom.bytes(4_096));
        if (number % 3 === 1) socket.write('\x13/multistream/1.0.0\n\x07/noise\n');
      });
      socket.resume();
      socket.setTimeout(300, () => socket.destroy());
      socket.on('error', () => socket.destroy());
      socket.once('close', resolve);
    });
  const worker = async (): Promise<void> => {
    while (begun < CONNECTIONS) {
      begun += 1;
      await one(begun);
    }
  };
  await Promise.all(Array.from({ length: TOGETHER }, worker));
  return { attempts: begun, opened };
}

/** Clients that ask for streams without end and read nothing of them. */
async function unread(): Promise<HostileReport> {
  const { host, port, requestBody = '', bearer = '' } = options;
  const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${bearer}\r\n`;
  const request = `${head}content-type: application/json\r\ncontent-length: ${Buffer.byteLength(requestBody)}\r\n\r\n${requestBody}`;
  const sockets = Array.from({ length: UNREAD }, () => connect(port, host).pause());
  for (const socket of sockets) socket.write(request);
  await systemClock.sleep(UNREAD_MS);
  return { open: sockets.filter(({ destroyed }) => !destroyed).length };
}

/** With a key of its own: is anything to be had but the join protocol? */
async function stranger(): Promise<HostileReport> {
  const node = await client(systemRandom.bytes(32));
  const connection = await dial(node);
  let bytes = 0;
  let answered = 0;
  for (const protocol of PROTOCOLS) {
    const got = await spoken(connection, protocol, subscription());
    bytes += got;
    if (got > 0) answered += 1;
  }
  const endedAt = systemClock.elapsed() + 12_000;
  while (connection.status === 'open' && systemClock.elapsed() < endedAt) await systemClock.sleep(100);
  return { answered, bytes, isStillOpen: connection.status === 'open' };
}

/** A body and a frame far beyond what a stranger may send. */
async function oversized(): Promise<HostileReport> {
  const node = await client(systemRandom.bytes(32));
  const connection = await dial(node);
  const stream = await connection.newStream(PROTOCOL.join);
  let sent = 0;
  const head = `POST ${JOIN_PATHS.introduce} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000000\r\n\r\n`;
  try {
    stream.send(Buffer.from(head));
    const endedAt = systemClock.elapsed() + PATIENCE_MS;
    while (stream.status === 'open' && systemClock.elapsed() < endedAt) {
      if (stream.send(Buffer.alloc(16 * 1_024))) sent += 16 * 1_024;
      await systemClock.sleep(1);
    }
  } catch {
    // Cut off, as it should be.
  }
  return { sentBytes: sent, isStillOpen: connection.status === 'open' };
}

/** Uses an invite, as often as it is told to. */
async function join(): Promise<HostileReport> {
  const { isIn, reason } = await joining(async () => undefined);
  return { isIn, reason };
}

/** Joins, and says the words that brought it in once more: as itself, and as somebody else. */
async function replayJoin(): Promise<HostileReport> {
  const words: MeshRequest[] = [];
  const first = await joining(async (request) => {
    words.push(request);
  });
  let accepted = 0;
  for (const seed of [first.seed, systemRandom.bytes(32)]) {
    const transport = await strangerTransport(seed);
    await transport.dial([address()], options.peer, AbortSignal.timeout(8_000));
    for (const { path, headers, body } of words) {
      const response = await transport
        .requestJoin(options.peer, { path, headers, ...(body && { body }) })
        .catch(() => undefined);
      const answer = response?.status === 200 ? await readJson(response.body, 100_000) : undefined;
      if (path === JOIN_PATHS.prove && answer?.content !== undefined) accepted += 1;
    }
    await transport.stop();
  }
  return { isIn: first.isIn, words: words.length, accepted };
}

/** As a member: what another one is supposed to have said, with a signature of one's own, and what it has said once more. */
async function forge(): Promise<HostileReport> {
  const node = await client(Buffer.from(options.seed ?? '', 'hex'));
  const heard: Buffer[] = [];
  await node.handle(GOSSIP, (stream) => {
    stream.addEventListener('message', ({ data }) => heard.push(Buffer.from(data.subarray())));
  });
  const connection = await dial(node);
  const stream = await connection.newStream(GOSSIP);
  stream.send(prefixed(subscription()));
  const genuine = await recorded(heard);
  const forged = { v: 1, i: 99_999_999, n: 1, s: 3, e: 1_000, f: 0, q: 0, c: 1, l: 0, w: 1, d: 'x', m: 'x', p: [] };
  for (let count = 0; count < 50; count += 1) {
    stream.send(prefixed(publication(options.victim ?? '', Buffer.from(`\u0001${JSON.stringify(forged)}`), count)));
    for (const frame of genuine) stream.send(frame);
    stream.send(prefixed(Buffer.concat([field(2, Buffer.alloc(60_000, 'x'))])));
    await systemClock.sleep(20);
  }
  await systemClock.sleep(1_000);
  return { recorded: genuine.length, forged: 50 };
}

/** Some heartbeats as they came. */
async function recorded(frames: readonly Buffer[]): Promise<readonly Buffer[]> {
  for (let waited = 0; waited < RECORDING_MS; waited += 100) {
    const heartbeats = frames.filter((frame) => frame.includes('"w":'));
    if (heartbeats.length >= 3) return heartbeats;
    await systemClock.sleep(100);
  }
  throw new Error('No heartbeat could be recorded.');
}

async function joining(onRequest: (request: MeshRequest) => Promise<void>) {
  const seed = systemRandom.bytes(32);
  const transport = await strangerTransport(seed);
  const invite = parseInvite(options.invite ?? '');
  if (!invite) throw new Error('That is no invite.');
  const recording = Object.create(transport, {
    peer: { value: transport.peer },
    dial: { value: transport.dial.bind(transport) },
    requestJoin: {
      value: async (peer: string, request: MeshRequest) => {
        await onRequest(request);
        return transport.requestJoin(peer, request);
      },
    },
  }) as typeof transport;
  const ports = { transport: recording, clock: systemClock, random: systemRandom, name: 'guest' };
  try {
    await joinMesh({ ...invite, addresses: [address()] }, ports);
    return { seed, isIn: true, reason: '' };
  } catch (error) {
    return { seed, isIn: false, reason: String(error) };
  } finally {
    await transport.stop();
  }
}

async function strangerTransport(seed: Uint8Array) {
  const ignore = (): void => undefined;
  const transport = await createLibp2pTransport(
    {
      clock: systemClock,
      logger: { debug: ignore, info: ignore, warn: ignore, error: ignore },
      openHttpClient: streamHttpClient,
    },
    { privateKey: seed, listen: [], topics: [], requestBodyBytesMax: 100_000 },
  );
  const refuse = () => Promise.reject(new Error('Nothing is served here.'));
  await transport.start({
    isMember: () => false,
    onConnect: ignore,
    onDisconnect: ignore,
    onRequest: refuse,
    onStranger: refuse,
    onBroadcast: ignore,
    onDiscover: ignore,
  });
  return transport;
}

function client(seed: Uint8Array): Promise<Libp2p> {
  const { peer } = identityFromSeed(seed);
  return createLibp2p({
    privateKey: privateKeyFromRaw(Buffer.concat([seed, publicKeyIn(peer) ?? Buffer.alloc(0)])),
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    services: { identify: identify() },
  });
}

function dial(node: Libp2p): Promise<Connection> {
  return node.dial(multiaddr(`${address()}/p2p/${options.peer}`));
}

function address(): string {
  return `/ip4/${options.host}/tcp/${options.port}`;
}

/** How many bytes come back on a stream of this protocol. */
async function spoken(connection: Connection, protocol: string, words: Buffer): Promise<number> {
  let bytes = 0;
  let stream: Stream;
  try {
    stream = await connection.newStream(protocol, { signal: AbortSignal.timeout(PATIENCE_MS) });
    stream.addEventListener('message', ({ data }) => {
      bytes += data.byteLength;
    });
    stream.send(
      protocol === PROTOCOL.request ? Buffer.from('POST /mesh/members HTTP/1.1\r\nhost: x\r\n\r\n') : prefixed(words),
    );
  } catch {
    return 0;
  }
  await systemClock.sleep(500);
  stream.abort(new Error('enough'));
  return bytes;
}

/** Gossip's protocol buffers, by hand: https://github.com/libp2p/specs/blob/master/pubsub/README.md */
function subscription(): Buffer {
  return field(1, Buffer.concat([Buffer.from([0x08, 1]), field(2, Buffer.from(HEARTBEAT_TOPIC))]));
}

function publication(from: string, data: Buffer, number: number): Buffer {
  const id = Buffer.concat([Buffer.from([0, 0x24, 8, 1, 0x12, 0x20]), publicKeyIn(from) ?? Buffer.alloc(32)]);
  const sequence = Buffer.alloc(8);
  sequence.writeUInt32BE(number + 1, 4);
  const signature = systemRandom.bytes(64);
  return field(
    2,
    Buffer.concat([
      field(1, id),
      field(2, data),
      field(3, sequence),
      field(4, Buffer.from(HEARTBEAT_TOPIC)),
      field(5, Buffer.from(signature)),
    ]),
  );
}

function field(number: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(number << 3) | 2]), prefixed(bytes)]);
}

function prefixed(bytes: Buffer): Buffer {
  const length: number[] = [];
  for (let rest = bytes.length; ; rest >>= 7) {
    length.push(rest > 127 ? (rest & 127) | 128 : rest);
    if (rest <= 127) return Buffer.concat([Buffer.from(length), bytes]);
  }
}
