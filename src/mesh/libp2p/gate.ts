// Who may connect, and for what. A connection whose other side is a member may carry everything. A stranger's may carry one
// request of the join protocol and is bounded in number, time and bytes, whatever is sent on it, until it is a member.

import type { Connection, ConnectionGater, MultiaddrConnection, StreamMiddleware } from '@libp2p/interface';
import type { PeerId } from '../../ports.ts';
import { LIMITS } from './limits.ts';

type Direction = MultiaddrConnection['direction'];

export class Gate implements ConnectionGater {
  #isMember: (peer: PeerId) => boolean = () => false;
  #onPromoted: (connection: Connection) => void = () => undefined;
  /** By the object that a raw connection and the finished one share: how its bounds are lifted. */
  readonly #strangers = new WeakMap<object, () => void>();
  readonly #open: Readonly<Record<Direction, MultiaddrConnection[]>> = { inbound: [], outbound: [] };
  /** Addresses that were asked for by name, each with the peer expected there; all others are libp2p's own ideas. */
  readonly #wanted = new Set<{ readonly address: string; readonly peer: PeerId | undefined }>();
  refusedCount = 0;

  /** @param onPromoted a stranger that has become a member goes on as one, on the connection it has */
  useMembers(isMember: (peer: PeerId) => boolean, onPromoted: (connection: Connection) => void): void {
    this.#isMember = isMember;
    this.#onPromoted = onPromoted;
  }

  /** Allows one dial to an address, whoever answers there, or only this peer. */
  want(address: string, peer: PeerId | undefined): () => void {
    const wish = { address, peer };
    this.#wanted.add(wish);
    return () => void this.#wanted.delete(wish);
  }

  isStranger(connection: Connection): boolean {
    return this.#strangers.has(connection.timeline);
  }

  /** Lifts the bounds of a stranger that is a member by now. */
  promote(connection: Connection): void {
    const lift = this.#strangers.get(connection.timeline);
    if (!lift) return;
    this.#strangers.delete(connection.timeline);
    lift();
    this.#onPromoted(connection);
  }

  /** A stream of anything but the join protocol: only with members, in both directions. */
  readonly onlyMembers: StreamMiddleware = (stream, connection, next) => {
    if (!this.#isMember(connection.remotePeer.toString())) throw new Error('Only members may open this protocol');
    // The other side has learned before us that both are members.
    this.promote(connection);
    next(stream, connection);
  };

  readonly denyDialPeer: NonNullable<ConnectionGater['denyDialPeer']> = (peer) => !this.#isMember(peer.toString());

  readonly denyInboundEncryptedConnection: NonNullable<ConnectionGater['denyInboundEncryptedConnection']> = (
    peer,
    connection,
  ) => !this.#isMember(peer.toString()) && !this.#admitsStranger(connection);

  readonly denyOutboundEncryptedConnection: NonNullable<ConnectionGater['denyOutboundEncryptedConnection']> = (
    peer,
    connection,
  ) => {
    const address = connection.remoteAddr.toString();
    const wishes = [...this.#wanted].filter((wish) => wish.address === address);
    const isExpected = wishes.some((wish) => wish.peer === undefined || wish.peer === peer.toString());
    if (wishes.length > 0 && !isExpected) return true;
    return !this.#isMember(peer.toString()) && !(isExpected && this.#admitsStranger(connection));
  };

  #admitsStranger(connection: MultiaddrConnection): boolean {
    const open = this.#open[connection.direction];
    const host = hostOf(connection);
    const ofHost = open.filter((other) => hostOf(other) === host).length;
    if (open.length >= LIMITS.strangersMax || ofHost >= LIMITS.strangersPerHostMax) {
      this.refusedCount += 1;
      return false;
    }
    open.push(connection);
    const forget = (): void => void open.splice(open.indexOf(connection), 1);
    let bytes = 0;
    // Raw bytes, so that neither half-open streams nor endless negotiations can be used to fill memory.
    const count = (event: { readonly data: { readonly byteLength: number } }): void => {
      bytes += event.data.byteLength;
      if (bytes > LIMITS.strangerConnectionBytesMax) connection.abort(new Error('A stranger sent too much'));
    };
    connection.addEventListener('close', forget);
    connection.addEventListener('message', count);
    this.#strangers.set(connection.timeline, () => {
      connection.removeEventListener('close', forget);
      connection.removeEventListener('message', count);
      forget();
    });
    return true;
  }
}

function hostOf(connection: MultiaddrConnection): string {
  return connection.remoteAddr.getComponents()[0]?.value ?? '';
}
