// The command line works on the same data directory as the running node: it finds there where this node is reached, and
// leaves there that a mesh was founded, an invite is to be used, somebody was evicted.

import type { PeerId } from '../ports.ts';
import type { Database, Statement } from '../storage/database.ts';
import { unlessFull } from '../storage/unless-full.ts';
import { type Invite, parseInvite } from './invite.ts';
import type { MeshCore } from './mesh-core.ts';
import { reasonOf } from './wire.ts';

export interface OtherProcessesDeps {
  readonly core: MeshCore;
  /** gateway.db. */
  readonly database: Database;
  readonly join: (invite: Invite) => Promise<void>;
  readonly leave: () => Promise<void>;
  readonly tellOf: (peer: PeerId) => void;
}

/** Interfaces come and go, but to ask for them is not cheap. */
const ADDRESSES_PERIOD_MS = 10_000;

export class OtherProcesses {
  readonly #core: MeshCore;
  readonly #deps: OtherProcessesDeps;
  readonly #version: Statement<[], number>;
  #seenVersion: number | undefined;
  #addresses = '';
  #addressesAt = Number.NEGATIVE_INFINITY;
  #isJoining = false;

  constructor(deps: OtherProcessesDeps) {
    this.#core = deps.core;
    this.#deps = deps;
    this.#version = deps.database.prepare<[], number>('PRAGMA data_version').pluck();
  }

  /** Once a second. */
  look(): void {
    this.#tellAddresses();
    const version = this.#version.get();
    if (version === this.#seenVersion) return;
    this.#seenVersion = version;
    const { registrar, store } = this.#core;
    if (!registrar.papers) registrar.load();
    if (!registrar.papers) void this.#usePendingInvite();
    else if (store.roots()) this.#noticeRemovals();
    else void this.#deps.leave();
  }

  /** Invites say where this node is reached. */
  #tellAddresses(): void {
    const { transport, store, clock } = this.#core;
    const now = clock.elapsed();
    if (now - this.#addressesAt < ADDRESSES_PERIOD_MS) return;
    this.#addressesAt = now;
    const addresses = JSON.stringify(transport.addresses());
    if (addresses === this.#addresses) return;
    this.#addresses = addresses;
    unlessFull(() => store.setState('addresses', addresses));
  }

  #noticeRemovals(): void {
    const { registrar } = this.#core;
    const known = new Set(registrar.papers?.membership.removals());
    registrar.reloadRemovals();
    for (const removal of registrar.papers?.membership.removals() ?? []) {
      if (!known.has(removal)) this.#deps.tellOf(removal.peer);
    }
  }

  async #usePendingInvite(): Promise<void> {
    const { store, logger } = this.#core;
    const invite = parseInvite(store.state('pending-invite') ?? '');
    if (!invite || this.#isJoining) return;
    this.#isJoining = true;
    try {
      await this.#deps.join(invite);
    } catch (error) {
      unlessFull(() => store.setState('join-problem', reasonOf(error)));
      logger.error({ reason: reasonOf(error) }, 'joining by invite failed');
    } finally {
      unlessFull(() => store.clearState('pending-invite'));
      this.#isJoining = false;
    }
  }
}
