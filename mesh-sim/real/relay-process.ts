// A switch in user space, for what the kernel's own switch cannot imitate everywhere: many kernels have no netem. Each port
// is a machine's tunnel; its frames come and go as VXLAN, which is UDP: eight bytes, then the frame. What comes in at one
// port goes out at the one where its address was last seen, or at all others; on the way each frame has a delay, may be
// lost or doubled, or its direction is cut.

import { createSocket } from 'node:dgram';
import type { LinkQuality } from '../topologies.ts';

export interface RelayOptions {
  /** Where tunnels send to: an address of this machine. */
  readonly address: string;
  /** Where they end. */
  readonly tunnelsAt: string;
  readonly udpPort: number;
  /** The tunnels have the numbers from 1 to this one. */
  readonly ports: number;
}

export interface RelayOrder {
  readonly link: LinkQuality;
  /** From port to port, counted from 0. */
  readonly cut: readonly (readonly [number, number])[];
}

export interface RelayNews {
  readonly kind: 'ready';
}

/** Of VXLAN: a byte of flags, three of nothing, three with the number of the tunnel, one of nothing. */
const HEADER_BYTES = 8;
const HAS_NUMBER = 0x08;
const NUMBER_AT = 4;
const NUMBER_BYTES = 3;
/** Of a hardware address; a frame begins with the one it goes to, then comes the one it is from. */
const ADDRESS_BYTES = 6;
/** What waits longer for a narrow link is dropped, as routers do. */
const BACKLOG_MS_MAX = 2_000;
/** Timers are not finer; a way through this process takes about as long. */
const DELAY_MS_MIN = 1;
const RECEIVE_BUFFER_BYTES = 4 * 1_024 * 1_024;

const options = JSON.parse(process.argv[2] ?? '{}') as RelayOptions;
const headers = Array.from({ length: options.ports }, (_, port) => {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt8(HAS_NUMBER, 0);
  header.writeUIntBE(port + 1, NUMBER_AT, NUMBER_BYTES);
  return header;
});
/** The port where a hardware address was last seen. */
const places = new Map<string, number>();
/** When the narrow way from one port to another one is free, by `wayOf` them. */
const busyUntil = new Map<number, number>();
let link: LinkQuality = { delayMs: 0, jitterMs: 0, lossRate: 0 };
let cut: ReadonlySet<number> = new Set();

const socket = createSocket({ type: 'udp4', recvBufferSize: RECEIVE_BUFFER_BYTES });
socket.on('message', (packet) => take(packet.readUIntBE(NUMBER_AT, NUMBER_BYTES) - 1, packet.subarray(HEADER_BYTES)));
socket.bind(options.udpPort, options.address, () => tell({ kind: 'ready' }));

process.on('disconnect', () => process.exit());
process.on('message', (order: RelayOrder) => {
  link = order.link;
  cut = new Set(order.cut.map(([from, to]) => wayOf(from, to)));
});

function wayOf(from: number, to: number): number {
  return from * options.ports + to;
}

function take(from: number, frame: Buffer): void {
  const isForMany = ((frame[0] ?? 0) & 1) === 1;
  places.set(frame.toString('latin1', ADDRESS_BYTES, 2 * ADDRESS_BYTES), from);
  const place = isForMany ? undefined : places.get(frame.toString('latin1', 0, ADDRESS_BYTES));
  if (place === undefined) for (let to = 0; to < options.ports; to += 1) pass(from, to, frame);
  else pass(from, place, frame);
}

function pass(from: number, to: number, frame: Buffer): void {
  const way = wayOf(from, to);
  if (from === to || cut.has(way) || Math.random() < link.lossRate) return;
  const queuedMs = queue(way, frame.length);
  if (queuedMs > BACKLOG_MS_MAX) return;
  const copies = Math.random() < (link.duplicationRate ?? 0) ? 2 : 1;
  for (let copy = 0; copy < copies; copy += 1) {
    const waitMs = queuedMs + link.delayMs + link.jitterMs * Math.random();
    if (waitMs < DELAY_MS_MIN) send(to, frame);
    else setTimeout(send, waitMs, to, frame);
  }
}

/** How long a narrow link is busy with this frame and those before it; such a frame takes its place if it may wait so long. */
function queue(way: number, bytes: number): number {
  if (link.bitsPerSecond === undefined) return 0;
  const now = performance.now();
  const begin = Math.max(now, busyUntil.get(way) ?? 0);
  if (begin - now > BACKLOG_MS_MAX) return begin - now;
  const end = begin + (bytes * 8 * 1_000) / link.bitsPerSecond;
  busyUntil.set(way, end);
  return end - now;
}

function send(to: number, frame: Buffer): void {
  const header = headers[to];
  // What cannot be sent, because the machine is gone or a queue is full, is lost, as packets are.
  if (header) socket.send([header, frame], options.udpPort, options.tunnelsAt, () => undefined);
}

function tell(news: RelayNews): void {
  process.send?.(news);
}
