// What members tell and ask each other: who they are when they meet, how they are, whom they know, what they serve.

import { asArray, asNumber, asObject, asString, type JsonObject } from '../model/json.ts';
import type { IncomingMeshRequest, MeshResponse, PeerId } from '../ports.ts';
import { parseCredential, renderCredential } from './certificate.ts';
import { parseCharter, renderCharter } from './charter.ts';
import { type Heartbeat, parseHeartbeat, parseModels, renderHeartbeat } from './heartbeat.ts';
import { listPage, nextPage, wholeList } from './member-pages.ts';
import type { MeshCore } from './mesh-core.ts';
import type { Papers } from './registrar.ts';
import { parseRemoval, renderRemoval } from './removal.ts';
import { BODY_BYTES_MAX, jsonRequest, jsonResponse, readAnswer, readJson, refusal, withTimeout } from './wire.ts';
import { isZoned } from './zoned-address.ts';

export const MEMBER_PATHS = {
  hello: '/mesh/hello',
  ping: '/mesh/ping',
  probe: '/mesh/probe',
  members: '/mesh/members',
  models: '/mesh/models',
  renew: '/mesh/renew',
} as const;

const HELLO_TIMEOUT_MS = 3_000;
const FETCH_TIMEOUT_MS = 10_000;
const MODELS_MAX = 10_000;
const ADDRESSES_MAX = 16;
const ADDRESS_LENGTH_MAX = 200;

export interface ExchangeListeners {
  /** A certificate or an end of membership was new here. */
  readonly onNews: (peer: PeerId) => void;
  /** Others doubt this node, or know it under a higher number: it should speak up. */
  readonly onDoubted: (incarnation: number) => void;
  /** Somebody asks for another to be probed. */
  readonly onProbe: (target: PeerId) => Promise<boolean | undefined>;
}

export class Exchange {
  readonly #core: MeshCore;
  readonly #listeners: ExchangeListeners;
  /** Pages may take longer than it takes until the same peer would be asked again. */
  readonly #tellsMembers = new Set<PeerId>();

  constructor(core: MeshCore, listeners: ExchangeListeners) {
    this.#core = core;
    this.#listeners = listeners;
  }

