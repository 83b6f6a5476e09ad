// The wire format of libp2p's mDNS discovery: PTR _p2p._udp.local → <random name>, and TXT of that name with `dnsaddr=`
// addresses. `mesh=` is ours; other implementations pass over strings that they do not know.
// https://github.com/libp2p/specs/blob/master/discovery/mdns.md

import type { Packet, TxtAnswer } from 'dns-packet';
import type { PeerHint, PeerId } from '../../ports.ts';
import { isPeerId } from '../peer-id.ts';
import { DISCOVERY } from './limits.ts';

const PEER_SERVICE = '_p2p._udp.local';

const ADDRESS = 'dnsaddr=';
const MESH = 'mesh=';

export interface PeerAnnouncement {
  /** Opaque, unique, not the peer id: the name is for telling answers apart only. */
  readonly name: string;
  /** Multiaddrs that end in /p2p/… */
  readonly addresses: readonly string[];
  readonly meshTag: string | undefined;
}

export function peerQuery(knownNames: readonly string[]): Packet {
  return {
    type: 'query',
    questions: [{ name: PEER_SERVICE, type: 'PTR', class: 'IN' }],
    answers: knownNames.map((name) => pointerTo(name)),
  };
}

/** Undefined when there is nothing to tell. */
export function peerAnswer({ name, addresses, meshTag }: PeerAnnouncement): Packet | undefined {
  if (addresses.length === 0) return undefined;
  const data = [...addresses.map((address) => ADDRESS + address), ...(meshTag === undefined ? [] : [MESH + meshTag])];
  return {
    type: 'response',
    flags: AUTHORITATIVE,
    answers: [pointerTo(name)],
    additionals: [{ name: instanceOf(name), type: 'TXT', class: 'IN', ttl: DISCOVERY.peerTtlSeconds, data }],
  };
}

/** The names of peers that a query for peers says are known already; undefined when it is no such query. */
export function knownByAsker(packet: Packet): ReadonlySet<string> | undefined {
  if (packet.type === 'response') return undefined;
  const isAsked = (packet.questions ?? []).some(({ name, type }) => isName(name, PEER_SERVICE) && type === 'PTR');
  if (!isAsked) return undefined;
  const names = (packet.answers ?? []).map((answer) => (answer.type === 'PTR' ? instanceIn(answer.data) : undefined));
  return new Set(names.filter((name) => name !== undefined));
}

export interface FoundPeer {
  readonly name: string;
  readonly hint: PeerHint;
}

/** Every peer that a packet tells of, whoever sent it; stock implementations put TXT records among the answers. */
export function peersIn(packet: Packet): readonly FoundPeer[] {
  if (packet.type !== 'response') return [];
  return [...(packet.answers ?? []), ...(packet.additionals ?? [])].slice(0, DISCOVERY.recordsMax).flatMap((record) => {
    const name = record.type === 'TXT' ? instanceIn(record.name) : undefined;
    const hint = name === undefined ? undefined : hintIn(textsOf(record as TxtAnswer));
    return name !== undefined && hint ? [{ name, hint }] : [];
  });
}

function hintIn(texts: readonly string[]): PeerHint | undefined {
  const addresses = texts
    .filter((text) => text.startsWith(ADDRESS) && text.length <= DISCOVERY.addressLengthMax)
    .map((text) => text.slice(ADDRESS.length))
    .slice(0, DISCOVERY.addressesPerPeerMax);
  const peer = peerIn(addresses[0] ?? '');
  // One record tells of one peer; a mixture is nobody's honest answer.
  if (peer === undefined || addresses.some((address) => peerIn(address) !== peer)) return undefined;
  const tag = texts.find((text) => text.startsWith(MESH))?.slice(MESH.length);
  return { peer, addresses, ...(tag !== undefined && { meshTag: tag }) };
}

function peerIn(address: string): PeerId | undefined {
  const peer = /^\/(?:ip4|ip6|dns|dns4|dns6)\/.+\/p2p\/([^/]+)$/.exec(address)?.[1];
  return peer !== undefined && isPeerId(peer) ? peer : undefined;
}

function textsOf({ data }: TxtAnswer): readonly string[] {
  return (Array.isArray(data) ? data : [data]).map(String);
}

function pointerTo(name: string): { name: string; type: 'PTR'; class: 'IN'; ttl: number; data: string } {
  return { name: PEER_SERVICE, type: 'PTR', class: 'IN', ttl: DISCOVERY.peerTtlSeconds, data: instanceOf(name) };
}

/** Undefined for a name of another service. */
function instanceIn(name: string): string | undefined {
  const lower = name.toLowerCase();
  return lower.endsWith(`.${PEER_SERVICE}`) ? lower.slice(0, -PEER_SERVICE.length - 1) : undefined;
}

function instanceOf(name: string): string {
  return `${name}.${PEER_SERVICE}`;
}

/** Names of DNS know no case. */
export function isName(name: string, other: string): boolean {
  return name.toLowerCase() === other.toLowerCase();
}

export const AUTHORITATIVE = 1 << 10;
