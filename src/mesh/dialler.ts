// Carries out the dial plan: connects, introduces this node where it is not known yet, and says hello.

import { asNumber, type JsonObject } from '../model/json.ts';
import type { PeerId } from '../ports.ts';
import { parseCredential, renderCredential } from './certificate.ts';
import { parseCharter, renderCharter } from './charter.ts';
import type { DialOrder } from './dial-plan.ts';
import type { Exchange } from './exchange.ts';
import { JOIN_PATHS } from './join-desk.ts';
import { isConnected, type MeshCore } from './mesh-core.ts';
import { JOIN_BODY_BYTES_MAX, jsonRequest, PeerRefusal, readAnswer, reasonOf, withTimeout } from './wire.ts';

const DIAL_TIMEOUT_MS = 3_000;
const INTRODUCTION_TIMEOUT_MS = 3_000;

export class Dialler {
  readonly #core: MeshCore;
  readonly #exchange: Exchange;
  readonly #onNews: (peer: PeerId) => void;

  constructor(core: MeshCore, exchange: Exchange, onNews: (peer: PeerId) => void) {
    this.#core = core;
    this.#exchange = exchange;
    this.#onNews = onNews;
  }

  /** Dials what is due. */
  run(now: number): void {
    const { plan, transport } = this.#core;
    const connections = transport.connections();
    const connected = new Set(connections.map(({ peer }) => peer));
    for (const order of plan.due(now, (peer) => connected.has(peer), connections.length)) void this.#carryOut(order);
  }

  /** @throws when the peer is not reached */
  async connect(peer: PeerId): Promise<void> {
    await this.#meet(this.#core.plan.addressesOf(peer), peer);
  }

  async #carryOut({ key, peer, addresses }: DialOrder): Promise<void> {
    const { plan, clock, counters, logger } = this.#core;
    counters.dials += 1;
    try {
      plan.succeeded(key, await this.#meet(addresses, peer));
    } catch (error) {
      counters.dialFailures += 1;
      const isRefused = error instanceof PeerRefusal && error.status === 403;
      plan.failed(key, clock.elapsed(), isRefused);
      // Absent peers are dialled every other second: that is no news. A refusal is.
      const fields = { peer, addresses, reason: reasonOf(error) };
      if (isRefused) logger.info(fields, 'a node refused us');
      else logger.debug(fields, 'a node was not reached');
    }
  }

  /** @returns who was there */
  async #meet(addresses: readonly string[], expected: PeerId | undefined): Promise<PeerId> {
    const { registrar, transport } = this.#core;
    const peer = await this.#dial(addresses, expected);
    if (registrar.isMember(peer) && isConnected(this.#core, peer) && (await this.#greets(peer))) return peer;
    try {
      await this.#introduce(peer);
    } catch (error) {
      transport.disconnect(peer);
      throw error;
    }
    if (transport.promote(peer) && (await this.#greets(peer))) return peer;
    // One that does not carry it is given up for a new one.
    transport.disconnect(peer);
    await this.#dial(addresses, peer);
    await this.#exchange.hello(peer);
    return peer;
  }

  async #greets(peer: PeerId): Promise<boolean> {
    try {
      await this.#exchange.hello(peer);
      return true;
    } catch (error) {
      this.#core.logger.debug({ peer, reason: reasonOf(error) }, 'no answer to a hello');
      return false;
    }
  }

  #dial(addresses: readonly string[], peer: PeerId | undefined): Promise<PeerId> {
    const { clock, transport } = this.#core;
    return withTimeout(clock, DIAL_TIMEOUT_MS, (signal) => transport.dial(addresses, peer, signal));
  }

  async #introduce(peer: PeerId): Promise<void> {
    const { registrar, transport, clock } = this.#core;
    const papers = registrar.papers;
    if (!papers?.credential) throw new Error('this node has no certificate to show');
    const body = {
      credential: renderCredential(papers.credential),
      ...(papers.charter && { charter: renderCharter(papers.charter) }),
    };
    const answer = await withTimeout(clock, INTRODUCTION_TIMEOUT_MS, async (signal) =>
      readAnswer(
        await transport.requestJoin(peer, jsonRequest(JOIN_PATHS.introduce, body, signal)),
        JOIN_BODY_BYTES_MAX,
      ),
    ).catch((error: unknown) => {
      if (error instanceof PeerRefusal) this.#learnFrom(error.body);
      throw error;
    });
    const charter = parseCharter(answer.charter, papers.membership.roots);
    if (charter) registrar.takeCharter(charter);
    const credential = parseCredential(answer.credential);
    if (credential?.certificate.peer !== peer) throw new Error('the other side did not show its certificate');
    const admission = registrar.admit(credential);
    if (!admission.ok) throw new Error(admission.reason);
    if (admission.isNews) this.#onNews(peer);
  }

  /** It was evicted, or has left and forgotten it; in the latter case it may be able to certify itself anew. */
  #learnFrom({ serial, removals = [] }: JsonObject): void {
    this.#exchange.takeNews({ removals });
    const voidSerial = asNumber(serial);
    if (voidSerial !== undefined) this.#core.registrar.recertify(voidSerial);
  }
}