  async handle(request: IncomingMeshRequest): Promise<MeshResponse> {
    const { registrar, own } = this.#core;
    const papers = registrar.papers;
    const body = await readJson(request.body, BODY_BYTES_MAX);
    if (!body || !papers) return refusal(400, 'the body is not readable');
    switch (request.path) {
      case MEMBER_PATHS.hello:
        return this.#answerHello(request.from, body, papers);
      case MEMBER_PATHS.ping:
        if (body.isSuspected === true) this.#listeners.onDoubted(0);
        return jsonResponse(200, { heartbeat: this.#heartbeatText(papers) });
      case MEMBER_PATHS.probe:
        return this.#answerProbe(body);
      case MEMBER_PATHS.members:
        return jsonResponse(200, this.#membersBody(body, papers));
      case MEMBER_PATHS.models:
        return jsonResponse(200, { models: own.status().models.map((model) => ({ ...model })) });
      case MEMBER_PATHS.renew:
        return this.#answerRenewal(request.from, papers);
      default:
        return refusal(404, 'there is no such path');
    }
  }

  /** Both tell who they are; afterwards each knows the other and whom it knows. */
  async hello(peer: PeerId): Promise<void> {
    const { clock, registrar } = this.#core;
    const papers = registrar.papers;
    if (!papers) return;
    const sentAt = clock.elapsed();
    const answer = await this.#ask(peer, MEMBER_PATHS.hello, this.#helloBody(peer, papers), HELLO_TIMEOUT_MS);
    const heartbeat = this.#takeHello(peer, answer, papers);
    this.#core.book.met(peer);
    if (heartbeat) this.#noteRoundTrip(peer, sentAt, heartbeat);
    this.#core.view.contact(peer, clock.elapsed());
    if (heartbeat && heartbeat.membershipDigest !== papers.membership.digest()) await this.fetchMembers(peer);
  }

  /** Rejects when no answer comes in time. */
  async ping(peer: PeerId, timeoutMs: number, isSuspected: boolean): Promise<void> {
    const { clock, view } = this.#core;
    const sentAt = clock.elapsed();
    const answer = await this.#ask(peer, MEMBER_PATHS.ping, { isSuspected }, timeoutMs);
    const heartbeat = heartbeatIn(answer);
    if (heartbeat) {
      view.heard(peer, heartbeat, clock.elapsed());
      this.#noteRoundTrip(peer, sentAt, heartbeat);
    }
    view.contact(peer, clock.elapsed());
  }

  /** @returns undefined when the helper cannot say */
  async probeBy(helper: PeerId, target: PeerId, timeoutMs: number): Promise<boolean | undefined> {
    const { isReached } = await this.#ask(helper, MEMBER_PATHS.probe, { target }, timeoutMs);
    return typeof isReached === 'boolean' ? isReached : undefined;
  }

  async fetchMembers(peer: PeerId): Promise<void> {
    const papers = this.#core.registrar.papers;
    if (!papers || this.#tellsMembers.has(peer)) return;
    this.#tellsMembers.add(peer);
    try {
      for (let from: number | undefined = 0; from !== undefined; ) {
        const page: JsonObject = await this.#ask(peer, MEMBER_PATHS.members, { from }, FETCH_TIMEOUT_MS);
        this.#takeMembers(page);
        from = nextPage(page, from);
      }
    } finally {
      this.#tellsMembers.delete(peer);
    }
  }

  async fetchModels(peer: PeerId): Promise<void> {
    const { models } = await this.#ask(peer, MEMBER_PATHS.models, {}, FETCH_TIMEOUT_MS);
    const list = parseModels(models, MODELS_MAX);
    if (list) this.#core.book.setModels(peer, list);
  }

  /** Asks an admin for a certificate that lasts longer. */
  async renew(admin: PeerId): Promise<void> {
    const { registrar, logger } = this.#core;
    const credential = parseCredential((await this.#ask(admin, MEMBER_PATHS.renew, {}, FETCH_TIMEOUT_MS)).credential);
    const admission = credential && registrar.admit(credential);
    if (!admission?.ok || credential?.certificate.peer !== this.#core.transport.peer) return;
    logger.info({ by: admin, notAfter: credential.certificate.notAfter }, 'the membership certificate was renewed');
    this.#listeners.onNews(credential.certificate.peer);
  }

  /** What is broadcast when somebody joins or goes. */
  newsOf(peer: PeerId): JsonObject {
    const { registrar } = this.#core;
    const membership = registrar.papers?.membership;
    const removals = membership?.removals().filter((removal) => removal.peer === peer) ?? [];
    const credential = membership?.member(peer)?.credential;
    return {
      members: credential ? [{ credential: renderCredential(credential), addresses: this.#addressesOf(peer) }] : [],
      removals: removals.map(renderRemoval),
    };
  }

  takeNews(news: JsonObject): void {
    this.#takeMembers(news);
  }

  heartbeat(papers: Papers): Heartbeat {
    const { own, doubt } = this.#core;
    return own.heartbeat(doubt.lagMs, papers.membership.digest());
  }

  #heartbeatText(papers: Papers): string {
    return Buffer.from(renderHeartbeat(this.heartbeat(papers))).toString();
  }

  #ask(peer: PeerId, path: string, body: JsonObject, timeoutMs: number): Promise<JsonObject> {
    const { clock, transport } = this.#core;
    return withTimeout(clock, timeoutMs, async (signal) =>
      readAnswer(await transport.request(peer, jsonRequest(path, body, signal))),
    );
  }

  #helloBody(peer: PeerId, papers: Papers): JsonObject {
    const { transport, own, view } = this.#core;
    return {
      ...(papers.credential && { credential: renderCredential(papers.credential) }),
      ...(papers.charter && { charter: renderCharter(papers.charter) }),
      addresses: [...transport.addresses()],
      heartbeat: this.#heartbeatText(papers),
      models: own.status().models.map((model) => ({ ...model })),
      incarnation: view.get(peer)?.heartbeat?.incarnation ?? 0,
    };
  }

  #answerHello(from: PeerId, body: JsonObject, papers: Papers): MeshResponse {
    const answer = this.#helloBody(from, papers);
    const heartbeat = this.#takeHello(from, body, papers);
    // Whoever asked looks at our digest itself; this is for what it has and we lack.
    if (heartbeat && heartbeat.membershipDigest !== papers.membership.digest()) {
      this.#core.book.entry(from).membersAskedAt = Number.NEGATIVE_INFINITY;
    }
    return jsonResponse(200, answer);
  }

  #takeHello(peer: PeerId, body: JsonObject, papers: Papers): Heartbeat | undefined {
    const { registrar, view, book, plan, store, clock, own } = this.#core;
    const charter = parseCharter(body.charter, papers.membership.roots);
    if (charter) registrar.takeCharter(charter);
    const credential = parseCredential(body.credential);
    if (credential?.certificate.peer === peer) {
      const admission = registrar.admit(credential);
      if (admission.ok && admission.isNews) this.#listeners.onNews(peer);
    }
    const addresses = readAddresses(body.addresses);
    plan.hint(peer, addresses, registrar.isMember(peer), clock.elapsed());
    store.putContact(peer, addresses, clock.now());
    const models = parseModels(body.models, MODELS_MAX);
    if (models) book.setModels(peer, models);
    const known = asNumber(body.incarnation) ?? 0;
    if (known > own.incarnation) this.#listeners.onDoubted(known + 1);
    const heartbeat = heartbeatIn(body);
    if (heartbeat && (view.get(peer)?.heartbeat?.incarnation ?? 0) > heartbeat.incarnation) view.restart(peer);
    if (heartbeat) view.heard(peer, heartbeat, clock.elapsed());
    return heartbeat;
  }

  async #answerProbe(body: JsonObject): Promise<MeshResponse> {
    const target = asString(body.target);
    const isKnown = target !== undefined && this.#core.registrar.isMember(target);
    const isReached = isKnown ? await this.#listeners.onProbe(target) : undefined;
    return jsonResponse(200, isReached === undefined ? {} : { isReached });
  }

  #membersBody(body: JsonObject, { membership }: Papers): JsonObject {
    const from = asNumber(body.from);
    const addressesOf = (peer: PeerId): string[] => this.#addressesOf(peer);
    return from === undefined ? wholeList(membership, addressesOf) : listPage(membership, addressesOf, from);
  }

  /** As others may use them. */
  #addressesOf(peer: PeerId): string[] {
    const { plan, transport } = this.#core;
    const addresses = peer === transport.peer ? transport.addresses() : plan.addressesOf(peer);
    return addresses.filter((address) => !isZoned(address));
  }

  /** Removals first: what they end is not even begun. */
  #takeMembers(body: JsonObject): void {
    const { registrar, plan, clock, transport, logger } = this.#core;
    for (const value of asArray(body.removals)) {
      const removal = parseRemoval(value);
      const taken = removal && registrar.remove(removal);
      if (taken && !taken.ok) logger.warn({ peer: removal.peer, reason: taken.reason }, 'a removal was not heeded');
    }
    for (const value of asArray(body.members)) {
      const entry = asObject(value);
      const credential = parseCredential(entry?.credential);
      if (!credential) continue;
      const { peer } = credential.certificate;
      registrar.admit(credential);
      if (peer !== transport.peer && registrar.isMember(peer)) {
        plan.hint(peer, readAddresses(entry?.addresses), true, clock.elapsed());
      }
    }
  }

  #answerRenewal(from: PeerId, { membership, certifier }: Papers): MeshResponse {
    const member = membership.member(from);
    const credential = member && certifier.certify(member);
    if (!credential) return refusal(403, 'this node cannot renew that certificate');
    this.#core.registrar.admit(credential);
    return jsonResponse(200, { credential: renderCredential(credential) });
  }

  #noteRoundTrip(peer: PeerId, sentAt: number, heartbeat: Heartbeat): void {
    const { clock, book } = this.#core;
    const now = clock.elapsed();
    book.entry(peer).pingedAt = now;
    book.measured(peer, now - sentAt, heartbeat.wallMs, clock.now());
  }
}

function heartbeatIn(body: JsonObject): Heartbeat | undefined {
  return parseHeartbeat(Buffer.from(asString(body.heartbeat) ?? ''));
}

function readAddresses(value: unknown): readonly string[] {
  return asArray(value)
    .flatMap((address) => asString(address) ?? [])
    .filter((address) => address.length <= ADDRESS_LENGTH_MAX && !isZoned(address))
    .slice(0, ADDRESSES_MAX);
}
