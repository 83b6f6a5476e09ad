// Puts libp2p together: which of its parts, with which bounds. Nothing here knows what the mesh sends.

import { gossipsub } from '@chainsafe/libp2p-gossipsub';
import { noise } from '@chainsafe/libp2p-noise';
import { privateKeyFromRaw } from '@libp2p/crypto/keys';
import { identify, identifyPush } from '@libp2p/identify';
import type { Libp2p, PrivateKey, StreamMiddleware } from '@libp2p/interface';
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht';
import { ping } from '@libp2p/ping';
import { preSharedKey } from '@libp2p/pnet';
import { yamux } from '@libp2p/yamux';
import type { Multiaddr } from '@multiformats/multiaddr';
import { createLibp2p } from 'libp2p';
import type { Identity } from '../identity.ts';
import { publicKeyIn } from '../peer-id.ts';
import type { Gate } from './gate.ts';
import { LIMITS, PROTOCOL } from './limits.ts';
import { quietWindows } from './quiet-windows.ts';
import { zonedTcp } from './zoned-tcp.ts';

export interface Libp2pNodeOptions {
  readonly identity: Identity;
  /** Multiaddrs. */
  readonly listen: readonly string[];
  /** Instead of the addresses of the interfaces, for nodes behind address translation. */
  readonly announce: readonly string[];
  readonly isAnnounced: (address: Multiaddr) => boolean;
  /** An outer shield: who does not have these 32 bytes cannot even begin to talk. Halves throughput. */
  readonly shield: Uint8Array | undefined;
  readonly topics: readonly string[];
  readonly inboundConnectionsPerSecondAndHost: number;
}

export type Services =
  ReturnType<typeof services> extends infer Factories
    ? {
        readonly [Name in keyof Factories]: Factories[Name] extends (components: never) => infer Service
          ? Service
          : never;
      }
    : never;

export type Libp2pNode = Libp2p<Services & Record<string, unknown>>;

export async function createLibp2pNode(options: Libp2pNodeOptions, gate: Gate): Promise<Libp2pNode> {
  quietWindows();
  return createLibp2p({
    start: false,
    privateKey: privateKeyOf(options.identity),
    // Told to members only; which version runs is in the heartbeat.
    nodeInfo: { userAgent: 'flowmesh' },
    addresses: {
      listen: [...options.listen],
      announce: [...options.announce],
      announceFilter: (addresses) => addresses.filter(options.isAnnounced),
    },
    transports: [
      zonedTcp({
        dialOpts: { noDelay: true, keepAlive: true },
        listenOpts: { noDelay: true, keepAlive: true },
      }),
    ],
    connectionEncrypters: [noise()],
    streamMuxers: [
      yamux({
        // Its pings would change nothing: heartbeats say who is there, and windows do not grow.
        enableKeepAlive: false,
        maxInboundStreams: LIMITS.streamsPerPeerMax,
        maxOutboundStreams: LIMITS.streamsPerPeerMax,
        streamOptions: {
          initialStreamWindowSize: LIMITS.streamWindowBytes,
          maxStreamWindowSize: LIMITS.streamWindowBytes,
        },
      }),
    ],
    ...(options.shield && { connectionProtector: preSharedKey({ psk: shieldKey(options.shield) }) }),
    connectionGater: gate,
    // Failure is detected by heartbeats: pings of the transport tear down live streams when this process stalls for 0.7 s.
    connectionMonitor: { enabled: false },
    connectionManager: {
      maxConnections: LIMITS.connectionsMax,
      maxParallelDials: LIMITS.dialsMax,
      addressDialTimeout: LIMITS.dialAddressMs,
      inboundConnectionThreshold: options.inboundConnectionsPerSecondAndHost,
      maxIncomingPendingConnections: LIMITS.pendingInboundMax,
      inboundUpgradeTimeout: LIMITS.inboundUpgradeMs,
      // The mesh redials by itself.
      reconnectRetries: 0,
    },
    services: services(options.topics, gate),
  });
}

/** With its public half: libp2p would derive that in plain JavaScript, which takes 50 ms. */
function privateKeyOf({ seed, peer }: Identity): PrivateKey {
  return privateKeyFromRaw(Buffer.concat([seed, publicKeyIn(peer) ?? NOTHING]));
}

const NOTHING = new Uint8Array();

function services(topics: readonly string[], gate: Gate) {
  return {
    guard: guardStreams(gate),
    // Not on every connection: strangers are not told our addresses and protocols.
    identify: identify({ runOnConnectionOpen: false }),
    identifyPush: identifyPush(),
    // The directory asks it whether a node that fell silent is still there.
    ping: ping(),
    pubsub: gossipsub({
      allowPublishToZeroTopicPeers: true,
      allowedTopics: [...topics],
      globalSignaturePolicy: 'StrictSign',
      emitSelf: false,
      doPX: false,
      // In a full mesh every node gets a broadcast from its origin; these few pass it on to whom the origin cannot reach.
      D: 3,
      Dlo: 2,
      Dhi: 6,
      Dscore: 1,
      Dout: 1,
      // To how many others a node says now and then what it has; a quarter of them where there are many.
      Dlazy: 2,
      heartbeatInterval: LIMITS.gossipUpkeepMs,
      // Of that it tells only the latest: TCP loses nothing, and what a full buffer drops is asked for by digests.
      mcacheGossip: 1,
      mcacheLength: 3,
      // Which message is passed on, and when, is decided by broadcasts.ts.
      asyncValidation: true,
      // To say that one has a heartbeat costs as much as to be sent it once more.
      idontwantMinDataSize: LIMITS.broadcastWorthRefusingBytes,
      // What comes again is known by its origin's number before its signature is checked.
      fastMsgIdFn: ({ from, seqno }) => Buffer.concat([from ?? NOTHING, seqno ?? NOTHING]).toString('base64'),
      maxInboundDataLength: LIMITS.gossipFrameBytesMax,
      maxOutboundBufferSize: LIMITS.gossipBacklogBytesMax,
      // Many nodes of one house share an address, and members are judged by the mesh.
      scoreParams: { IPColocationFactorWeight: 0 },
    }),
    directory: kadDHT({
      protocol: PROTOCOL.directory,
      clientMode: false,
      peerInfoMapper: passthroughMapper,
      // Only provider records and routes are kept; what nodes agree on travels by replication.
      validators: {},
      selectors: {},
    }),
  };
}

interface HasRegistrar {
  readonly registrar: { getMiddleware(protocol: string): StreamMiddleware[] };
}

/**
 * Every protocol, also one that a new version of libp2p brings along, asks the gate before a stream of it is used. Not by
 * `libp2p.use`: libp2p 3.3 appends the handler of each stream to the list given there and runs them all for the next one.
 */
function guardStreams(gate: Gate): (components: HasRegistrar) => object {
  return ({ registrar }) => {
    registrar.getMiddleware = (protocol) => (protocol === PROTOCOL.join ? [] : [gate.onlyMembers]);
    return {};
  };
}

/** The format of https://github.com/libp2p/specs/blob/master/pnet/Private-Networks-PSK-V1.md */
function shieldKey(key: Uint8Array): Uint8Array {
  return Buffer.from(`/key/swarm/psk/1.0.0/\n/base16/\n${Buffer.from(key).toString('hex')}`);
}
