// Where strangers come: with a certificate that we have not seen yet, or with an invite. Everything here is small,
// counted and bounded, and a refusal says no more than that.

import type { Clock, IncomingMeshRequest, Logger, MeshResponse, PeerId, Random } from '../ports.ts';
import { parseCredential, renderCredential } from './certificate.ts';
import { parseCharter, renderCharter } from './charter.ts';
import { isSameProof, type JoinContext, joinProof } from './invite.ts';
import type { MeshCounters } from './mesh-counters.ts';
import type { MeshStore, StoredInvite } from './mesh-store.ts';
import type { Papers, Registrar } from './registrar.ts';
import { renderRemoval } from './removal.ts';
import { FieldReader, NAME_LENGTH_MAX } from './statement.ts';
import { TokenBucket } from './token-bucket.ts';
import { JOIN_BODY_BYTES_MAX, jsonResponse, readJson, refusal } from './wire.ts';

export const JOIN_PATHS = { introduce: '/join/introduce', challenge: '/join/challenge', prove: '/join/prove' } as const;

const NONCE_BYTES = 16;
const NONCE_LENGTH_MAX = 64;
const CHALLENGE_LIFETIME_MS = 30_000;
const CHALLENGES_MAX = 64;
/** Checking a certificate costs a tenth of a millisecond; a thousand strangers a second must not matter. */
const INTRODUCTIONS = { burst: 200, perSecond: 50 };
/** Nobody guesses 160 random bits; still nobody gets to try. */
const PROOFS = { burst: 10, perSecond: 1 };

export interface JoinDeskDeps {
  readonly counters: MeshCounters;
  readonly self: PeerId;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly store: MeshStore;
  readonly registrar: Registrar;
  /** A certificate was new here: others should hear of it. */
  readonly onNews: (peer: PeerId) => void;
}

interface Challenge {
  readonly context: JoinContext;
  readonly expiresAt: number;
}

export class JoinDesk {
  readonly #deps: JoinDeskDeps;
  readonly #introductions = new TokenBucket(INTRODUCTIONS.burst, INTRODUCTIONS.perSecond);
  readonly #proofs = new TokenBucket(PROOFS.burst, PROOFS.perSecond);
  /** One for each stranger, the oldest first. */
  readonly #challenges = new Map<PeerId, Challenge>();

  constructor(deps: JoinDeskDeps) {
    this.#deps = deps;
  }

  async handle(request: IncomingMeshRequest): Promise<MeshResponse> {
    const { clock, registrar } = this.#deps;
    const limit = request.path === JOIN_PATHS.introduce ? this.#introductions : this.#proofs;
    if (!limit.take(clock.elapsed())) return refusal(429, 'too many strangers; try again later');
    const body = await readJson(request.body, JOIN_BODY_BYTES_MAX);
    const papers = registrar.papers;
    if (!body) return refusal(400, 'the body is not readable');
    if (!papers) return refusal(403, 'this node belongs to no mesh');
    const reader = new FieldReader(body);
    if (request.path === JOIN_PATHS.introduce) return this.#introduce(request.from, reader, papers);
    if (request.path === JOIN_PATHS.challenge) return this.#challenge(request.from, reader, papers);
    if (request.path === JOIN_PATHS.prove) return this.#prove(request.from, reader, papers);
    return refusal(404, 'strangers may only join');
  }

