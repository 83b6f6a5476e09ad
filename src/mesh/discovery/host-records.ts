// One name for the whole mesh: every healthy node answers for `flowmesh.local`, so that a client which uses it reaches one
// that lives. And each is found as a service `_flowmesh._tcp` by browsers of DNS-SD. https://www.rfc-editor.org/rfc/rfc6763

import type { Answer, Packet } from 'dns-packet';
import type { NetworkInterface } from '../../ports.ts';
import { DISCOVERY } from './limits.ts';
import { AUTHORITATIVE, isName } from './peer-records.ts';

const SHARED_HOST = 'flowmesh.local';
const HTTP_SERVICE = '_flowmesh._tcp.local';
const ALL_SERVICES = '_services._dns-sd._udp.local';

export interface HostAnnouncement {
  /** Of this node, as people call it. */
  readonly name: string;
  /** Where the gateway listens. */
  readonly port: number;
}

/** What is answered to a query; undefined when it asks for nothing of ours. */
export function hostAnswer(
  packet: Packet,
  host: HostAnnouncement,
  networkInterface: NetworkInterface,
): Packet | undefined {
  if (packet.type === 'response') return undefined;
  const own = records(host, networkInterface, DISCOVERY.hostTtlSeconds);
  const answers = (packet.questions ?? []).flatMap(({ name, type }) =>
    own.filter((record) => isName(record.name, name) && (String(type) === 'ANY' || type === record.type)),
  );
  if (answers.length === 0) return undefined;
  const additionals = own.filter((record) => !answers.includes(record) && record.type !== 'PTR');
  return { type: 'response', flags: AUTHORITATIVE, answers: [...new Set(answers)], additionals };
}

/** Everything at once: when the node comes, and with a life of zero when it leaves. */
export function hostAnnouncement(
  host: HostAnnouncement,
  networkInterface: NetworkInterface,
  ttlSeconds: number = DISCOVERY.hostTtlSeconds,
): Packet {
  return { type: 'response', flags: AUTHORITATIVE, answers: records(host, networkInterface, ttlSeconds) };
}

/** None has the cache-flush bit: others answer for the same names. */
function records({ name, port }: HostAnnouncement, { addresses }: NetworkInterface, ttl: number): Answer[] {
  const label = labelOf(name);
  const ownHost = `${label}.${SHARED_HOST}`;
  const instance = `${label}.${HTTP_SERVICE}`;
  // Link-local IPv6 addresses mean nothing without an interface, which DNS cannot tell.
  const hosts = addresses.filter(({ host }) => !host.startsWith('fe80:'));
  return [
    ...[SHARED_HOST, ownHost].flatMap((each) =>
      hosts.map(({ family, host }): Answer => ({ name: each, type: family === 4 ? 'A' : 'AAAA', ttl, data: host })),
    ),
    { name: ALL_SERVICES, type: 'PTR', ttl, data: HTTP_SERVICE },
    { name: HTTP_SERVICE, type: 'PTR', ttl, data: instance },
    { name: instance, type: 'SRV', ttl, data: { target: ownHost, port } },
    { name: instance, type: 'TXT', ttl, data: ['path=/v1'] },
  ];
}

/** A label of DNS: at most 63 letters, digits and dashes. */
function labelOf(name: string): string {
  const label = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 63);
  return label === '' ? 'node' : label;
}
