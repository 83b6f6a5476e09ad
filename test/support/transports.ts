// Real transports on loopback, as many as a test asks for, with handlers that record what they were told.

import type { TestContext } from 'node:test';
import { identityFromSeed } from '../../src/mesh/identity.ts';
import {
  createLibp2pTransport,
  type Discovery,
  type Libp2pTransport,
  type Libp2pTransportOptions,
} from '../../src/mesh/libp2p/libp2p-transport.ts';
import type {
  Clock,
  IncomingMeshRequest,
  LogFields,
  Logger,
  MeshResponse,
  PeerConnection,
  PeerHint,
  PeerId,
  TransportHandlers,
} from '../../src/ports.ts';
import { streamHttpClient } from '../../src/system/stream-http-client.ts';
import { systemClock } from '../../src/system/system-clock.ts';

export const TOPICS = ['heartbeat', 'changes'] as const;
export const LOOPBACK = '/ip4/127.0.0.1/tcp/0';

export const silentLogger: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };

function ignore(_fields: LogFields, _message: string): void {
  // Tests read what the handlers were told, not logs.
}

export interface TestTransport {
  readonly transport: Libp2pTransport;
  readonly peer: PeerId;
  readonly seed: Uint8Array;
  readonly members: Set<PeerId>;
  readonly connects: PeerConnection[];
  readonly disconnects: PeerId[];
  readonly broadcasts: { readonly topic: string; readonly from: PeerId; readonly text: string }[];
  readonly hints: PeerHint[];
  /** How requests are answered; a test replaces them. */
  onRequest: (request: IncomingMeshRequest) => Promise<MeshResponse>;
  onStranger: (request: IncomingMeshRequest) => Promise<MeshResponse>;
}

export type TestTransportOptions = Partial<Libp2pTransportOptions> & {
  readonly clock?: Clock;
  readonly discovery?: Discovery;
};

/** Not started; knows no members. */
export async function createTestTransport(
  seedNumber: number,
  { clock = systemClock, discovery, ...options }: TestTransportOptions = {},
): Promise<TestTransport> {
  const seed = new Uint8Array(32).fill(seedNumber);
  const transport = await createLibp2pTransport(
    { clock, logger: silentLogger, openHttpClient: streamHttpClient, discovery },
    {
      privateKey: seed,
      listen: [LOOPBACK],
      topics: TOPICS,
      requestBodyBytesMax: 64 * 2 ** 20,
      ...options,
    },
  );
  return {
    transport,
    peer: identityFromSeed(seed).peer,
    seed,
    members: new Set(),
    connects: [],
    disconnects: [],
    broadcasts: [],
    hints: [],
    onRequest: () => Promise.resolve(answer('hello')),
    onStranger: () => Promise.resolve(answer('who are you?')),
  };
}

export function handlersOf(node: TestTransport): TransportHandlers {
  return {
    isMember: (peer) => node.members.has(peer),
    onConnect: (connection) => void node.connects.push(connection),
    onDisconnect: (peer) => void node.disconnects.push(peer),
    onRequest: (request) => node.onRequest(request),
    onStranger: (request) => node.onStranger(request),
    onBroadcast: (topic, from, message) =>
      void node.broadcasts.push({ topic, from, text: Buffer.from(message).toString() }),
    onDiscover: (hint) => void node.hints.push(hint),
  };
}

/** Started and members of one another, not yet connected; stopped when the test ends. */
export async function startTransports(
  context: TestContext,
  count: number,
  options: TestTransportOptions = {},
): Promise<readonly TestTransport[]> {
  const nodes = await Promise.all(Array.from({ length: count }, (_, index) => createTestTransport(index + 1, options)));
  for (const node of nodes) for (const { peer } of nodes) node.members.add(peer);
  for (const node of nodes) await startTransport(context, node);
  return nodes;
}

export async function startTransport(context: TestContext, node: TestTransport): Promise<void> {
  await node.transport.start(handlersOf(node));
  context.after(() => node.transport.stop());
}

export async function connect(from: TestTransport, to: TestTransport): Promise<void> {
  await from.transport.dial(to.transport.addresses(), to.peer, new AbortController().signal);
  // The dialled side finishes its half of the handshake a moment later.
  await until(() => to.transport.connections().some(({ peer }) => peer === from.peer));
}

export function answer(text: string, status = 200): MeshResponse {
  return { status, headers: { 'content-type': 'text/plain' }, body: bytesOf(text) };
}

async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

export async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** Waits for something that comes by itself; the test's own timeout ends a wait in vain. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}