  #introduce(from: PeerId, reader: FieldReader, papers: Papers): MeshResponse {
    const { registrar, onNews, logger } = this.#deps;
    const charter = parseCharter(reader.value('charter'), papers.membership.roots);
    const credential = parseCredential(reader.value('credential'));
    // A certificate is public among members: only whoever proves to be its peer is let in with it.
    if (credential?.certificate.peer !== from) return refusal(403, 'show a certificate of your own');
    if (!papers.credential) return refusal(403, 'this node has no certificate yet');
    if (charter) registrar.takeCharter(charter);
    const admission = registrar.admit(credential);
    if (!admission.ok) {
      this.#deps.counters.strangersRefused += 1;
      logger.info({ peer: from, reason: admission.reason }, 'a stranger was turned away');
      // Whoever is out is shown why: it may not have been there when it was told.
      const removals = papers.membership.removals().filter(({ peer }) => peer === from);
      return refusal(403, admission.reason, {
        removals: removals.map(renderRemoval),
        ...(admission.serial !== undefined && { serial: admission.serial }),
      });
    }
    if (admission.isNews) onNews(from);
    return jsonResponse(200, welcomeOf(papers));
  }

  /** Known and unknown invites are answered alike. */
  #challenge(from: PeerId, reader: FieldReader, { membership }: Papers): MeshResponse {
    const { clock, random, self } = this.#deps;
    const now = clock.elapsed();
    const inviterNonce = Buffer.from(random.bytes(NONCE_BYTES)).toString('base64url');
    const context = {
      inviteId: reader.text('inviteId', NONCE_LENGTH_MAX),
      meshId: membership.roots.meshId,
      joiner: from,
      inviter: self,
      joinerNonce: reader.text('nonce', NONCE_LENGTH_MAX),
      inviterNonce,
    };
    if (!reader.isValid) return refusal(400, 'the body is not readable');
    this.#challenges.delete(from);
    for (const [peer, { expiresAt }] of this.#challenges) {
      if (expiresAt < now || this.#challenges.size >= CHALLENGES_MAX) this.#challenges.delete(peer);
    }
    this.#challenges.set(from, { context, expiresAt: now + CHALLENGE_LIFETIME_MS });
    return jsonResponse(200, { nonce: inviterNonce });
  }

  #prove(from: PeerId, reader: FieldReader, papers: Papers): MeshResponse {
    const { clock, random, store, registrar, onNews, logger } = this.#deps;
    const challenge = this.#challenges.get(from);
    // One try for each challenge.
    this.#challenges.delete(from);
    const proof = reader.text('proof', NONCE_LENGTH_MAX);
    const ownName = reader.text('name', NAME_LENGTH_MAX);
    if (!reader.isValid) return refusal(400, 'the body is not readable');
    const invite = challenge && store.invite(challenge.context.inviteId);
    // Without an invite the same is computed, so that time tells nothing.
    const secret = invite?.secret ?? Buffer.from(random.bytes(NONCE_BYTES)).toString('base64url');
    const context = challenge?.context ?? NO_CONTEXT;
    const isProven = isSameProof(proof, joinProof(secret, 'joiner', context));
    const problem = isProven && challenge ? this.#problemOf(challenge, invite) : 'its proof is wrong';
    const { name = ownName, capabilities = [] } = invite ?? {};
    const credential = problem === undefined ? papers.certifier.certify({ peer: from, name, capabilities }) : undefined;
    if (!credential || !invite || !store.useInvite(invite.id, from)) {
      this.#deps.counters.strangersRefused += 1;
      logger.warn(
        { peer: from, reason: problem ?? 'this node cannot certify any more' },
        'a join by invite was refused',
      );
      return refusal(403, 'the invite is not valid here: it is wrong, used, expired, or of another mesh');
    }
    const admission = registrar.admit(credential);
    // An evicted device does not come back under its old identity, invited or not.
    if (!admission.ok) return refusal(403, admission.reason);
    onNews(from);
    logger.info({ peer: from, name, capabilities, at: clock.now() }, 'a node joined by invite');
    const content = JSON.stringify({
      ...welcomeOf(papers),
      issued: renderCredential(credential),
      roots: { ...papers.membership.roots },
    });
    return jsonResponse(200, { content, proof: joinProof(secret, 'inviter', context, content) });
  }

  #problemOf({ expiresAt }: Challenge, invite: StoredInvite | undefined): string | undefined {
    const { clock } = this.#deps;
    if (expiresAt < clock.elapsed()) return 'its challenge has expired';
    if (!invite) return 'there is no such invite';
    if (invite.usedBy !== undefined) return `the invite was used by ${invite.usedBy}`;
    return clock.now() > invite.expiresAt ? 'the invite has expired' : undefined;
  }
}

const NO_CONTEXT: JoinContext = {
  inviteId: '',
  meshId: '',
  joiner: '',
  inviter: '',
  joinerNonce: '',
  inviterNonce: '',
};

/** Who we are, for one whom we know by now. */
function welcomeOf({ credential, charter }: Papers) {
  return {
    ...(credential && { credential: renderCredential(credential) }),
    ...(charter && { charter: renderCharter(charter) }),
  };
}
