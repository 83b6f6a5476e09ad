// A connection between two simulated processes, and what waits for something to come over it: it ends when the wish for it
// ends, or the connection.

import { HttpFailure, type MeshRequest, type PeerId, type StopSignal } from '../../src/ports.ts';
import type { SimNetwork } from './sim-network.ts';
import type { SimTransport } from './sim-transport.ts';

export interface Connection {
  readonly dialler: SimTransport;
  readonly acceptor: SimTransport;
  /** Those to whom the other one is a member. */
  readonly memberSides: Set<SimTransport>;
  isOpen: boolean;
  readonly onClose: Set<() => void>;
}

export function otherEnd({ dialler, acceptor }: Connection, side: SimTransport): SimTransport {
  return side === dialler ? acceptor : dialler;
}

/** Where a simulated node is dialled. */
export function addressOf(peer: PeerId): string {
  return `/sim/${peer}`;
}

export function peerOf(address: string): PeerId | undefined {
  return address.startsWith('/sim/') ? address.slice('/sim/'.length) : undefined;
}

export interface Link {
  readonly connection: Connection;
  readonly network: SimNetwork<SimTransport>;
  readonly signal: StopSignal | undefined;
}

export function carried(
  { connection, network, signal }: Link,
  from: SimTransport,
  to: SimTransport,
  bytes?: number,
): Promise<void> {
  const isWanted = (): boolean => connection.isOpen;
  return waitUntil((done) => network.carry(from.peer, to.peer, isWanted, done, bytes), signal, connection);
}

/** Resolves when `begin` calls back; rejects when the signal aborts or the connection breaks first. */
export function waitUntil(
  begin: (done: () => void) => void,
  signal?: StopSignal,
  connection?: Connection,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void) => (): void => {
      signal?.removeEventListener('abort', onAbort);
      connection?.onClose.delete(onClose);
      settle();
    };
    const onAbort = end(() => reject(signal?.reason));
    const onClose = end(() => reject(new HttpFailure('response', 'connection reset')));
    if (signal?.aborted) return reject(signal.reason);
    if (connection && !connection.isOpen) return onClose();
    signal?.addEventListener('abort', onAbort, { once: true });
    connection?.onClose.add(onClose);
    begin(end(resolve));
  });
}

export async function* bodyOf(body: MeshRequest['body']): AsyncIterable<Uint8Array> {
  if (body instanceof Uint8Array) yield body;
  else if (body) yield* body;
}

/** What the other process does, unless the connection to it or the wish for it ends first. */
export function orBroken<Result>({ connection, signal }: Link, work: Promise<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      signal?.removeEventListener('abort', onAbort);
      connection.onClose.delete(onClose);
    };
    const onAbort = (): void => {
      end();
      reject(signal?.reason);
    };
    const onClose = (): void => {
      end();
      reject(new HttpFailure('response', 'connection reset'));
    };
    work.then(resolve, reject).finally(end);
    if (signal?.aborted) onAbort();
    else if (!connection.isOpen) onClose();
    else {
      signal?.addEventListener('abort', onAbort, { once: true });
      connection.onClose.add(onClose);
    }
  });
}

export async function giveUp(body: AsyncIterable<Uint8Array>): Promise<void> {
  await body[Symbol.asyncIterator]().return?.();
}

/** Chunk by chunk, each asked for when the reader wants it. */
export async function* streamed(
  link: Link,
  from: SimTransport,
  to: SimTransport,
  body: AsyncIterable<Uint8Array>,
  end: () => void,
): AsyncIterable<Uint8Array> {
  const chunks = body[Symbol.asyncIterator]();
  let isDone = false;
  try {
    for (;;) {
      const next = await orBroken(link, chunks.next());
      isDone = next.done === true;
      if (!next.done) await carried(link, from, to, next.value.length);
      // A process that stands still reads nothing, neither a chunk nor that there is none any more.
      await waitUntil((done) => to.deliver(done), link.signal, link.connection);
      if (next.done) return;
      to.sent.requestBytes += next.value.length;
      yield next.value;
    }
  } finally {
    if (!isDone) void chunks.return?.();
    end();
  }
}
